//! From harm differences back to the unit that people read.

use std::f64::consts::LN_2;

use super::bounds::Sequence;
use super::{Bounds, Seen, Strata, Unit, Worst};
use crate::domain::{Arm, MetricKind, MetricName};
use crate::evidence::{Aspect, MetricEvidence, Strand};

/// One test's numbers as shown: in the metric's own unit, candidate − baseline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) name: MetricName,
    pub(super) kind: MetricKind,
    pub(super) unit: Unit,
    pub(super) margin: f64,
    pub(super) abort_margin: f64,
    pub(super) baseline: Option<f64>,
    pub(super) candidate: Option<f64>,
    pub(super) difference: Option<f64>,
    pub(super) interval: Option<Bounds>,
    pub(super) strata: Strata,
    /// The estimated harm in the unit of the margin, over pairs.
    pub(super) worse_by: Option<f64>,
    /// The same over users under a split, who are in no interval.
    pub(super) worse_by_users: Option<f64>,
    /// What it rests on.
    pub(super) seen: Seen,
    /// Behind the interval; `None` without pairs.
    sequence: Option<Sequence>,
}

/// Level of the interval that is shown.
pub(super) const LEVEL: f64 = 0.95;

impl Shown {
    pub(super) fn of(metric: &MetricEvidence, strand: &Strand) -> Self {
        let spec = metric.spec();
        let aspect = strand.aspect();
        let scale = Scale::of(spec.kind, aspect, spec.margin);
        let unit = if scale == Scale::Points { Unit::Points } else { Unit::Percent };
        let sequence = (strand.history().pairs() > 0).then(|| Sequence::of(strand, scale));
        let worse_by = sequence.as_ref().and_then(Sequence::mean_harm);
        let worse_by_users = strand.users_mean().map(|mean| scale.to_harm(mean));
        let average = worse_by.or(worse_by_users);
        let towards_good = spec.kind == MetricKind::Score || aspect == Aspect::Shorter;
        let whole = matches!(aspect, Aspect::Body | Aspect::Longer);
        let mean = |arm| if whole { metric.mean(arm) } else { None };
        let (baseline, candidate) = (mean(Arm::Baseline), mean(Arm::Candidate));
        let ratio = || Some(candidate? / baseline? - 1.0);
        Self {
            name: strand.name().clone(),
            kind: if scale == Scale::Points && spec.kind.is_ratio() { MetricKind::Harm } else { spec.kind },
            unit,
            margin: spec.shown_margin(aspect),
            abort_margin: spec.shown_abort_margin(aspect),
            difference: match (scale, spec.kind) {
                (Scale::Points, MetricKind::Score) => average.map(|harm| -harm),
                (Scale::Points, _) => average,
                // Over the pairs, as the interval is; users under a split were at other loads.
                _ => worse_by.or_else(ratio),
            },
            interval: sequence.clone().map(|sequence| Bounds::of(sequence, LEVEL, towards_good)),
            strata: sequence.clone().map_or_else(Strata::default, |all| Strata::of(all, unit, towards_good)),
            baseline,
            candidate,
            worse_by,
            worse_by_users,
            seen: Seen::of(strand),
            sequence,
        }
    }

    /// The interval of the difference as a harm: of pairs alone.
    pub(super) fn harms(&self) -> Option<Bounds> {
        self.sequence.clone().map(|sequence| Bounds::of(sequence, LEVEL, false))
    }

    /// The largest harm that is not refuted at `alpha` a side, never above the margin that a pass has refuted: users
    /// under a split count for the pass and not for this bound.
    pub(super) fn worst(&self, alpha: f64) -> Worst {
        let of = |sequence: &Sequence| Worst::of(sequence.clone(), alpha, self.margin);
        self.sequence.as_ref().map_or_else(|| self.margin.into(), of)
    }
}

/// How a clipped difference d is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
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

    pub(super) fn to_harm(self, d: f64) -> f64 {
        match self {
            Self::Points => d,
            Self::RatioBeyond(margin) => (d * LN_2).exp() * (1.0 + margin) - 1.0,
            Self::Ratio => (d * LN_2).exp() - 1.0,
        }
    }
}
