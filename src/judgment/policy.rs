//! What a team tolerates, and how sure the judge must be.

use crate::domain::{MetricKind, MetricName, Tail};

/// One metric's rule.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPolicy {
    /// The metric's name in evidence and verdict.
    pub name: MetricName,
    /// How its values are compared.
    pub kind: MetricKind,
    /// The harm that is tolerated: points in [0, 1] as a fraction (`0.01` = 1 point), or for ratio
    /// kinds a relative change (`0.05` = 5 %).
    pub margin: f64,
    /// The margin of the abort side when it is set apart; `None`: the same as `margin`.
    pub abort_margin: Option<f64>,
    /// Whether it must pass, where the stage asks for passes; else it is a guard and may only fail.
    pub required: bool,
    /// The tail judged beside the body; latency only.
    pub tail: Option<Tail>,
}

/// The whole rule of judging.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Family-wise probability of ever aborting a release that is within its margins, in (0, 1).
    pub abort_alpha: f64,
    /// Per required metric, the probability of ever passing one that is worse by its margin, in (0, 1).
    pub promote_alpha: f64,
    /// Above this share of missing halves the evidence is invalid.
    pub missing_max: f64,
    /// Fewest pairs before anything may pass.
    pub pairs_min: u64,
    /// The metrics, in the order they are shown.
    pub metrics: Vec<MetricPolicy>,
}

impl Policy {
    /// The rule for `name`.
    #[must_use]
    pub fn metric(&self, name: &MetricName) -> Option<&MetricPolicy> {
        self.metrics.iter().find(|metric| metric.name == *name)
    }
}
