//! The state of a rollout: an enum with data, because it is stored, shown and replayed.

use std::time::Duration;

use super::{Ending, Stage, StageVerdict};
use crate::domain::Timestamp;

/// Where a rollout stands, with all it must remember there.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// On its way.
    Live(Live),
    /// At its end. Nothing wakes a rollout that is over.
    Over(Over),
}

/// A rollout on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// The stage.
    pub stage: Stage,
    /// Time spent in it.
    pub clock: StageClock,
    /// What is known in it.
    pub finding: Finding,
    /// Whether it goes on by itself.
    pub mode: Mode,
    /// Whether the store is lost, so that traffic is on the baseline whatever the stage says. Not
    /// stored: a state that can be read is not frozen.
    pub frozen: Frozen,
}

impl Live {
    /// The first moment of `stage`.
    pub(super) const fn entered(stage: Stage, now: Timestamp) -> Self {
        Self {
            stage,
            clock: StageClock::started(now),
            finding: Finding::Nothing,
            mode: Mode::Running,
            frozen: Frozen::No,
        }
    }

    /// The latest verdict of the stage.
    #[must_use]
    pub const fn verdict(&self) -> Option<&StageVerdict> {
        match &self.finding {
            Finding::Judged(verdict) => Some(verdict),
            Finding::Nothing | Finding::Ready | Finding::Drained => None,
        }
    }
}

/// A rollout at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// The outcome: [`Ending::Promoted`] stands at `Done`, every other one at `RolledBack`.
    pub ending: Ending,
    /// The stage it ended from.
    pub from: Stage,
    /// When.
    pub at: Timestamp,
    /// Why, with the numbers.
    pub why: String,
}

/// What is known in the present stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Nothing yet.
    Nothing,
    /// The candidate is ready.
    Ready,
    /// The judge has spoken; its latest verdict.
    Judged(StageVerdict),
    /// The old baseline has nothing in flight.
    Drained,
}

/// Whether a stage goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Running,
    /// It waits for an operator, because the evidence did not decide.
    Held(Hold),
    /// An operator stopped the clock.
    Paused,
}

/// Why a stage is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The stage's longest time is over, or the golden sample is used up, without a decision.
    Inconclusive,
    /// The evidence cannot be trusted.
    Invalid,
}

impl Hold {
    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
        }
    }

    /// How a rollout ends that is not held for this but sent back.
    #[must_use]
    pub const fn ending(self) -> Ending {
        match self {
            Self::Inconclusive => Ending::Inconclusive,
            Self::Invalid => Ending::Invalid,
        }
    }
}

/// Whether the store is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// It is not.
    No,
    /// It is; all clients are on the baseline.
    Yes,
}

/// Time spent in a stage, without pauses, freezes and hours when the process was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageClock {
    /// Time counted before `running_since`.
    pub spent: Duration,
    /// Since when it runs; `None` while it stands.
    pub running_since: Option<Timestamp>,
}

impl StageClock {
    /// A clock that starts now at zero.
    #[must_use]
    pub const fn started(now: Timestamp) -> Self {
        Self { spent: Duration::ZERO, running_since: Some(now) }
    }

    /// Time counted so far.
    #[must_use]
    pub fn elapsed(self, now: Timestamp) -> Duration {
        self.spent + self.running_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Stops counting.
    #[must_use]
    pub(super) fn stopped(self, now: Timestamp) -> Self {
        Self { spent: self.elapsed(now), running_since: None }
    }

    /// Goes on counting.
    #[must_use]
    pub(super) fn resumed(self, now: Timestamp) -> Self {
        Self { running_since: Some(self.running_since.unwrap_or(now)), ..self }
    }
}
