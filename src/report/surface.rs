//! The surfaces of one judgment.

use super::{github, junit, markdown, sarif, text};
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

/// What a verdict is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// For a terminal: headline, table of metrics, reasons, checks, what is still needed.
    Text(Style),
    /// For programs: the document `goldgate/verdict/1`.
    Json,
    /// For a comment on a pull request: GitHub's markdown, cut to what fits there.
    Markdown,
    /// For a CI system: one JUnit test suite, one case per metric and check, and one for the verdict.
    Junit,
    /// For code-scanning pages: SARIF 2.1.0, pointing at the lines of suites and cases.
    Sarif,
}

/// The verdict on `surface`; ends in a newline.
#[must_use]
pub fn render(record: &VerdictRecord, surface: Surface) -> String {
    match surface {
        Surface::Text(style) => text::render(record, style),
        Surface::Json => String::from_utf8_lossy(&record.to_json_bytes()).into_owned(),
        Surface::Markdown => github::comment(markdown::verdict(record)),
        Surface::Junit => junit::render(record),
        Surface::Sarif => sarif::render(record),
    }
}

/// [`Surface::Text`] of a judgment.
#[must_use]
pub fn render_text(judgment: &Judgment, style: Style) -> String {
    render(&VerdictRecord::from(judgment), Surface::Text(style))
}

/// [`Surface::Json`] of a judgment.
#[must_use]
pub fn render_json(judgment: &Judgment) -> String {
    render(&VerdictRecord::from(judgment), Surface::Json)
}

/// [`Surface::Markdown`] of a judgment.
#[must_use]
pub fn render_markdown(judgment: &Judgment) -> String {
    render(&VerdictRecord::from(judgment), Surface::Markdown)
}

/// [`Surface::Junit`] of a judgment.
#[must_use]
pub fn render_junit(judgment: &Judgment) -> String {
    render(&VerdictRecord::from(judgment), Surface::Junit)
}

/// [`Surface::Sarif`] of a judgment.
#[must_use]
pub fn render_sarif(judgment: &Judgment) -> String {
    render(&VerdictRecord::from(judgment), Surface::Sarif)
}
