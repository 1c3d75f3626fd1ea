//! Parquet files with flipped bits and lost ends: an error that names the file, or records, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::evidence::{Halves, Pair, Record};
use crate::store::{EvidenceError, EvidencePlace, EvidenceWriter, read_evidence};

const SEED: u64 = 20;

/// Damaged files tried under the name they were written with, and under one without a digest. The second are fewer,
/// because the library's own report of each panic that is caught takes its time.
const NAMED: usize = 3_000;
const UNNAMED: usize = 300;

fn records() -> Vec<Record> {
    let pair = |seq: u64| {
        let halves =
            Halves { baseline: Some(seq as f64), candidate: (!seq.is_multiple_of(7)).then_some(0.25) };
        let metrics = vec![("error".into(), halves), ("ttft_ms".into(), halves)];
        Record::Pair(Pair { seq, id: format!("request-{seq}"), metrics })
    };
    (1..=120).map(pair).collect()
}

fn damaged(whole: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    match random.random_range(0..4) {
        0 => bytes.truncate(random.random_range(0..whole.len())),
        1 => {
            let from = random.random_range(0..whole.len());
            let to = random.random_range(from..whole.len().min(from + 64));
            bytes.drain(from..to);
        }
        _ => {
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
        }
    }
    bytes
}

/// Reads `rounds` damaged files, named by `name`; gives how many were read without an error, and as something else.
fn check(rounds: usize, name: impl Fn(&Path) -> PathBuf) -> (usize, usize) {
    let dir = TempDir::new().unwrap();
    let place = EvidencePlace { rollout: "r1".into(), resets: 0, ordinal: 2, name: "mirror" };
    let mut writer = EvidenceWriter::new(dir.path().to_owned(), place);
    records().into_iter().for_each(|record| writer.push(record));
    writer.flush().unwrap();
    let stage = dir.path().join("rollout=r1/stage=2-mirror");
    let written = fs::read_dir(&stage).unwrap().next().unwrap().unwrap().path();
    let file = name(&written);
    fs::rename(&written, &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let random = &mut ChaCha8Rng::seed_from_u64(SEED);
    let (mut read, mut other) = (0, 0);
    for round in 0..rounds {
        let bytes = damaged(&whole, random);
        fs::write(&file, &bytes).unwrap();
        match read_evidence(dir.path()) {
            Ok(found) => {
                read += usize::from(bytes != whole);
                other += usize::from(found != records());
            }
            Err(EvidenceError::Nothing { dir }) => assert!(dir.ends_with("rollout=r1"), "{SEED} {round}"),
            Err(error) => assert!(error.to_string().contains("pairs-0"), "{SEED} {round}: {error}"),
        }
    }
    (read, other)
}

#[test]
fn a_damaged_file_is_named_and_nothing_of_it_believed() {
    assert_eq!(check(NAMED, Path::to_path_buf), (0, 0));
}

#[test]
fn a_damaged_file_without_a_digest_is_an_error_or_records_and_never_a_panic() {
    check(UNNAMED, |written| written.with_file_name("pairs-000000000001.parquet"));
}
