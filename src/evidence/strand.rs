//! One test of one metric, folded: both e-processes and the history behind its interval.

use super::{Aspect, MetricSpec};
use crate::stats::{BetGrid, History, RampScore, Restarts, Side, StatsError, Wallet};

/// The sums of one test. All of it merges by addition.
#[derive(Clone, Debug, PartialEq)]
pub struct Strand {
    aspect: Aspect,
    grid: BetGrid,
    promote: Wallet,
    abort: Restarts,
    history: History,
}

impl Strand {
    /// An empty strand.
    ///
    /// # Errors
    /// When a margin leaves no room: its null mean is not strictly between −1 and 1.
    pub(super) fn new(spec: &MetricSpec, aspect: Aspect) -> Result<Self, StatsError> {
        let (promote, abort) = spec.null_means(aspect);
        Ok(Self {
            aspect,
            grid: spec.grid(),
            promote: Wallet::new(spec.grid(), Side::Promote, promote)?,
            abort: Restarts::new(spec.grid(), Side::Abort, abort)?,
            history: History::new(),
        })
    }

    /// One pair, as each side sees it. The history is the promote side's.
    pub(super) fn push(&mut self, promote: f64, abort: f64) -> Result<(), StatsError> {
        self.promote.update(promote)?;
        self.abort.update(abort)?;
        self.history.update(promote)
    }

    pub(super) fn push_ramp(&mut self, score: RampScore) -> Result<(), StatsError> {
        self.promote.update_ramp(score.z, score.bound(Side::Promote))?;
        self.abort.update_ramp(score.z, score.bound(Side::Abort))
    }

    pub(super) fn open(&mut self) {
        self.abort.open();
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.promote.merge(&other.promote)?;
        self.abort.merge(&other.abort)?;
        self.history.merge(&other.history)
    }

    /// Which test this is.
    #[must_use]
    pub const fn aspect(&self) -> Aspect {
        self.aspect
    }

    /// ln E against "worse by the margin or more".
    #[must_use]
    pub fn log_e_promote(&self) -> f64 {
        self.promote.log_e()
    }

    /// ln E against "worse by at most the margin", the mixture over starts.
    #[must_use]
    pub fn log_e_abort(&self) -> f64 {
        self.abort.log_e()
    }

    /// Pairs and keys that entered.
    #[must_use]
    pub const fn entered(&self) -> u64 {
        self.abort.pairs()
    }

    /// The differences of the pairs.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Whether keys under a split entered: then the history, which holds pairs alone, is not all of it.
    #[must_use]
    pub const fn has_arrivals(&self) -> bool {
        self.abort.pairs() > self.history.pairs()
    }

    /// The null mean of the promote side in units of d.
    #[must_use]
    pub fn promote_null(&self) -> f64 {
        self.promote.null_mean()
    }

    /// The bets of both sides.
    #[must_use]
    pub const fn grid(&self) -> BetGrid {
        self.grid
    }
}
