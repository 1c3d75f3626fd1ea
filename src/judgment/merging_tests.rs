//! Any split of a stream over replicas, merged in any order, gives the verdict of the whole, byte for byte.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::domain::{Arm, MetricKind, MetricName, Share};
use crate::evidence::{Arrival, Collector, Halves, Pair, Record, Snapshot};
use crate::wire::VerdictRecord;

/// Enough for a scheduled wallet and a tail threshold.
const RECORDS: u64 = 1_400;

/// Records between two snapshots of all replicas.
const EVERY: u64 = 150;

fn policy() -> Policy {
    let mut policy = Policy::default_live();
    let kept = ["error", "disagreement", "length", "ttft_ms"];
    policy.metrics.retain(|metric| kept.contains(&metric.name.as_str()));
    policy
}

fn value(random: &mut ChaCha8Rng, kind: MetricKind, worse: f64) -> f64 {
    match kind {
        MetricKind::Latency => 100.0 * (1.0 + random.random::<f64>() + 8.0 * worse * random.random::<f64>()),
        MetricKind::Length => f64::from(random.random_range(20..200)),
        _ => f64::from(u8::from(random.random_bool(0.02 + worse))),
    }
}

/// Mirrored pairs, some with a lost half, then keys under a split.
fn records(seed: u64) -> Vec<Record> {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let worse = [0.0, 0.05, 0.3][random.random_range(0..3)];
    let metrics = policy().metrics;
    let pair = |random: &mut ChaCha8Rng, seq, id| {
        let metrics = metrics.iter().map(|rule| {
            let mut half = |worse| random.random_bool(0.995).then(|| value(random, rule.kind, worse));
            (rule.name.clone(), Halves { baseline: half(0.0), candidate: half(worse) })
        });
        let mut metrics: Vec<(MetricName, Halves)> = metrics.collect();
        let mut beside = |name: &str, values: std::ops::Range<u32>| {
            let mut value = || Some(f64::from(random.random_range(values.clone())));
            let (baseline, candidate) = (value(), value());
            metrics.push((name.into(), Halves { baseline, candidate }));
        };
        beside(crate::evidence::IN_FLIGHT, 1..12);
        beside(crate::evidence::STREAMED, 0..2);
        beside(crate::evidence::REQUEST_BYTES, 100..30_000);
        Record::Pair(Pair { seq, id, metrics })
    };
    let arrival = |random: &mut ChaCha8Rng, seq, id| {
        let (arm, worse) = match random.random_bool(0.25) {
            true => (Arm::Candidate, worse),
            false => (Arm::Baseline, 0.0),
        };
        let metrics = metrics.iter().map(|rule| (rule.name.clone(), value(random, rule.kind, worse)));
        let metrics = metrics.collect();
        Record::Arrival(Arrival { seq, id, arm, share: Share::from_ppm(250_000), metrics })
    };
    let record = |seq| match seq {
        0..=1_200 => pair(random, seq, format!("r{seq}")),
        _ => arrival(random, seq, format!("r{seq}")),
    };
    (1..=RECORDS).map(record).collect()
}

fn merged(replicas: &[Collector], random: &mut ChaCha8Rng) -> Snapshot {
    let mut snapshots: Vec<_> = replicas.iter().map(Collector::snapshot).collect();
    snapshots.shuffle(random);
    let mut all = snapshots[0].clone();
    snapshots[1..].iter().for_each(|other| all.merge(other).unwrap());
    all
}

/// What all replicas together have seen, when each record went to a replica of its own choice.
fn folded(records: &[Record], replicas: usize, random: &mut ChaCha8Rng) -> Snapshot {
    let mut replicas = vec![Collector::of_replica(&policy().specs()).unwrap(); replicas];
    for record in records {
        let at = random.random_range(0..replicas.len());
        replicas[at].push(record).unwrap();
        if record.seq() == 700 {
            replicas.iter_mut().for_each(Collector::open_stage);
        }
        if record.seq().is_multiple_of(EVERY) {
            let all = merged(&replicas, random);
            replicas.iter_mut().for_each(|replica| replica.hear(&all).unwrap());
        }
    }
    merged(&replicas, random)
}

fn judged(snapshot: &Snapshot) -> Judgment {
    let policy = policy();
    let (subject, must_pass) = (Subject::default(), policy.required());
    judge(snapshot, &policy, &Ask { question: Question::Ramp, subject, must_pass })
}

fn verdict(snapshot: &Snapshot) -> String {
    String::from_utf8(VerdictRecord::from(&judged(snapshot)).to_json_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_split_merged_in_any_order_is_judged_as_the_whole(
        seed: u64,
        split: u64,
        replicas in 1_usize..=8,
        seen in prop::sample::select(vec![1_180_usize, 1_200, 1_400]),
    ) {
        let records = &records(seed)[..seen];
        let random = &mut ChaCha8Rng::seed_from_u64(split);
        let (whole, merged) = (folded(records, 1, random), folded(records, replicas, random));
        prop_assert_eq!(verdict(&whole), verdict(&merged));
        let ledger = |snapshot: &Snapshot| LedgerPoint::of(snapshot.records(), &judged(snapshot)).unwrap();
        prop_assert_eq!(ledger(&whole), ledger(&merged), "to the last bit");
    }
}

#[test]
fn a_replica_opens_what_the_others_have_open() {
    let all = folded(&records(1), 3, &mut ChaCha8Rng::seed_from_u64(1));
    let mut late = Collector::of_replica(&policy().specs()).unwrap();
    late.hear(&all).unwrap();
    let mut again = all.clone();
    again.merge(late.snapshot()).unwrap();
    assert_eq!(verdict(&again), verdict(&all), "a replica without records says nothing");
}

#[test]
fn what_paces_itself_does_not_merge_with_what_is_paced() {
    let own = Collector::new(&policy().specs()).unwrap();
    let mut all = Collector::of_replica(&policy().specs()).unwrap().snapshot().clone();
    assert!(all.merge(own.snapshot()).is_err());
    let other = Collector::of_replica(&policy().specs()[..1]).unwrap();
    assert!(Collector::of_replica(&policy().specs()).unwrap().hear(other.snapshot()).is_err());
}

#[test]
fn replicas_agree_on_whether_a_fault_lasts() {
    let opinions = |replicas, seed| {
        let merged = folded(&records(seed)[..1_180], replicas, &mut ChaCha8Rng::seed_from_u64(seed));
        judged(&merged).metrics.iter().map(|metric| metric.opinion).collect::<Vec<_>>()
    };
    let seed = (1..).find(|seed| opinions(1, *seed).contains(&Some(Opinion::Sustained))).unwrap();
    (2..=5).for_each(|replicas| assert_eq!(opinions(replicas, seed), opinions(1, seed)));
}
