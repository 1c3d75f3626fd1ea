//! Machine output on stdout, progress on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use super::Failure;

/// What machine output looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// GitHub's markdown; verdicts only, else as text.
    Markdown,
    /// JUnit XML for CI systems; verdicts only, else as text.
    Junit,
    /// SARIF 2.1.0 for code scanning, pointing at the lines of suites; verdicts only, else as text.
    Sarif,
    /// One page; verdicts and runs only, else as text.
    Html,
}

/// The two streams of a command. A reader that left (a closed pipe) is no failure: the exit code still speaks.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
    progress: bool,
}

impl Output {
    pub(super) const fn new(format: Format, progress: bool) -> Self {
        Self { format, progress }
    }

    /// The format that was asked for.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Whether moving pictures (bars, spinners) are welcome on stderr: a terminal, and not a CI system.
    #[must_use]
    pub const fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Writes `text` and a newline to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written for another reason than a reader that left.
    pub fn line(&self, text: impl Display) -> Result<(), Failure> {
        settle(writeln!(io::stdout().lock(), "{text}"))
    }

    /// Writes `text` to stdout as it is.
    ///
    /// # Errors
    /// When stdout cannot be written for another reason than a reader that left.
    pub fn text(&self, text: impl Display) -> Result<(), Failure> {
        settle(write!(io::stdout().lock(), "{text}"))
    }

    /// Writes `value` to stdout as indented JSON.
    ///
    /// # Errors
    /// When the value has no JSON form, or stdout cannot be written.
    pub fn json(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::bug)?;
        self.line(text)
    }

    /// Writes one line about the work in progress to stderr.
    pub fn note(&self, text: impl Display) {
        // Progress that cannot be shown must not stop the work.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn settle(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::world(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_left_is_no_failure() {
        assert!(settle(Err(io::Error::from(io::ErrorKind::BrokenPipe))).is_ok());
        assert!(settle(Err(io::Error::from(io::ErrorKind::StorageFull))).is_err());
    }
}
