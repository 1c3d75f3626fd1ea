//! From harm differences back to the unit that people read.

use std::f64::consts::LN_2;

use super::Unit;
use crate::domain::{Arm, MetricKind, MetricName};
use crate::evidence::{Aspect, MetricEvidence, Strand};

/// One test's numbers as shown: in the metric's own unit, candidate − baseline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) name: MetricName,
    pub(super) kind: MetricKind,
    pub(super) unit: Unit,
    pub(super) margin: f64,
    pub(super) baseline: Option<f64>,
    pub(super) candidate: Option<f64>,
    pub(super) difference: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
    /// The estimated harm in the unit of the margin.
    pub(super) worse_by: Option<f64>,
}

/// Level of the interval that is shown.
pub(super) const LEVEL: f64 = 0.95;

impl Shown {
    pub(super) fn of(metric: &MetricEvidence, strand: &Strand) -> Self {
        let spec = metric.spec();
        let aspect = strand.aspect();
        let name = aspect
            .suffix()
            .map_or_else(|| spec.name.clone(), |suffix| MetricName::new(format!("{}:{suffix}", spec.name)));
        let scale = Scale::of(spec.kind, aspect, spec.margin);
        let harm = strand.history().mean();
        let interval = harm
            .and_then(|_| strand.history().confidence_sequence(strand.grid(), LEVEL).ok())
            .map(|interval| (scale.to_harm(interval.lower), scale.to_harm(interval.upper)));
        let whole = matches!(aspect, Aspect::Body | Aspect::Longer);
        let mean = |arm| if whole { metric.mean(arm) } else { None };
        let (baseline, candidate) = (mean(Arm::Baseline), mean(Arm::Candidate));
        let worse_by = harm.map(|d| scale.to_harm(d));
        let ratio = || Some(candidate? / baseline? - 1.0);
        Self {
            name,
            kind: if scale == Scale::Points && spec.kind.is_ratio() { MetricKind::Harm } else { spec.kind },
            unit: if scale == Scale::Points { Unit::Points } else { Unit::Percent },
            margin: spec.shown_margin(aspect),
            difference: match (scale, spec.kind) {
                (Scale::Points, MetricKind::Score) => worse_by.map(|harm| -harm),
                (Scale::Points, _) => worse_by,
                // Over the pairs, as the interval is; users under a split were at other loads.
                _ => worse_by.or_else(ratio),
            },
            interval: match (aspect, spec.kind) {
                (_, MetricKind::Score) => interval.map(|(low, high)| (-high, -low)),
                (Aspect::Shorter, _) => interval.map(|(low, high)| (-high, -low)),
                _ => interval,
            },
            baseline,
            candidate,
            worse_by,
        }
    }
}

/// The largest harm that is not refuted at `alpha` a side, never above the margin that a pass has refuted: users under
/// a split count for the pass and not for this bound.
pub(super) fn worst(metric: &MetricEvidence, strand: &Strand, alpha: f64) -> f64 {
    let spec = metric.spec();
    let margin = spec.shown_margin(strand.aspect());
    let scale = Scale::of(spec.kind, strand.aspect(), spec.margin);
    let bound = strand.history().confidence_sequence(strand.grid(), 1.0 - 2.0 * alpha);
    bound.map_or(margin, |interval| scale.to_harm(interval.upper).min(margin))
}

/// How a clipped difference d is read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// d is the difference.
    Points,
    /// d is a logarithm of a ratio in units of ln 2, with the margin taken off.
    RatioBeyond(f64),
    /// d is a logarithm of a ratio in units of ln 2.
    Ratio,
}

impl Scale {
    const fn of(kind: MetricKind, aspect: Aspect, margin: f64) -> Self {
        match aspect {
            Aspect::Body if matches!(kind, MetricKind::Latency) => Self::RatioBeyond(margin),
            Aspect::Longer | Aspect::Shorter => Self::Ratio,
            _ => Self::Points,
        }
    }

    fn to_harm(self, d: f64) -> f64 {
        match self {
            Self::Points => d,
            Self::RatioBeyond(margin) => (d * LN_2).exp() * (1.0 + margin) - 1.0,
            Self::Ratio => (d * LN_2).exp() - 1.0,
        }
    }
}
