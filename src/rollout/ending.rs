//! How a rollout ended: one word that every surface and the exit code share.

use std::fmt;

/// The final outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The candidate is the new baseline.
    Promoted,
    /// The evidence proves that the candidate is worse by more than its margin.
    RegressionProven,
    /// Time was over and the evidence did not decide.
    Inconclusive,
    /// The evidence cannot be trusted, or the candidate could not be prepared.
    Invalid,
    /// An operator sent everything back.
    Operator,
}

impl Ending {
    /// The word used in files, on the wire and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RegressionProven => "regression_proven",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
            Self::Operator => "operator",
        }
    }

    /// The process exit code: 0 promoted, 1 rolled back on proof or by an operator, 3 inconclusive, 4 invalid.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Promoted => 0,
            Self::RegressionProven | Self::Operator => 1,
            Self::Inconclusive => 3,
            Self::Invalid => 4,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
