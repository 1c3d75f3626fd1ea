//! A verdict on stdout, in the form that was asked for, and its exit code.

use super::{Context, Exit, Failure, Format};
use crate::judgment::Judgment;
use crate::report::{self, Style, Surface};
use crate::wire::VerdictRecord;

/// What a verdict is called on this terminal.
pub(super) fn surface(context: &Context) -> Surface {
    match context.output.format() {
        Format::Text => Surface::Text(if context.color { Style::Ansi } else { Style::Plain }),
        Format::Json => Surface::Json,
        Format::Markdown => Surface::Markdown,
        Format::Junit => Surface::Junit,
    }
}

/// Shows `judgment`; the exit is its verdict.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn show(judgment: &Judgment, context: &Context) -> Result<Exit, Failure> {
    context.output.text(report::render(&VerdictRecord::from(judgment), surface(context)))?;
    Ok(Exit::from(judgment.verdict))
}
