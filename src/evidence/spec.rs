//! What is measured of a metric: its kind, and the null means its tests bet against.

use std::fmt;

use crate::domain::{LatencyLimit, MetricKind, MetricName, Tail};
use crate::stats::BetGrid;

/// One metric's measurement, fixed before the first record.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSpec {
    /// The metric's name in the records.
    pub name: MetricName,
    /// How its values are compared.
    pub kind: MetricKind,
    /// The margin of the promote side: points as a fraction, or a relative change for ratio kinds.
    pub margin: f64,
    /// The margin of the abort side.
    pub abort_margin: f64,
    /// The tail judged beside a latency's body.
    pub tail: Option<Tail>,
    /// What a latency may be in itself; judged on the candidate's users alone.
    pub max: Option<LatencyLimit>,
    /// Latencies up to this many ms apart count as equal.
    pub resolution_ms: f64,
    /// But never more than this share of the quicker one; `None`: whatever they are.
    pub resolution_share: Option<f64>,
}

/// One test of a metric. Most metrics have one; a latency has its body and tails, a length two sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aspect {
    /// The metric's mean: the only test of most kinds.
    Body,
    /// Newly beyond the baseline's running quantile.
    Beyond(Tail),
    /// More than three times as slow as the other arm.
    Threefold,
    /// Slower than an absolute limit, seen at the load of the candidate's own users.
    Limit(LatencyLimit),
    /// Longer than the baseline.
    Longer,
    /// Shorter than the baseline.
    Shorter,
}

impl Aspect {
    /// What is put behind the metric's name, separated by a colon; nothing for the body.
    #[must_use]
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Body => None,
            Self::Beyond(tail) => Some(tail.as_str()),
            Self::Threefold => Some("threefold"),
            Self::Limit(_) => Some("limit"),
            Self::Longer => Some("longer"),
            Self::Shorter => Some("shorter"),
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix().unwrap_or("body"))
    }
}

/// New requests that may be three times as slow as the other arm's: half a point.
pub const THREEFOLD_MARGIN: f64 = 0.005;

impl MetricSpec {
    /// The tests of this metric, body first.
    #[must_use]
    pub fn aspects(&self) -> Vec<Aspect> {
        match self.kind {
            MetricKind::Length => vec![Aspect::Longer, Aspect::Shorter],
            MetricKind::Latency => {
                let mut aspects = vec![Aspect::Body];
                if let Some(tail) = self.tail {
                    aspects.extend([Aspect::Beyond(tail), Aspect::Threefold]);
                }
                aspects.extend(self.max.map(Aspect::Limit));
                aspects
            }
            _ => vec![Aspect::Body],
        }
    }

    /// The bets of this metric: quadratic where pairs often disagree, chosen by kind, before any data.
    #[must_use]
    pub const fn grid(&self) -> BetGrid {
        match self.kind {
            MetricKind::Disagreement | MetricKind::Length => BetGrid::Quadratic,
            MetricKind::Event | MetricKind::Harm | MetricKind::Score | MetricKind::Latency => {
                BetGrid::Uniform
            }
        }
    }

    /// The null means of one test in units of d: (promote side, abort side). A latency's margin is
    /// subtracted inside d before clipping, so that its null mean is zero.
    #[must_use]
    pub fn null_means(&self, aspect: Aspect) -> (f64, f64) {
        match aspect {
            Aspect::Body if self.kind == MetricKind::Latency => (0.0, 0.0),
            Aspect::Body => (self.margin, self.abort_margin),
            Aspect::Beyond(tail) => (tail.default_margin(), tail.default_margin()),
            Aspect::Threefold => (THREEFOLD_MARGIN, THREEFOLD_MARGIN),
            Aspect::Limit(limit) => (limit.share_over(), limit.share_over()),
            Aspect::Longer | Aspect::Shorter => {
                let of = |margin: f64| margin.ln_1p() / std::f64::consts::LN_2;
                (of(self.margin), of(self.abort_margin))
            }
        }
    }

    /// The margin of one test in the unit it is shown in.
    #[must_use]
    pub fn shown_margin(&self, aspect: Aspect) -> f64 {
        match aspect {
            Aspect::Beyond(tail) => tail.default_margin(),
            Aspect::Threefold => THREEFOLD_MARGIN,
            Aspect::Limit(limit) => limit.share_over(),
            Aspect::Body | Aspect::Longer | Aspect::Shorter => self.margin,
        }
    }

    /// The same of the abort side.
    #[must_use]
    pub fn shown_abort_margin(&self, aspect: Aspect) -> f64 {
        match aspect {
            Aspect::Body | Aspect::Longer | Aspect::Shorter => self.abort_margin,
            _ => self.shown_margin(aspect),
        }
    }
}
