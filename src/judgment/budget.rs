//! The error budget of failing: one family over all tests of all metrics, for the whole rollout.

use super::Policy;
use crate::evidence::Snapshot;
use crate::stats::weighted_mean_log_e;

/// The metric that has half of the budget where it is judged.
const FIRST: &str = "error";

/// One test's share of the family: metric and strand by position, and how its two sides stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stake {
    pub(super) metric: usize,
    pub(super) strand: usize,
    /// All of them add up to 1.
    pub(super) weight: f64,
    /// ln E of the abort side, before weighting.
    pub(super) log_e_abort: f64,
    /// ln E of the promote side.
    pub(super) log_e_promote: f64,
    /// ln(weight · E) of the abort side.
    pub(super) ln_weighted: f64,
}

/// How the family stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    pub(super) stakes: Vec<Stake>,
    /// ln of the weighted mean of the abort e-values.
    pub(super) log_e: f64,
    /// ln(1/α): the mean crosses it with probability at most α, ever.
    pub(super) threshold: f64,
}

impl Family {
    /// Weighs every test: `error` ½ and the other metrics the rest in equal parts (all equal where there
    /// is no `error`, or nothing else); the tests of one metric share its weight. A weighted mean of
    /// e-values is an e-value, whatever their dependence (Vovk & Wang 2021, Ann. Stat. 49:1736, prop. 3.1).
    #[expect(clippy::cast_precision_loss, reason = "a handful of metrics")]
    pub(super) fn weigh(snapshot: &Snapshot, policy: &Policy) -> Self {
        let metrics = snapshot.metrics();
        let others = metrics.iter().filter(|metric| metric.spec().name.as_str() != FIRST).count();
        let split = others > 0 && others < metrics.len();
        let mut stakes = Vec::new();
        for (at, metric) in metrics.iter().enumerate() {
            let weight = match (split, metric.spec().name.as_str() == FIRST) {
                (true, true) => 0.5,
                (true, false) => 0.5 / others as f64,
                (false, _) => 1.0 / metrics.len() as f64,
            };
            let weight = weight / metric.strands().len() as f64;
            for (strand, test) in metric.strands().iter().enumerate() {
                let (log_e_abort, log_e_promote) = (test.log_e_abort(), test.log_e_promote());
                let ln_weighted = weight.ln() + log_e_abort;
                stakes.push(Stake { metric: at, strand, weight, log_e_abort, log_e_promote, ln_weighted });
            }
        }
        let terms: Vec<_> = stakes.iter().map(|stake| (stake.log_e_abort, stake.weight)).collect();
        // The weights above are a distribution; of nothing there is no mean, and nothing fails.
        let log_e = weighted_mean_log_e(&terms).unwrap_or(f64::NEG_INFINITY);
        Self { stakes, log_e, threshold: -policy.abort_alpha.ln() }
    }

    /// Whether this test failed: by its own weighted e-value, or as the largest part of a mean that
    /// crossed without any test doing so alone.
    pub(super) fn failed(&self, stake: &Stake) -> bool {
        let alone = |stake: &Stake| stake.ln_weighted >= self.threshold;
        if self.stakes.iter().any(alone) {
            return alone(stake);
        }
        self.log_e >= self.threshold && self.stakes.iter().all(|other| other.ln_weighted <= stake.ln_weighted)
    }
}
