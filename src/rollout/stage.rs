//! The stages of a rollout.

use std::fmt;
use std::str::FromStr;

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The candidate is started, attested and warmed.
    Prepare,
    /// Golden cases: no user sees the candidate.
    Gate,
    /// Live traffic is copied to the candidate; answers are compared and thrown away.
    Mirror,
    /// The candidate serves the share at `index` of the plan's ramp.
    Ramp {
        /// Position in the ramp, from 0.
        index: usize,
    },
    /// All clients are on the candidate; the baseline finishes what it began.
    Drain,
    /// The baseline is kept warm for a rollback.
    KeepWarm,
    /// Over: the candidate is the new baseline.
    Done,
    /// Over: everything is back on the baseline.
    RolledBack,
}

impl Stage {
    /// Whether the rollout can still move.
    #[must_use]
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Done | Self::RolledBack)
    }

    /// Whether a judge speaks in this stage.
    #[must_use]
    pub const fn is_judged(self) -> bool {
        matches!(self, Self::Gate | Self::Mirror | Self::Ramp { .. })
    }

    /// The word used in files and on screen, without the ramp's index.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Gate => "gate",
            Self::Mirror => "mirror",
            Self::Ramp { .. } => "ramp",
            Self::Drain => "drain",
            Self::KeepWarm => "keep_warm",
            Self::Done => "done",
            Self::RolledBack => "rolled_back",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ramp { index } => write!(f, "ramp[{index}]"),
            stage => f.write_str(stage.name()),
        }
    }
}

impl FromStr for Stage {
    type Err = StageError;

    fn from_str(text: &str) -> Result<Self, StageError> {
        let plain = [
            Self::Prepare,
            Self::Gate,
            Self::Mirror,
            Self::Drain,
            Self::KeepWarm,
            Self::Done,
            Self::RolledBack,
        ];
        let index = || text.strip_prefix("ramp[")?.strip_suffix(']')?.parse().ok();
        plain
            .into_iter()
            .find(|stage| stage.name() == text)
            .or_else(|| index().map(|index| Self::Ramp { index }))
            .ok_or_else(|| StageError(text.to_owned()))
    }
}

/// A text that names no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stage is prepare, gate, mirror, ramp[N], drain, keep_warm, done or rolled_back, not {0:?}")]
pub struct StageError(String);
