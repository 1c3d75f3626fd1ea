//! How soon the judge is right: against what information allows, and against the design's figures.

use goldgate::simulation::{Scenario, World};
use goldgate::stats::{OutcomeChance, Side, kl_inf};

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

/// Median pairs from the onset until the rollback, a look at every `look_every`-th, at most `times` the bound.
fn check(base: f64, effect: f64, onset: u64, look_every: u64, times: f64) {
    let bound = information_bound(base, effect);
    let records = onset + (bound * times * 2.0) as u64;
    let independent = alone(World::Independent, MARGIN);
    let found = play(&Scenario { base, effect, onset, records, look_every, ..independent }, runs() / 2);
    let median = found.to_abort.median.expect("found in half of the runs") - onset;
    let ratio = median as f64 / bound;
    println!("+{effect} on {base} after {onset}: {median} pairs, {ratio:.2} of the bound {bound:.0}");
    assert!(ratio <= times, "+{effect} on {base}: {median} pairs, {ratio:.2} of the bound, at most {times}");
}

#[test]
fn regressions_are_found_near_the_information_bound() {
    for effect in [0.02, 0.05, 0.10] {
        check(0.001, effect, 0, 1, 1.25);
    }
}

/// 30 % of the pairs of two identical arms differ where both fail 18.4 % of the time.
#[test]
fn regressions_are_found_among_many_differences() {
    for effect in [0.05, 0.10] {
        check(0.184, effect, 0, 5, 1.45);
    }
}

#[test]
fn late_faults_meet_a_wallet_without_debt() {
    for effect in [0.05, 0.10] {
        check(0.005, effect, HEALTHY, 10, 3.0);
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
