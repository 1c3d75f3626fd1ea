//! The four things a judge can say.

use std::fmt;

/// What the evidence says; ordered so that `max` picks the worst.
#[must_use = "a verdict nobody reads protects nobody"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// "Worse by the margin or more" is refuted.
    Pass,
    /// Neither hypothesis is refuted yet.
    Inconclusive,
    /// "Worse by at most the margin" is refuted.
    Fail,
    /// The evidence cannot be trusted: missing pairs, a wrong split, an overloaded client, nothing at all.
    Invalid,
}

impl Verdict {
    /// The word used in files, on the wire and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        }
    }

    /// The process exit code of this verdict: 0 pass, 1 fail, 3 inconclusive, 4 invalid.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
            Self::Invalid => 4,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
