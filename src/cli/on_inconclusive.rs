//! `--on-inconclusive`: what a CI system is told when the evidence does not decide.

use super::Exit;

/// What was typed.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct OnInconclusive {
    /// Ends an undecided run with another exit code than 3; the verdict stays what it is
    #[arg(long, value_name = "AS", value_enum)]
    on_inconclusive: Option<Instead>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Instead {
    /// As a regression: exit 1.
    Fail,
    /// As a pass: exit 0.
    Pass,
}

impl OnInconclusive {
    /// The exit that stands for `exit`.
    pub(super) const fn map(self, exit: Exit) -> Exit {
        match (exit, self.on_inconclusive) {
            (Exit::Inconclusive, Some(Instead::Fail)) => Exit::Regression,
            (Exit::Inconclusive, Some(Instead::Pass)) => Exit::Success,
            (exit, _) => exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_undecided_exit_is_changed() {
        let instead = |on_inconclusive| OnInconclusive { on_inconclusive };
        let (fail, pass, none) = (instead(Some(Instead::Fail)), instead(Some(Instead::Pass)), instead(None));
        assert_eq!(fail.map(Exit::Inconclusive), Exit::Regression);
        assert_eq!(pass.map(Exit::Inconclusive), Exit::Success);
        assert_eq!(none.map(Exit::Inconclusive), Exit::Inconclusive);
        for exit in [Exit::Success, Exit::Regression, Exit::Invalid, Exit::Usage, Exit::Internal] {
            assert_eq!((fail.map(exit), pass.map(exit)), (exit, exit), "{exit:?}");
        }
    }
}
