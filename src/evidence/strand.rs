//! One test of one metric, folded: both e-processes and the history behind its interval.

use std::sync::Arc;

use super::blocks::Blocks;
use super::load::Comparable;
use super::strata::{Breakdown, Kinds};
use super::sums::Sum;
use super::{Aspect, MetricSpec};
use crate::domain::MetricName;
use crate::stats::{BetGrid, History, RampScore, Restarts, Side, StatsError, Wallet};

/// The sums of one test. All of it merges by addition.
#[derive(Clone, Debug, PartialEq)]
pub struct Strand {
    /// The metric's, with the test's own suffix.
    name: MetricName,
    aspect: Aspect,
    grid: BetGrid,
    promote: Wallet,
    abort: Restarts,
    blocks: Blocks,
    /// The pairs' differences. A judgment that is kept shares them.
    seen: Arc<Breakdown>,
    /// Scores of keys under a split; they are not in the history.
    users: Sum,
    /// Pairs and keys on the abort side when a replica last heard from all of them.
    heard: u64,
}

/// Who says when a wallet opens, a tail threshold moves or a guess changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// The evidence of this process, which is all there is.
    Own,
    /// Whoever merges the replicas, at a snapshot of all of them: see [`super::Collector::hear`].
    Told,
}

impl Strand {
    /// An empty strand.
    ///
    /// # Errors
    /// When a margin leaves no room: its null mean is not strictly between −1 and 1.
    pub(super) fn new(spec: &MetricSpec, aspect: Aspect, pace: Pace) -> Result<Self, StatsError> {
        let (promote, abort) = spec.null_means(aspect);
        let restarts = match pace {
            Pace::Own => Restarts::new,
            Pace::Told => Restarts::unscheduled,
        };
        let of_test = |suffix| MetricName::new(format!("{}:{suffix}", spec.name));
        // A rate just above a limit near 0 is found by bets that are small in units of the limit.
        let abort_grid = match aspect {
            Aspect::Limit(_) => BetGrid::Quadratic,
            _ => spec.grid(),
        };
        Ok(Self {
            name: aspect.suffix().map_or_else(|| spec.name.clone(), of_test),
            aspect,
            grid: spec.grid(),
            promote: Wallet::new(spec.grid(), Side::Promote, promote)?,
            abort: restarts(abort_grid, Side::Abort, abort)?,
            blocks: Blocks::new(pace)?,
            seen: Arc::default(),
            users: Sum::default(),
            heard: 0,
        })
    }

    /// One pair, as each side sees it, where the loads allow it. The history is the promote side's, and holds every
    /// pair: it is what people are shown.
    pub(super) fn push(
        &mut self,
        promote: f64,
        abort: f64,
        at: Comparable,
        kinds: Kinds,
    ) -> Result<(), StatsError> {
        if at.promote {
            self.promote.update(promote)?;
        }
        if at.abort {
            self.abort.update(abort)?;
        }
        Arc::make_mut(&mut self.seen).update(promote, kinds)
    }

    /// The difference of record `seq`, as the abort side saw it, for the second opinion.
    pub(super) fn push_block(&mut self, seq: u64, abort: f64, at: Comparable) -> Result<(), StatsError> {
        if at.abort { self.blocks.add(seq, abort) } else { Ok(()) }
    }

    /// Whether one of the candidate's users was over an absolute limit. That is 0 or 1 and never −1, so that the abort
    /// side stakes against the limit itself: 1 + cₖ (over − m)/m, which one user over a p99 multiplies by up to 94.
    pub(super) fn push_limit(&mut self, over: bool, at: Comparable) -> Result<(), StatsError> {
        let over = f64::from(u8::from(over));
        if at.promote {
            self.promote.update(over)?;
        }
        if at.abort {
            self.abort.update_ramp(over, 0.0)?;
        }
        Arc::make_mut(&mut self.seen).update(over, [None; 2])
    }

    pub(super) fn push_ramp(&mut self, score: RampScore, at: Comparable) -> Result<(), StatsError> {
        self.users.add(score.z);
        if at.promote {
            self.promote.update_ramp(score.z, score.bound(Side::Promote))?;
        }
        if at.abort {
            self.abort.update_ramp(score.z, score.bound(Side::Abort))?;
        }
        Ok(())
    }

    pub(super) fn open(&mut self) {
        self.abort.open();
    }

    /// Opens the wallets that the replicas together have open, and one more where their pairs have come to the
    /// next start since they last heard of each other. Record `last` is the latest that any of them folded.
    pub(super) fn hear(&mut self, all: &Self, last: u64) -> Result<(), StatsError> {
        while self.abort.generation() < all.abort.generation() {
            self.abort.open();
        }
        if all.abort.is_due(all.heard) {
            self.abort.open();
        }
        self.heard = all.abort.pairs();
        self.blocks.hear(&all.blocks, last)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.heard = self.heard.max(other.heard);
        self.promote.merge(&other.promote)?;
        self.abort.merge(&other.abort)?;
        self.blocks.merge(&other.blocks)?;
        self.users.merge(&other.users);
        Arc::make_mut(&mut self.seen).merge(&other.seen)
    }

    /// The name it is shown under: the metric's, with the test's own suffix behind a colon.
    #[must_use]
    pub const fn name(&self) -> &MetricName {
        &self.name
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

    /// ln E over blocks of 50 records against "no worse", and how many blocks had a pair that could speak against the
    /// candidate; `last` is the number of the last record that was folded.
    ///
    /// # Errors
    /// None where the strand's own differences are in range.
    pub fn log_e_blocks(&self, last: u64) -> Result<(f64, u64), StatsError> {
        self.blocks.log_e(last)
    }

    /// Pairs and keys that were seen.
    #[must_use]
    pub fn entered(&self) -> u64 {
        self.seen.all().pairs() + self.users.count()
    }

    /// Those among them that could speak for the candidate: the others were seen at a lower load than the baseline's.
    #[must_use]
    pub fn for_candidate(&self) -> u64 {
        self.promote.pairs()
    }

    /// The differences of the pairs.
    #[must_use]
    pub fn history(&self) -> &History {
        self.seen.all()
    }

    /// The same by kind of request.
    #[must_use]
    pub const fn breakdown(&self) -> &Arc<Breakdown> {
        &self.seen
    }

    /// Sticky keys under a split that entered: where there are any, the history, which holds pairs alone, is not all.
    #[must_use]
    pub const fn users(&self) -> u64 {
        self.users.count()
    }

    /// The mean difference by sticky keys under a split, in units of d: the average score, which estimates it without
    /// bias and may by chance leave [−1, 1], where it is cut. `None` without keys.
    #[must_use]
    pub fn users_mean(&self) -> Option<f64> {
        self.users.mean().map(|mean| mean.clamp(-1.0, 1.0))
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
