//! How soon the judge is right: against what information allows, and against the design's figures.

use goldgate::simulation::{Repeats, Scenario, World, repeat};
use goldgate::stats::{OutcomeChance, Side, kl_inf, quantile_ranks};

use crate::setting::{alone, play, runs};

const MARGIN: f64 = 0.01;

/// Healthy pairs before a late fault.
const HEALTHY: u64 = 10_000;

/// ln(100) / KL_inf for independent failures: no valid test at 1 % needs fewer pairs on average.
fn information_bound(base: f64, effect: f64) -> f64 {
    let candidate = base + effect;
    let (worse, better) = (candidate * (1.0 - base), base * (1.0 - candidate));
    let outcomes = [(1.0, worse), (-1.0, better), (0.0, 1.0 - worse - better)];
    let outcomes = outcomes.map(|(d, chance)| OutcomeChance { d, chance });
    let information = kl_inf(&outcomes, Side::Abort, MARGIN).expect("chances that add up");
    100_f64.ln() / information.nats
}

/// A regression, and how its rollouts are watched.
#[derive(Clone, Copy)]
struct Regression {
    base: f64,
    effect: f64,
    /// Healthy pairs before it.
    onset: u64,
    look_every: u64,
}

/// Fails when the median of the pairs from the onset to the rollback is more than `times` the bound, by more than
/// Monte-Carlo error: the lower end of its interval is.
fn check(regression: Regression, runs: u64, times: f64) {
    let Regression { base, effect, onset, look_every } = regression;
    let bound = information_bound(base, effect);
    #[expect(clippy::cast_possible_truncation, reason = "some thousand pairs")]
    let records = onset + (bound * times * 2.0) as u64;
    let independent = alone(World::Independent, MARGIN);
    let scenario = Scenario { base, effect, onset, records, look_every, ..independent };
    let ended = repeat(&scenario, Repeats::new(runs, 1), &|| {}).expect("a policy that can be judged by");
    let mut pairs: Vec<_> = ended.iter().map(|ended| ended.aborted.unwrap_or(u64::MAX) - onset).collect();
    pairs.sort_unstable();
    let ranks = quantile_ranks(runs, 0.5, 0.999).expect("runs");
    let [least, median] = [ranks.lower.expect("enough runs"), runs.div_ceil(2)]
        .map(|rank| pairs[usize::try_from(rank - 1).expect("a rank")] as f64 / bound);
    let what = format!("+{effect} on {base} after {onset}: {median:.2} of the bound {bound:.0} (median)");
    println!("{what}, {runs} runs");
    assert!(least <= times, "{what}, surely {least:.2}, at most {times}");
}

#[test]
fn regressions_are_found_near_the_information_bound() {
    for (effect, look_every) in [(0.02, 10), (0.05, 2), (0.10, 1)] {
        check(Regression { base: 0.005, effect, onset: 0, look_every }, runs() / 2, 1.25);
    }
}

/// 30 % of the pairs of two identical arms differ where both fail 18.4 % of the time.
#[test]
fn regressions_are_found_among_many_differences() {
    for effect in [0.05, 0.10] {
        check(Regression { base: 0.184, effect, onset: 0, look_every: 5 }, runs() / 2, 1.45);
    }
}

#[test]
fn late_faults_meet_a_wallet_without_debt() {
    for effect in [0.05, 0.10] {
        check(Regression { base: 0.005, effect, onset: HEALTHY, look_every: 20 }, runs() / 5, 3.0);
    }
}

/// Pairs until half of identical releases pass, by the share of pairs that differ.
#[test]
fn an_identical_release_passes_when_the_design_says() {
    // 1 % of the pairs differ where both arms fail 0.503 % of the time.
    for (base, least, most) in [(0.0, 450, 450), (0.005_03, 750, 850)] {
        let independent = alone(World::Independent, MARGIN);
        let found = play(&Scenario { base, look_every: 5, ..independent }, runs() / 2);
        let median = found.to_promote.median.expect("passed in half of the runs");
        println!("identical, base {base}: passed after {median} pairs (median)");
        assert!((least..=most).contains(&median), "base {base}: {median} pairs, not {least} to {most}");
    }
}
