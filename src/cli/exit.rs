//! The exit codes of the program, one type.

use crate::judgment::Verdict;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Passed, promoted, or simply done.
    Success,
    /// A regression is proven, or the rollout was rolled back.
    Regression,
    /// The command line or the configuration is wrong.
    Usage,
    /// The evidence does not decide.
    Inconclusive,
    /// The run cannot be trusted or could not take place.
    Invalid,
    /// A bug in goldgate.
    Internal,
}

impl Exit {
    /// The process exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => Verdict::Pass.exit_code(),
            Self::Regression => Verdict::Fail.exit_code(),
            Self::Usage => 2,
            Self::Inconclusive => Verdict::Inconclusive.exit_code(),
            Self::Invalid => Verdict::Invalid.exit_code(),
            Self::Internal => 70,
        }
    }

    /// The exit that a decided rollout asks for. A code that no decision has is never a pass.
    #[must_use]
    pub const fn of_decision(code: u8) -> Self {
        match code {
            0 => Self::Success,
            1 => Self::Regression,
            3 => Self::Inconclusive,
            _ => Self::Invalid,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Success,
            Verdict::Fail => Self::Regression,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Invalid => Self::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_and_its_exit_have_one_code() {
        for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Invalid] {
            assert_eq!(Exit::from(verdict).code(), verdict.exit_code(), "{verdict}");
        }
    }

    #[test]
    fn a_decision_and_its_exit_have_one_code_and_unknown_codes_are_invalid() {
        for code in [0, 1, 3, 4] {
            assert_eq!(Exit::of_decision(code).code(), code);
        }
        assert_eq!(Exit::of_decision(99), Exit::Invalid);
    }

    #[test]
    fn codes_are_those_that_ci_systems_read() {
        use Exit::{Inconclusive, Internal, Invalid, Regression, Success, Usage};
        let codes = [Success, Regression, Usage, Inconclusive, Invalid, Internal].map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 70]);
    }
}
