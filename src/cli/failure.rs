//! The two tiers of error: the user's world, and bugs.

use std::fmt::{self, Write};

use super::Exit;

/// Why a command did not come to an end of its own.
#[derive(Debug)]
pub struct Failure {
    tier: Tier,
    error: anyhow::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Usage,
    World,
    Bug,
}

impl Failure {
    /// The command line or the configuration is wrong: exit 2.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { tier: Tier::Usage, error: error.into() }
    }

    /// The run could not take place or cannot be trusted (unreachable engine, unusable answers): exit 4.
    pub fn world(error: impl Into<anyhow::Error>) -> Self {
        Self { tier: Tier::World, error: error.into() }
    }

    /// A bug in goldgate: exit 70.
    pub fn bug(error: impl Into<anyhow::Error>) -> Self {
        Self { tier: Tier::Bug, error: error.into() }
    }

    /// The exit that this failure asks for.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self.tier {
            Tier::Usage => Exit::Usage,
            Tier::World => Exit::Invalid,
            Tier::Bug => Exit::Internal,
        }
    }

    /// The lines to print: the error, then its causes, each once.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = match self.tier {
            Tier::Usage | Tier::World => format!("error: {}\n", self.error),
            Tier::Bug => format!("internal error (a bug in goldgate): {}\n", self.error),
        };
        let mut said = self.error.to_string();
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if !said.contains(&cause) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  because: {cause}");
            }
            said = cause;
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// Whatever nobody took the blame for is a bug.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::bug(error)
    }
}

/// Says at the call who is to mend an error.
pub trait Blame<T> {
    /// The command line or the configuration: exit 2.
    ///
    /// # Errors
    /// The error that was there before.
    fn blame_usage(self) -> Result<T, Failure>;

    /// The world the run depends on: exit 4.
    ///
    /// # Errors
    /// The error that was there before.
    fn blame_world(self) -> Result<T, Failure>;

    /// goldgate itself: exit 70.
    ///
    /// # Errors
    /// The error that was there before.
    fn blame_bug(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn blame_usage(self) -> Result<T, Failure> {
        self.map_err(Failure::usage)
    }

    fn blame_world(self) -> Result<T, Failure> {
        self.map_err(Failure::world)
    }

    fn blame_bug(self) -> Result<T, Failure> {
        self.map_err(Failure::bug)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn each_tier_has_its_exit() {
        assert_eq!(Failure::usage(anyhow!("x")).exit(), Exit::Usage);
        assert_eq!(Failure::world(anyhow!("x")).exit(), Exit::Invalid);
        assert_eq!(Failure::from(anyhow!("x")).exit(), Exit::Internal);
    }

    #[test]
    fn causes_are_listed_and_never_twice() {
        let chain = Err::<(), _>(anyhow!("connection refused")).context("blue did not answer");
        let failure = Failure::world(chain.unwrap_err());
        assert_eq!(failure.render(), "error: blue did not answer\n  because: connection refused\n");
        let twice = Err::<(), _>(anyhow!("refused")).context("blue: refused");
        assert_eq!(Failure::world(twice.unwrap_err()).render(), "error: blue: refused\n");
    }

    #[test]
    fn a_bug_says_that_it_is_one() {
        assert!(Failure::bug(anyhow!("x")).render().contains("a bug in goldgate"));
    }
}
