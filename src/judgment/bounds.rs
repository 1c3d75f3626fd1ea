//! Bounds of a difference that are worked out when they are read.
//!
//! Inverting a confidence sequence costs more than everything else of a look, and most looks nobody reads. What is
//! kept is the test's own differences, so a bound is the same whenever, and however often, it is read.

use std::sync::Arc;

use super::shown::Scale;
use crate::evidence::{Breakdown, Strand, Stratum};
use crate::stats::{BetGrid, History};

/// The interval of a difference, in the metric's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds(Known);

/// The largest harm that is not refuted, in the unit of the margin.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst(KnownWorst);

#[derive(Clone, Debug, PartialEq)]
enum Known {
    Already((f64, f64)),
    From { sequence: Sequence, level: f64, towards_good: bool },
}

#[derive(Clone, Debug, PartialEq)]
enum KnownWorst {
    Already(f64),
    From { sequence: Sequence, alpha: f64, at_most: f64 },
}

/// One test's confidence sequence, of all pairs or of one kind of request, before it is inverted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sequence {
    seen: Arc<Breakdown>,
    kind: Option<Stratum>,
    grid: BetGrid,
    scale: Scale,
}

impl From<(f64, f64)> for Bounds {
    fn from(ends: (f64, f64)) -> Self {
        Self(Known::Already(ends))
    }
}

impl From<f64> for Worst {
    fn from(harm: f64) -> Self {
        Self(KnownWorst::Already(harm))
    }
}

impl Bounds {
    /// Those of `sequence` at `level`; `towards_good`: the metric's unit rises where harm falls.
    pub(super) const fn of(sequence: Sequence, level: f64, towards_good: bool) -> Self {
        Self(Known::From { sequence, level, towards_good })
    }

    /// The lower and the upper end.
    #[must_use]
    pub fn ends(&self) -> (f64, f64) {
        match &self.0 {
            Known::Already(ends) => *ends,
            Known::From { sequence, level, towards_good } => {
                let (low, high) = sequence.harms(*level);
                if *towards_good { (-high, -low) } else { (low, high) }
            }
        }
    }
}

impl Worst {
    /// What `sequence` does not refute at `alpha` a side, never above `at_most`: a pass has refuted that.
    pub(super) const fn of(sequence: Sequence, alpha: f64, at_most: f64) -> Self {
        Self(KnownWorst::From { sequence, alpha, at_most })
    }

    /// The harm.
    #[must_use]
    pub fn harm(&self) -> f64 {
        match &self.0 {
            KnownWorst::Already(harm) => *harm,
            KnownWorst::From { sequence, alpha, at_most } => {
                sequence.harms(1.0 - 2.0 * alpha).1.min(*at_most)
            }
        }
    }
}

impl Sequence {
    /// The sequence of what `strand` has seen by now.
    pub(super) fn of(strand: &Strand, scale: Scale) -> Self {
        Self { seen: Arc::clone(strand.breakdown()), kind: None, grid: strand.grid(), scale }
    }

    /// The sequence of one kind of request.
    pub(super) fn within(&self, kind: Stratum) -> Self {
        Self { kind: Some(kind), ..self.clone() }
    }

    /// Whether this kind of request tells more than the whole.
    pub(super) fn tells(&self, kind: Stratum) -> bool {
        self.seen.tells(kind)
    }

    /// Pairs in it.
    pub(super) fn pairs(&self) -> u64 {
        self.history().pairs()
    }

    /// The average harm; `None` without pairs.
    pub(super) fn mean_harm(&self) -> Option<f64> {
        self.history().mean().map(|d| self.scale.to_harm(d))
    }

    fn history(&self) -> &History {
        self.kind.map_or(self.seen.all(), |kind| self.seen.of(kind))
    }

    /// The harms that are not refuted at `level`: all of them, where it is no level.
    pub(super) fn harms(&self, level: f64) -> (f64, f64) {
        self.history()
            .confidence_sequence(self.grid, level)
            .map_or((f64::NEG_INFINITY, f64::INFINITY), |interval| {
                (self.scale.to_harm(interval.lower), self.scale.to_harm(interval.upper))
            })
    }
}
