//! The sequence against the wallets it stands for, at its ends and under mirroring.

use super::*;
use crate::stats::Wallet;

fn of(values: impl IntoIterator<Item = f64>) -> History {
    let mut history = History::new();
    values.into_iter().for_each(|d| history.update(d).unwrap());
    history
}

fn rare_harm(n: u32) -> History {
    of((0..n).map(|i| f64::from(u8::from(i % 50 == 0))))
}

#[test]
fn without_pairs_nothing_is_refuted() {
    let sequence = History::new().confidence_sequence(BetGrid::Uniform, 0.95).unwrap();
    assert_eq!((sequence.lower, sequence.upper), (-1.0, 1.0));
}

#[test]
fn it_narrows_around_the_mean() {
    let mut width = 2.0;
    for n in [100, 1_000, 10_000] {
        let sequence = rare_harm(n).confidence_sequence(BetGrid::Uniform, 0.95).unwrap();
        assert!(sequence.contains(0.02), "{sequence:?}");
        assert!(sequence.upper - sequence.lower < width, "{sequence:?}");
        width = sequence.upper - sequence.lower;
    }
    assert!(width < 0.02);
}

#[test]
fn its_ends_are_where_a_wallet_crosses() {
    let history = rare_harm(1_000);
    let sequence = history.confidence_sequence(BetGrid::Quadratic, 0.95).unwrap();
    for (side, m) in [(Side::Abort, sequence.lower), (Side::Promote, sequence.upper)] {
        let mut wallet = Wallet::new(BetGrid::Quadratic, side, m).unwrap();
        (0..1_000).for_each(|i| wallet.update(f64::from(u8::from(i % 50 == 0))).unwrap());
        assert!((wallet.log_e() - 40_f64.ln()).abs() < 1e-7, "{side:?} {}", wallet.log_e());
        assert!((wallet.log_e() - history.log_e(BetGrid::Quadratic, side, m).unwrap()).abs() < 1e-10);
    }
}

#[test]
fn swapping_the_arms_mirrors_it() {
    let d: Vec<f64> = (0..300).map(|i| f64::from(i * 29 % 41) / 40.0 - 0.3).collect();
    let one = of(d.iter().copied()).confidence_sequence(BetGrid::Uniform, 0.9).unwrap();
    let other = of(d.iter().map(|d| -d)).confidence_sequence(BetGrid::Uniform, 0.9).unwrap();
    assert!((one.lower + other.upper).abs() < 1e-11 && (one.upper + other.lower).abs() < 1e-11);
}

#[test]
fn bins_only_widen_it_and_by_little() {
    let d = |i: u32| f64::from(i * 7_919 % 2_003) / 1_500.0 - 0.6;
    let binned = of((0..2_003).map(d));
    assert!(!binned.is_exact());
    let sequence = binned.confidence_sequence(BetGrid::Uniform, 0.95).unwrap();
    let exact: Vec<Weighted> = (0..2_003).map(|i| (d(i), 1.0)).collect();
    let mirrored: Vec<Weighted> = exact.iter().map(|&(d, weight)| (-d, weight)).collect();
    let (bets, threshold) = (BetGrid::Uniform.bets(), 40_f64.ln());
    let (lower, upper) = (lower_end(&exact, &bets, threshold), -lower_end(&mirrored, &bets, threshold));
    assert!(sequence.lower <= lower && upper <= sequence.upper);
    assert!(sequence.upper - sequence.lower < 1.01 * (upper - lower), "{sequence:?} {lower} {upper}");
}

#[test]
fn all_worst_and_all_best_reach_the_ends() {
    let worst = of([1.0; 500]).confidence_sequence(BetGrid::Uniform, 0.95).unwrap();
    assert!(worst.upper == 1.0 && worst.lower > 0.9, "{worst:?}");
    let best = of([-1.0; 500]).confidence_sequence(BetGrid::Uniform, 0.95).unwrap();
    assert!(best.lower == -1.0 && best.upper < -0.9, "{best:?}");
}

#[test]
fn levels_outside_are_refused() {
    for level in [0.0, 1.0, f64::NAN, 95.0] {
        assert!(rare_harm(10).confidence_sequence(BetGrid::Uniform, level).is_err());
    }
}
