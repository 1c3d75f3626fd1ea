//! The promises, world by world: false aborts, false promotions, and the pairs that a right decision takes.

use goldgate::stats::{OutcomeChance, Side, kl_inf};

use crate::runs::{Ended, LOOK_PAIRS, Setting, all};
use crate::worlds::World;

/// Pairs of a run that looks for errors: five times what an identical release needs.
const PAIRS: u64 = 2_500;

/// The promises of the default policy.
const ABORT_ALPHA: f64 = 0.01;
const PROMOTE_ALPHA: f64 = 0.05;

#[derive(Clone, Copy)]
enum Which {
    Failed,
    Passed,
}

fn when(ended: &Ended, which: Which) -> Option<u64> {
    match which {
        Which::Failed => ended.failed,
        Which::Passed => ended.passed,
    }
}

fn rate(ended: &[Ended], which: Which) -> f64 {
    ended.iter().filter(|one| when(one, which).is_some()).count() as f64 / ended.len() as f64
}

/// Pairs by which half of the runs had ended so; a run that never did counts as longer than all.
fn median(ended: &[Ended], which: Which) -> Option<u64> {
    let mut pairs: Vec<_> = ended.iter().map(|one| when(one, which).unwrap_or(u64::MAX)).collect();
    pairs.sort_unstable();
    pairs.get(pairs.len() / 2).copied().filter(|pairs| *pairs < u64::MAX)
}

/// Fails when `rate` is above its budget by more than chance: three standard errors.
fn within_budget(what: &str, rate: f64, budget: f64, runs: usize) {
    let chance = 3.0 * (budget * (1.0 - budget) / runs as f64).sqrt();
    assert!(rate <= budget + chance, "{what}: {rate:.4}, more than {budget} + {chance:.4} over {runs} runs");
}

#[test]
fn harm_exactly_at_the_margin_is_failed_and_passed_no_more_often_than_promised() {
    for world in World::ALL {
        for margin in [0.01, 0.05] {
            let setting = Setting { world, base: 0.005, effect: margin, margin, pairs: PAIRS };
            let ended = all(setting);
            let (failed, passed) = (rate(&ended, Which::Failed), rate(&ended, Which::Passed));
            println!("{world:?}, margin {margin}: false abort {failed:.4}, false promote {passed:.4}");
            within_budget(&format!("{setting:?}: false aborts"), failed, ABORT_ALPHA, ended.len());
            within_budget(&format!("{setting:?}: false promotes"), passed, PROMOTE_ALPHA, ended.len());
        }
    }
}

#[test]
fn a_release_without_failures_passes_when_the_design_says() {
    let setting = Setting { world: World::Alike, base: 0.0, effect: 0.0, margin: 0.01, pairs: 600 };
    let ended = all(setting);
    let passed = median(&ended, Which::Passed).expect("all runs are alike");
    assert!((450..=500).contains(&passed), "450 pairs by theory, seen at the next look: {passed}");
    assert!(rate(&ended, Which::Failed) <= 0.0);
}

/// ln(100) / KL_inf for independent failures: no valid test needs fewer pairs on average.
fn information_bound(base: f64, effect: f64, margin: f64) -> f64 {
    let candidate = base + effect;
    let (worse, better) = (candidate * (1.0 - base), base * (1.0 - candidate));
    let outcomes = [(1.0, worse), (-1.0, better), (0.0, 1.0 - worse - better)];
    let outcomes = outcomes.map(|(d, chance)| OutcomeChance { d, chance });
    let information = kl_inf(&outcomes, Side::Abort, margin).expect("chances that add up");
    100_f64.ln() / information.nats
}

/// Median pairs until a regression is proven, against the information bound ln(100) / KL_inf and the looks' grain.
#[test]
fn regressions_are_found_near_the_information_limit() {
    for effect in [0.05, 0.10] {
        let bound = information_bound(0.01, effect, 0.01);
        let setting = Setting { world: World::Alike, base: 0.01, effect, margin: 0.01, pairs: PAIRS };
        let found = median(&all(setting), Which::Failed).expect("found in half of the runs");
        println!("+{} points: found after {found} pairs (median); {bound:.0} by information", effect * 100.0);
        assert!((found as f64) <= 1.25 * bound + LOOK_PAIRS as f64, "{found} pairs for {effect}");
    }
}

#[test]
fn both_arms_down_together_is_nobodys_fault() {
    let setting =
        Setting { world: World::SharedOutage, base: 0.005, effect: 0.0, margin: 0.01, pairs: PAIRS };
    let ended = all(setting);
    within_budget("a shared outage: false aborts", rate(&ended, Which::Failed), ABORT_ALPHA, ended.len());
}
