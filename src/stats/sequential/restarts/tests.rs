//! When wallets start, what they weigh, and how soon a late fault is found.

use super::*;
use crate::stats::Wallet;

fn stream(n: u64, harmed: impl Fn(u64) -> bool) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| f64::from(u8::from(harmed(i))))
}

/// Pairs after `healthy` pairs without any disagreement until the mixture crosses 1/0.01, with one pair
/// in `every` harmed.
fn pairs_to_abort(healthy: u64, every: u64) -> u64 {
    let mut mixture = Restarts::new(BetGrid::Uniform, Side::Abort, 0.01).unwrap();
    stream(healthy, |_| false).for_each(|d| mixture.update(d).unwrap());
    let mut pairs = 0;
    while mixture.log_e() < 100_f64.ln() {
        mixture.update(f64::from(u8::from(pairs % every == 0))).unwrap();
        pairs += 1;
    }
    pairs
}

#[test]
fn starts_come_every_thousand_pairs_and_then_eight_to_a_doubling() {
    let mut starts = vec![0];
    while starts.len() <= 34 {
        starts.push(next_start(starts[starts.len() - 1]));
    }
    assert_eq!(
        starts[1..=17],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18].map(|k| k * 1_000)
    );
    assert_eq!(starts[24], 32_000);
    assert_eq!(starts[32], 64_000);
    assert_eq!(next_start(999), 1_000);
    assert_eq!(next_start(1_000), 2_000);
    assert!(next_start(u64::MAX) > 0);
}

#[test]
fn memory_stays_logarithmic() {
    let starts = std::iter::successors(Some(0), |&pairs| Some(next_start(pairs)));
    assert_eq!(starts.take_while(|&pairs| pairs <= 10_000_000).count(), 90);
}

#[test]
fn weights_add_up_to_one() {
    for open in [1_usize, 2, 17, 128] {
        let opened: f64 = (0..open).map(|j| ln_weight(j).exp()).sum();
        assert!((opened + LATER_WEIGHT / open as f64 - 1.0).abs() < 1e-12);
    }
}

#[test]
fn no_evidence_is_e_one() {
    let mut mixture = Restarts::new(BetGrid::Quadratic, Side::Abort, 0.02).unwrap();
    assert!(mixture.log_e().abs() < 1e-12);
    mixture.open();
    assert!(mixture.log_e().abs() < 1e-12);
}

#[test]
fn the_mixture_is_the_weighted_sum_of_its_wallets() {
    let d: Vec<f64> = stream(2_500, |i| i % 40 == 0).collect();
    let mut mixture = Restarts::new(BetGrid::Uniform, Side::Abort, 0.01).unwrap();
    d.iter().for_each(|&d| mixture.update(d).unwrap());
    assert_eq!(mixture.generation(), 2);
    let e = |from: usize| {
        let mut wallet = Wallet::new(BetGrid::Uniform, Side::Abort, 0.01).unwrap();
        d[from..].iter().for_each(|&d| wallet.update(d).unwrap());
        wallet.log_e().exp()
    };
    let expected = 0.75 * e(0) + 0.125 * e(1_000) + 0.25 / 6.0 * e(2_000) + 0.25 / 3.0;
    assert!((mixture.log_e() - expected.ln()).abs() < 1e-12);
}

#[test]
fn a_fault_after_ten_thousand_healthy_pairs_is_found() {
    // One harmed pair in twenty, evenly spaced; 689 pairs is the median with random spacing.
    let pairs = pairs_to_abort(10_000, 20);
    assert!((400..=800).contains(&pairs), "{pairs}");
}

#[test]
fn no_more_than_128_start() {
    let mut mixture = Restarts::new(BetGrid::Uniform, Side::Abort, 0.0).unwrap();
    (0..200).for_each(|_| mixture.open());
    assert_eq!(mixture.generation(), STARTS_MAX);
    assert!(mixture.enter(STARTS_MAX + 1, 0.0).is_err());
    assert!(mixture.enter(usize::MAX, 0.0).is_err());
    mixture.enter(STARTS_MAX, 1.0).unwrap();
    assert!(mixture.log_e().is_finite());
}

#[test]
fn a_merge_that_crosses_the_schedule_is_due() {
    let mut mixture = Restarts::new(BetGrid::Uniform, Side::Abort, 0.01).unwrap();
    stream(600, |_| false).for_each(|d| mixture.update(d).unwrap());
    let other = mixture.clone();
    assert!(!mixture.is_due(0));
    mixture.merge(&other).unwrap();
    assert_eq!((mixture.pairs(), mixture.generation()), (1_200, 0));
    assert!(mixture.is_due(600));
    assert!(!mixture.is_due(1_000));
}
