//! A verdict on stdout, in the form that was asked for, and its exit code; and what a runner of GitHub is told of it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::{Blame, Context, Exit, Failure, Format};
use crate::report::{self, Input, Style, Surface};
use crate::wire::VerdictRecord;

/// What a verdict is written as here; a page is no text of a verdict, and is made in [`show`].
pub(super) const fn surface(context: &Context) -> Surface {
    match context.output.format() {
        Format::Text | Format::Html => Surface::Text(if context.color { Style::Ansi } else { Style::Plain }),
        Format::Json => Surface::Json,
        Format::Markdown => Surface::Markdown,
        Format::Junit => Surface::Junit,
        Format::Sarif => Surface::Sarif,
    }
}

/// The record in the form that was asked for.
fn rendered(record: &VerdictRecord, context: &Context) -> Result<String, Failure> {
    if context.output.format() != Format::Html {
        return Ok(report::render(record, surface(context)));
    }
    let title = format!("{} over {}", record.candidate, record.baseline);
    report::html(&Input::of_verdict(title, record.clone())).blame_bug()
}

/// Shows the verdict; the exit is its word. In a step of GitHub Actions its summary is written, and the worst findings are
/// annotated on stderr, where the runner reads them too.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn show(record: &VerdictRecord, context: &Context) -> Result<Exit, Failure> {
    context.output.text(rendered(record, context)?)?;
    if context.github.annotates {
        report::annotations(record).iter().for_each(|line| context.output.note(line));
    }
    if let Some(path) = &context.github.summary
        && let Err(error) = summarise(path, record)
    {
        // The verdict stands on stdout; a summary that could not be written changes nothing of it.
        context.output.note(format_args!("{}: no summary: {error}", path.display()));
    }
    Ok(Exit::from(record.verdict))
}

fn summarise(path: &Path, record: &VerdictRecord) -> std::io::Result<()> {
    let taken = std::fs::metadata(path).map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
    let text = report::summary(report::render(record, Surface::Markdown), taken);
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::fixture;

    #[test]
    fn a_step_summary_is_added_to_and_never_grows_beyond_its_room() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let record = VerdictRecord::from(&fixture::judgment());
        std::fs::write(file.path(), "before\n").unwrap();
        summarise(file.path(), &record).unwrap();
        let written = std::fs::read_to_string(file.path()).unwrap();
        assert!(written.starts_with("before\n### ") && written.contains("</details>"), "{written}");
        std::fs::write(file.path(), vec![b'x'; 900 * 1_024]).unwrap();
        summarise(file.path(), &record).unwrap();
        assert_eq!(std::fs::metadata(file.path()).unwrap().len(), 900 * 1_024);
    }
}
