//! What a team tolerates, and how sure the judge must be.

use crate::domain::{LatencyLimit, MetricKind, MetricName, Tail};
use crate::evidence::MetricSpec;

/// What clocks beside a busy core can tell apart, in ms. A copy is sent after its original and waits for the same
/// core, so that it looks slower by some tenths of a millisecond even where the engine is the same.
const CLOCK_RESOLUTION_MS: f64 = 1.0;

/// The same for a time per token: [`CLOCK_RESOLUTION_MS`] over the tokens of a short answer, twenty.
const TOKEN_RESOLUTION_MS: f64 = 0.05;

/// The resolution of a metric where a policy sets none. Latencies that others measured, in their own unit,
/// are taken as they are.
#[must_use]
pub fn default_resolution_ms(name: &str) -> f64 {
    match name {
        "ttft_ms" | "e2e_ms" => CLOCK_RESOLUTION_MS,
        "tpot_ms" => TOKEN_RESOLUTION_MS,
        _ => 0.0,
    }
}

/// A default resolution is no more than this part of the margin: it hides a fifth of what is tolerated anyway, in
/// whatever unit times are written, and for a first token after 20 ms is still two tenths of a millisecond.
pub const DEFAULT_RESOLUTION_OF_MARGIN: f64 = 0.2;

/// Another model words almost every answer otherwise. A margin so wide is never proven to be exceeded.
const DISAGREEMENT_SHOWN: f64 = 0.999;

/// Narrower than this, a margin of disagreement fails a new model for being one.
const DISAGREEMENT_WIDE: f64 = 0.9;

/// Of so many parts of `abort_alpha` a warm-up may spend one, and the rest of the rollout the others: a tenth costs a
/// regression that comes later ln(10/9) of its evidence, less than three pairs in a hundred.
const WARM_UP_PARTS: f64 = 10.0;

/// What the baseline's own failures are known by while a candidate is warmed: a rate, and not 0 or 1.
const FAILURES: [&str; 2] = ["error", "broken"];

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
    /// What it may be in itself, in place of a comparison that no load allows; latency only.
    pub max: Option<LatencyLimit>,
    /// Milliseconds up to which two latencies count as equal; latency only.
    pub resolution_ms: f64,
    /// The part of the margin that it may come to at most; `None`: any, as where a policy sets its resolution itself.
    pub resolution_of_margin: Option<f64>,
}

impl MetricPolicy {
    fn spec(&self) -> MetricSpec {
        let abort_margin = self.abort_margin.unwrap_or(self.margin);
        let narrower = self.margin.min(abort_margin);
        MetricSpec {
            name: self.name.clone(),
            kind: self.kind,
            margin: self.margin,
            abort_margin,
            tail: self.tail,
            max: self.max,
            resolution_ms: self.resolution_ms,
            resolution_share: self.resolution_of_margin.map(|part| part * narrower),
        }
    }
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

/// Why a policy cannot be judged by.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// A probability outside (0, 1).
    #[error("{name} is a probability between 0 and 1, not {value}")]
    Alpha {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A margin outside its range.
    #[error("the margin of {metric} lies in [0, 1), not {value}")]
    Margin {
        /// The metric.
        metric: MetricName,
        /// Its value.
        value: f64,
    },
    /// Two rules for one metric.
    #[error("{metric} is named twice")]
    Duplicate {
        /// The metric.
        metric: MetricName,
    },
    /// Nothing that must pass.
    #[error("no metric is required: such a policy could never pass anything")]
    NothingRequired,
}

impl Policy {
    /// The rule for `name`.
    #[must_use]
    pub fn metric(&self, name: &MetricName) -> Option<&MetricPolicy> {
        self.metrics.iter().find(|metric| metric.name == *name)
    }

    /// The default rules for live evidence: what every release is judged by when a team says nothing.
    #[must_use]
    pub fn default_live() -> Self {
        let rule = |name: &str, kind, margin, required, tail| MetricPolicy {
            name: name.into(),
            kind,
            margin,
            abort_margin: None,
            required,
            tail,
            max: None,
            resolution_ms: default_resolution_ms(name),
            resolution_of_margin: (kind == MetricKind::Latency).then_some(DEFAULT_RESOLUTION_OF_MARGIN),
        };
        use MetricKind::{Disagreement, Event, Latency, Length};
        Self {
            abort_alpha: 0.01,
            promote_alpha: 0.05,
            missing_max: 0.02,
            pairs_min: 100,
            metrics: vec![
                rule("error", Event, 0.01, true, None),
                rule("broken", Event, 0.01, true, None),
                rule("sameness", Event, 0.01, false, None),
                rule("disagreement", Disagreement, 0.03, false, None),
                rule("length", Length, 0.10, false, None),
                rule("ttft_ms", Latency, 0.05, false, Some(Tail::P99)),
                rule("tpot_ms", Latency, 0.05, false, Some(Tail::P99)),
                rule("e2e_ms", Latency, 0.05, false, None),
            ],
        }
    }

    /// These rules for a candidate that is to give the baseline's answers: disagreement must pass as well.
    #[must_use]
    pub fn where_answers_stay(mut self) -> Self {
        self.disagreement().for_each(|rule| rule.required = true);
        self
    }

    /// These rules for a candidate that rightly answers otherwise: disagreement is shown and fails nothing.
    #[must_use]
    pub fn where_answers_change(mut self) -> Self {
        self.disagreement().for_each(|rule| rule.margin = DISAGREEMENT_SHOWN);
        self
    }

    /// Whether a candidate that answers in other words fails by these rules.
    #[must_use]
    pub fn fails_other_answers(&self) -> bool {
        let narrow = |rule: &MetricPolicy| rule.abort_margin.unwrap_or(rule.margin) < DISAGREEMENT_WIDE;
        self.metrics.iter().any(|rule| rule.kind == MetricKind::Disagreement && narrow(rule))
    }

    /// These rules for the live evidence of a rollout whose warm-up is judged, too: without what that may spend.
    #[must_use]
    pub fn beside_warm_up(mut self) -> Self {
        self.abort_alpha = self.abort_alpha * (WARM_UP_PARTS - 1.0) / WARM_UP_PARTS;
        self
    }

    /// The rules for the warm-up, where these are [beside](Self::beside_warm_up) it. Half of what it may spend is for the
    /// e-values, and so much again for the limits on how often the baseline fails. The baseline's answers come from a cache,
    /// so that no times are compared, and nobody knows how often it disagrees with itself.
    #[must_use]
    pub fn of_warm_up(&self) -> Self {
        let mut policy = self.clone();
        policy.abort_alpha = self.abort_alpha / (WARM_UP_PARTS - 1.0) / 2.0;
        policy.metrics.retain(|rule| !matches!(rule.kind, MetricKind::Latency | MetricKind::Disagreement));
        let failures = policy.metrics.iter_mut().filter(|rule| FAILURES.contains(&rule.name.as_str()));
        failures.for_each(|rule| rule.kind = MetricKind::Harm);
        policy
    }

    fn disagreement(&mut self) -> impl Iterator<Item = &mut MetricPolicy> {
        self.metrics.iter_mut().filter(|rule| rule.kind == MetricKind::Disagreement)
    }

    /// What evidence must measure for this policy, in its order.
    #[must_use]
    pub fn specs(&self) -> Vec<MetricSpec> {
        self.metrics.iter().map(MetricPolicy::spec).collect()
    }

    /// Names of the metrics that must pass where a stage asks for passes.
    #[must_use]
    pub fn required(&self) -> Vec<MetricName> {
        self.metrics.iter().filter(|metric| metric.required).map(|metric| metric.name.clone()).collect()
    }

    /// Checks the rules against each other.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let probability = |name, value: f64| {
            if value > 0.0 && value < 1.0 { Ok(()) } else { Err(PolicyError::Alpha { name, value }) }
        };
        probability("abort_alpha", self.abort_alpha)?;
        probability("promote_alpha", self.promote_alpha)?;
        probability("missing_max", self.missing_max)?;
        for (at, metric) in self.metrics.iter().enumerate() {
            for value in [metric.margin, metric.abort_margin.unwrap_or(metric.margin)] {
                if !(0.0..1.0).contains(&value) {
                    return Err(PolicyError::Margin { metric: metric.name.clone(), value });
                }
            }
            if self.metrics[..at].iter().any(|earlier| earlier.name == metric.name) {
                return Err(PolicyError::Duplicate { metric: metric.name.clone() });
            }
        }
        if self.metrics.iter().any(|metric| metric.required) {
            Ok(())
        } else {
            Err(PolicyError::NothingRequired)
        }
    }
}
