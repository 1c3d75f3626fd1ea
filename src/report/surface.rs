//! The four surfaces of one judgment.

use super::{junit, markdown, text};
use crate::judgment::Judgment;
use crate::wire::VerdictRecord;

/// How text for a terminal is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Letters only: pipes, files, `NO_COLOR`.
    #[default]
    Plain,
    /// With ANSI colours.
    Ansi,
}

/// For a terminal: headline, decisive reason, table of metrics, reasons, checks, what is still needed.
#[must_use]
pub fn render_text(judgment: &Judgment, style: Style) -> String {
    text::render(&VerdictRecord::from(judgment), style)
}

/// For programs: the document `goldgate/verdict/1`.
#[must_use]
pub fn render_json(judgment: &Judgment) -> String {
    String::from_utf8_lossy(&VerdictRecord::from(judgment).to_json_bytes()).into_owned()
}

/// For a pull request or a step summary: GitHub's markdown.
#[must_use]
pub fn render_markdown(judgment: &Judgment) -> String {
    markdown::verdict(&VerdictRecord::from(judgment))
}

/// For a CI system: one JUnit test suite, one case per metric and check, and one for the verdict.
#[must_use]
pub fn render_junit(judgment: &Judgment) -> String {
    junit::render(&VerdictRecord::from(judgment))
}
