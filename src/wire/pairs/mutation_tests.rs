//! Rows that were cut, flipped and spliced: faults with their lines, or pairs that can be judged, and never a panic.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::evidence::{Collector, EvidenceError, Record};
use crate::judgment::Policy;

const SEED: u64 = 30;
const MUTATIONS: usize = 4_000;

/// Pieces that may stand where a number stands.
const NUMBERS: usize = 12;

/// What is spliced in: numbers out of range, keys and ids twice, what is no JSON and what is no text.
const PIECES: [&[u8]; 22] = [
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1e308",
    b"5e-324",
    b"-1",
    b"-0.0",
    b"1.5",
    b"true",
    b"null",
    b"18446744073709551615",
    b"18446744073709551616",
    b"\"id\":\"r3\",",
    b"\"seq\":18446744073709551615,",
    b"\"error\":{\"blue\":0,\"green\":1},",
    b"\"\\u0065rror\":{\"blue\":0,\"green\":1},",
    b"\"in_flight\":{\"blue\":-1e300,\"green\":1e300},",
    b"\"null_failed\":{\"blue\":7,\"green\":-7},",
    b"{\"id\":\"r2\",\"metrics\":{}}\n",
    b"\xff\xfe",
    b"[[[[[[[[[[[[[[[[",
    b"\r\n\n",
];

fn rows() -> Vec<u8> {
    let row = |seq: u64| {
        let metrics = format!(
            "{{\"error\":{{\"blue\":0,\"green\":{}}},\"ttft_ms\":{{\"blue\":{seq}.5,\"green\":null}}}}",
            seq % 2
        );
        format!("{{\"seq\":{seq},\"id\":\"r{seq}\",\"metrics\":{metrics}}}\n")
    };
    (1..=8).map(row).collect::<String>().into_bytes()
}

fn mutated(random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut text = rows();
    for _ in 0..random.random_range(1..3) {
        let at = random.random_range(0..text.len());
        let to = random.random_range(at..text.len().min(at + 24));
        match random.random_range(0..7) {
            4..7 => {
                // A value in place of another.
                let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
                let number = |from: usize| text[from..].iter().take_while(|byte| is_number(byte)).count();
                let after = text[at..].windows(2).position(|two| two[0] == b':' && is_number(&two[1]));
                let from = after.map_or(at, |more| at + more + 1);
                let to = from + number(from);
                let piece = PIECES[random.random_range(0..NUMBERS)];
                drop(text.splice(from..to, piece.iter().copied()));
            }
            0 => text.truncate(at.max(1)),
            1 => text[at] ^= 1 << random.random_range(0..8),
            2 => drop(text.drain(at..to)),
            _ => {
                // Mostly where a value or a key may stand.
                let after = text[at..].iter().position(|byte| b":,{".contains(byte));
                let at = after.map_or(at, |more| at + more + 1);
                let piece = PIECES[random.random_range(0..PIECES.len())];
                let to = if random.random_bool(0.5) { at } else { to.max(at) };
                drop(text.splice(at..to, piece.iter().copied()));
            }
        }
    }
    text
}

/// What the reader that knows every fault makes of it, one row after the other.
fn slowly(text: &[u8], kind: impl Fn(&str) -> Option<MetricKind>) -> Result<Vec<Pair>, Vec<RowFault>> {
    let mut rows = PairRows::new(kind);
    let mut pairs = Vec::new();
    for (index, text) in text.split(|byte| *byte == b'\n').enumerate() {
        rows.line = index + 1;
        if !text.trim_ascii().is_empty()
            && let Some(pair) = rows.read_any(text)
        {
            rows.latest.push((rows.line, IdDigest::of(&pair.id)));
            pairs.push(Record::Pair(pair));
        }
    }
    rows.claim(&pairs);
    rows.faults.sort_by_key(|fault| fault.line);
    let pairs = pairs.into_iter().filter_map(|record| match record {
        Record::Pair(pair) => Some(pair),
        Record::Arrival(_) => None,
    });
    if rows.faults.is_empty() { Ok(pairs.collect()) } else { Err(rows.faults) }
}

fn fold(pairs: &[Pair], policy: &Policy) -> Result<(), EvidenceError> {
    let mut collector = Collector::new(&policy.specs())?;
    pairs.iter().try_for_each(|pair| {
        let before = collector.snapshot().clone();
        let folded = collector.push(&Record::Pair(pair.clone()));
        assert!(folded.is_ok() || *collector.snapshot() == before, "a pair that is refused changes nothing");
        folded
    })
}

#[test]
fn mutated_rows_are_faults_with_lines_or_pairs() {
    let policy = Policy::default_live();
    let kind = |name: &str| policy.metric(&name.into()).map(|rule| rule.kind);
    let random = &mut ChaCha8Rng::seed_from_u64(SEED);
    let (mut good, mut refused) = (0, 0);
    for round in 0..MUTATIONS {
        let text = mutated(random);
        let read = read_pairs(&text, kind);
        let shown = String::from_utf8_lossy(&text);
        assert_eq!(read, slowly(&text, kind), "{SEED} {round}: {shown}");
        let lines = text.split(|byte| *byte == b'\n').count();
        match read {
            Ok(pairs) => {
                good += 1;
                assert!(pairs.iter().zip(1..).all(|(pair, seq)| pair.seq == seq), "{SEED} {round}: {shown}");
                // What is read has lawful values; what is beside the metrics may still be refused.
                let folded = fold(&pairs, &policy);
                assert!(
                    matches!(folded, Ok(()) | Err(EvidenceError::Value { .. })),
                    "{round}: {folded:?} {shown}"
                );
            }
            Err(faults) => {
                refused += 1;
                assert!(!faults.is_empty() && faults.iter().all(|fault| (1..=lines).contains(&fault.line)));
            }
        }
    }
    assert!(good > MUTATIONS / 50 && refused > MUTATIONS / 2, "{good} {refused}");
}

fn check(row: &str, expected: &str) {
    let text = format!("{{\"id\":\"a\",\"metrics\":{{}}}}\n{row}\n");
    let policy = Policy::default_live();
    let said = read_pairs(text.as_bytes(), |name| policy.metric(&name.into()).map(|rule| rule.kind));
    let said = said.unwrap_err()[0].to_string();
    assert!(said.starts_with("2:") && said.contains(expected), "{said}");
}

#[test]
fn named_bad_inputs_are_refused_with_their_line() {
    let metric = |name: &str, value: &str| {
        format!("{{\"id\":\"b\",\"metrics\":{{\"{name}\":{{\"blue\":1,\"green\":{value}}}}}}}")
    };
    check(&metric("ttft_ms", "NaN"), "not a row");
    check(&metric("ttft_ms", "Infinity"), "not a row");
    check(&metric("ttft_ms", "1e999"), "number out of range");
    check(&metric("ttft_ms", "-3"), "no value of kind latency");
    check(&metric("disagreement", "1.01"), "no value of kind disagreement");
    check("{\"id\":\"a\",\"metrics\":{}}", "stands on line 1 already");
    check("{\"seq\":1,\"id\":\"b\",\"metrics\":{}}", "must be 2 here, not 1");
    check("{\"seq\":18446744073709551615,\"id\":\"b\",\"metrics\":{}}", "must be 2 here");
    check("{\"seq\":18446744073709551616,\"id\":\"b\",\"metrics\":{}}", "must be 2 here");
}
