//! What a team wants of a rollout: shares, times, and what to do when the evidence does not decide.

use std::time::Duration;

use super::Stage;
use crate::domain::Share;
use crate::routing::{MirrorPlan, MirrorRange};

/// How long a stage takes at least, and how long it may wait for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    min: Duration,
    max: Duration,
}

impl Window {
    /// A window of `min` to `max`.
    ///
    /// # Errors
    /// When `max` is shorter than `min`.
    pub fn new(min: Duration, max: Duration) -> Result<Self, PlanError> {
        if max < min { Err(PlanError::WindowEndsEarly { min, max }) } else { Ok(Self { min, max }) }
    }

    /// The shortest stay.
    #[must_use]
    pub const fn min(self) -> Duration {
        self.min
    }

    /// The longest wait for a verdict.
    #[must_use]
    pub const fn max(self) -> Duration {
        self.max
    }
}

/// The candidate's shares, step by step: strictly increasing, the last one everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramp(Vec<Share>);

impl Ramp {
    /// Steps in a ramp. Each step costs a dwell time, so more of them is a slip of the pen.
    pub const STEPS_MAX: usize = 32;

    /// A ramp over `shares`.
    ///
    /// # Errors
    /// When there is no step, a step gives nothing, the shares do not strictly increase, the last
    /// one is not 100 %, or there are more than [`Ramp::STEPS_MAX`].
    pub fn new(shares: Vec<Share>) -> Result<Self, PlanError> {
        let (Some(&first), Some(&last)) = (shares.first(), shares.last()) else {
            return Err(PlanError::RampEmpty);
        };
        if shares.len() > Self::STEPS_MAX {
            return Err(PlanError::RampTooLong { steps: shares.len() });
        }
        if first == Share::ZERO {
            return Err(PlanError::RampStartsAtNothing);
        }
        if let Some(pair) = shares.windows(2).find(|pair| pair[1] <= pair[0]) {
            return Err(PlanError::ShareNotIncreasing { prev: pair[0], next: pair[1] });
        }
        if last != Share::FULL {
            return Err(PlanError::RampEndsEarly { last });
        }
        Ok(Self(shares))
    }

    /// The shares, from the smallest to 100 %.
    #[must_use]
    pub fn shares(&self) -> &[Share] {
        &self.0
    }

    /// The share of one step; nothing beyond the last one.
    #[must_use]
    pub fn share(&self, index: usize) -> Share {
        self.0.get(index).copied().unwrap_or(Share::ZERO)
    }

    /// Whether `index` is the step at 100 %.
    #[must_use]
    pub fn is_last(&self, index: usize) -> bool {
        index + 1 == self.0.len()
    }
}

/// What happens when a stage's time is over and the evidence still does not decide, or cannot be
/// trusted. There is no third way: an undecided candidate is never promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnInconclusive {
    /// Stay at the present weights and wait for an operator.
    Hold,
    /// Everything back to the baseline.
    Rollback,
}

impl OnInconclusive {
    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Rollback => "rollback",
        }
    }
}

/// The plan of one rollout. It is stored with the rollout: a changed configuration file changes the
/// next one, never the one under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Time of the mirror stage.
    pub mirror: Window,
    /// What is copied while the candidate is judged; the least of it in the mirror stage.
    pub copies: MirrorPlan,
    /// The most that the mirror stage may copy, so that the judge can decide in time.
    pub copies_max: Share,
    /// The candidate's shares.
    pub ramp: Ramp,
    /// Time of each ramp step.
    pub dwell: Window,
    /// How long the old baseline may take to finish what it began.
    pub drain: Duration,
    /// How long the old baseline stays ready for a rollback after promotion.
    pub keep_warm: Duration,
    /// What happens when the evidence does not decide.
    pub on_inconclusive: OnInconclusive,
}

impl Plan {
    /// The share of clients that the candidate serves in `stage`.
    #[must_use]
    pub fn candidate_share(&self, stage: Stage) -> Share {
        match stage {
            Stage::Ramp { index } => self.ramp.share(index),
            Stage::Drain | Stage::KeepWarm | Stage::Done => Share::FULL,
            Stage::Prepare | Stage::Gate | Stage::Mirror | Stage::RolledBack => Share::ZERO,
        }
    }

    /// The shares between which the mirror stage copies.
    #[must_use]
    pub const fn mirror_range(&self) -> MirrorRange {
        MirrorRange { least: self.copies.share, most: self.copies_max }
    }

    /// The stage as people call it: `mirror`, `ramp 25%`.
    #[must_use]
    pub fn label(&self, stage: Stage) -> String {
        match stage {
            Stage::Ramp { index } => format!("ramp {}", self.ramp.share(index)),
            other => other.name().replace('_', " "),
        }
    }
}

/// Why a plan cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No step at all.
    #[error("a ramp needs at least one share, the last one 100%")]
    RampEmpty,
    /// More steps than anyone waits for.
    #[error("a ramp has at most {max} steps, but {steps} are listed", max = Ramp::STEPS_MAX)]
    RampTooLong {
        /// Steps listed.
        steps: usize,
    },
    /// The first step gives the candidate nothing.
    #[error("a ramp starts above 0%: the mirror stage is the step before it")]
    RampStartsAtNothing,
    /// A step does not give more than the one before.
    #[error("ramp shares must increase, but {next} follows {prev}")]
    ShareNotIncreasing {
        /// The earlier share.
        prev: Share,
        /// The share that should be larger.
        next: Share,
    },
    /// The last step leaves clients on the baseline.
    #[error("a ramp ends at 100%, but this one ends at {last}")]
    RampEndsEarly {
        /// The last share.
        last: Share,
    },
    /// The longest time is shorter than the shortest.
    #[error("max must not be shorter than min, but {max:?} is shorter than {min:?}")]
    WindowEndsEarly {
        /// The shortest stay.
        min: Duration,
        /// The longest wait.
        max: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shares: &str, expected: Result<(), &str>) {
        let shares = shares.split_whitespace().map(|share| share.parse().unwrap()).collect();
        match (Ramp::new(shares), expected) {
            (Ok(ramp), Ok(())) => assert!(ramp.is_last(ramp.shares().len() - 1)),
            (Err(error), Err(text)) => assert_eq!(error.to_string(), text),
            (found, expected) => assert_eq!(format!("{found:?}"), format!("{expected:?}")),
        }
    }

    #[test]
    fn a_ramp_strictly_increases_to_everything() {
        check("1% 25% 75% 100%", Ok(()));
        check("100%", Ok(()));
        check("", Err("a ramp needs at least one share, the last one 100%"));
        check("0% 100%", Err("a ramp starts above 0%: the mirror stage is the step before it"));
        check("1% 50% 25% 100%", Err("ramp shares must increase, but 25% follows 50%"));
        check("1% 1% 100%", Err("ramp shares must increase, but 1% follows 1%"));
        check("1% 50%", Err("a ramp ends at 100%, but this one ends at 50%"));
    }

    #[test]
    fn a_window_does_not_end_before_it_may() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert!(Window::new(minutes(5), minutes(5)).is_ok());
        let error = Window::new(minutes(5), minutes(4)).unwrap_err();
        assert_eq!(error.to_string(), "max must not be shorter than min, but 240s is shorter than 300s");
    }
}
