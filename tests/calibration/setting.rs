//! What the tests have in common: the policy of one metric, the number of runs.

use goldgate::judgment::Policy;
use goldgate::simulation::{Characteristics, Repeats, Scenario, World, repeat};

/// The promises of the default policy.
pub(crate) const ABORT_ALPHA: f64 = 0.01;
pub(crate) const PROMOTE_ALPHA: f64 = 0.05;

/// The level that "sustained" is said at.
pub(crate) const OPINION_ALPHA: f64 = 0.05;

/// Records of a run that looks for errors: five times what an identical release needs.
const RECORDS: u64 = 2_500;

/// Runs of a setting; more by `CALIBRATION_RUNS`.
pub(crate) fn runs() -> u64 {
    std::env::var("CALIBRATION_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(400)
}

/// `world` under a policy of its metric alone, which has the whole budget.
pub(crate) fn alone(world: World, margin: f64) -> Scenario {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| metric.name.as_str() == world.metric());
    policy.metrics[0].margin = margin;
    Scenario { records: RECORDS, ..Scenario::of(world, policy) }
}

pub(crate) fn play(scenario: &Scenario, runs: u64) -> Characteristics {
    let ended = repeat(scenario, Repeats::new(runs, 1), &|| {}).expect("a policy that can be judged by");
    Characteristics::of(&ended)
}
