//! Bounds of a difference that are worked out when they are read.
//!
//! Inverting a confidence sequence costs more than everything else of a look, and most looks nobody reads. What is
//! kept is the test's own differences, so a bound is the same whenever, and however often, it is read.

use std::sync::Arc;

use super::shown::Scale;
use crate::evidence::Strand;
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

/// One test's confidence sequence, before it is inverted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sequence {
    history: Arc<History>,
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
        Self { history: Arc::new(strand.history().clone()), grid: strand.grid(), scale }
    }

    /// The harms that are not refuted at `level`: all of them, where it is no level.
    fn harms(&self, level: f64) -> (f64, f64) {
        self.history
            .confidence_sequence(self.grid, level)
            .map_or((f64::NEG_INFINITY, f64::INFINITY), |interval| {
                (self.scale.to_harm(interval.lower), self.scale.to_harm(interval.upper))
            })
    }
}
