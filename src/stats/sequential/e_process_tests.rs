//! Properties of the e-processes: mirror symmetry, exact merging, refusal of what is not a number.

use proptest::prelude::*;

use super::{BetGrid, History, RampScore, Restarts, Side, Wallet};

fn grid() -> impl Strategy<Value = BetGrid> {
    prop_oneof![Just(BetGrid::Uniform), Just(BetGrid::Quadratic)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Abort), Just(Side::Promote)]
}

/// Mostly the differences of event metrics, some continuous ones.
fn d() -> impl Strategy<Value = f64> {
    prop_oneof![4 => Just(0.0), 1 => Just(1.0), 1 => Just(-1.0), 3 => -1.0..=1.0]
}

fn wallet(grid: BetGrid, side: Side, m: f64, stream: &[f64]) -> Wallet {
    let mut wallet = Wallet::new(grid, side, m).unwrap();
    stream.iter().for_each(|&d| wallet.update(d).unwrap());
    wallet
}

fn history(stream: &[f64]) -> History {
    let mut history = History::new();
    stream.iter().for_each(|&d| history.update(d).unwrap());
    history
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_arms_mirrors_the_wallet(grid in grid(), m in -0.5..0.5, stream in prop::collection::vec(d(), 0..80)) {
        let mirrored: Vec<f64> = stream.iter().map(|d| -d).collect();
        let abort = wallet(grid, Side::Abort, m, &stream).log_e();
        let promote = wallet(grid, Side::Promote, -m, &mirrored).log_e();
        prop_assert_eq!(abort.to_bits(), promote.to_bits());
    }

    #[test]
    fn merging_equals_judging_the_union(
        grid in grid(), side in side(), m in -0.2..0.2,
        stream in prop::collection::vec((d(), 0..3_usize), 0..150),
    ) {
        let all: Vec<f64> = stream.iter().map(|&(d, _)| d).collect();
        let of = |replica| stream.iter().filter(|(_, at)| *at == replica).map(|(d, _)| *d).collect::<Vec<_>>();
        let parts = [0, 1, 2].map(of);
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut merged = wallet(grid, side, m, &[]);
            let mut seen = history(&[]);
            for replica in order {
                merged.merge(&wallet(grid, side, m, &parts[replica])).unwrap();
                seen.merge(&history(&parts[replica])).unwrap();
            }
            prop_assert_eq!(&merged, &wallet(grid, side, m, &all));
            prop_assert_eq!(&seen, &history(&all));
        }
    }

    #[test]
    fn replaying_generations_on_replicas_equals_one_process(
        opens in prop::collection::btree_set(0..120_usize, 0..4),
        stream in prop::collection::vec((d(), 0..3_usize), 0..120),
    ) {
        let empty = Restarts::new(BetGrid::Uniform, Side::Abort, 0.01).unwrap();
        let mut one = empty.clone();
        let mut replicas = [empty.clone(), empty.clone(), empty.clone()];
        for (i, &(d, replica)) in stream.iter().enumerate() {
            if opens.contains(&i) {
                one.open();
            }
            replicas[replica].enter(one.generation(), d).unwrap();
            one.update(d).unwrap();
        }
        let mut merged = empty;
        for replica in replicas.iter().rev() {
            merged.merge(replica).unwrap();
        }
        while merged.generation() < one.generation() {
            merged.open(); // opened after the last pair: no replica has met it
        }
        prop_assert_eq!(merged.log_e().to_bits(), one.log_e().to_bits());
        prop_assert_eq!(merged, one);
    }

    #[test]
    fn worse_evidence_never_helps(grid in grid(), stream in prop::collection::vec(d(), 1..60), at in any::<prop::sample::Index>()) {
        let mut worse = stream.clone();
        let i = at.index(stream.len());
        worse[i] = (worse[i] + 0.3).min(1.0);
        for (side, m) in [(Side::Abort, 0.01), (Side::Promote, 0.01)] {
            let before = wallet(grid, side, m, &stream).log_e();
            let after = wallet(grid, side, m, &worse).log_e();
            prop_assert!((after - before) * side.sign() >= -1e-12);
        }
    }

    #[test]
    fn whatever_is_not_in_range_is_refused_and_changes_nothing(side in side(), value in any::<f64>()) {
        let before = wallet(BetGrid::Uniform, side, 0.01, &[1.0, 0.2]);
        let mut after = before.clone();
        let mut mixture = Restarts::new(BetGrid::Uniform, side, 0.01).unwrap();
        if !(-1.0..=1.0).contains(&value) {
            prop_assert!(after.update(value).is_err());
            prop_assert!(mixture.update(value).is_err());
            prop_assert_eq!(mixture.pairs(), 0);
            prop_assert!(Wallet::new(BetGrid::Uniform, side, value).is_err());
        }
        if !(-2.0..=2.0).contains(&(side.sign() * value)) {
            let _ = after.update_ramp(value, f64::NAN).unwrap_err();
        }
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_ramp_at_the_null_mean_has_factors_that_average_to_one(
        share in 0.01..0.99, guess in 0.0..=1.0, base in 0.0..0.9, m in 0.0..0.1, grid in grid(), side in side(),
    ) {
        // Harm 1 with probability base (+ m for the candidate): enumerate assignment and harm.
        let mut mean: f64 = 0.0;
        for (assigned, chance) in [(true, share), (false, 1.0 - share)] {
            let rate = if assigned { base + m } else { base };
            for (harm, likely) in [(1.0, rate), (0.0, 1.0 - rate)] {
                let score = if assigned { RampScore::candidate(harm, guess, share) } else { RampScore::baseline(harm, guess, share) };
                let score = score.unwrap();
                let mut wallet = Wallet::new(grid, side, m).unwrap();
                wallet.update_ramp(score.z, score.bound(side)).unwrap();
                mean += chance * likely * wallet.log_e().exp();
            }
        }
        prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
    }
}

#[test]
fn states_that_bet_differently_do_not_merge() {
    let mut one = wallet(BetGrid::Uniform, Side::Abort, 0.01, &[1.0]);
    for other in [
        wallet(BetGrid::Quadratic, Side::Abort, 0.01, &[]),
        wallet(BetGrid::Uniform, Side::Promote, 0.01, &[]),
        wallet(BetGrid::Uniform, Side::Abort, 0.02, &[]),
    ] {
        assert!(one.merge(&other).is_err());
    }
    assert_eq!(one.pairs(), 1);
}
