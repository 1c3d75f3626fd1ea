//! The stages of a rollout.

use std::fmt;

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
