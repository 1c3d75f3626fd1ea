//! What GitHub's runners understand: annotations at lines, and texts that fit.

use super::sarif::{Finding, Level, findings};
use crate::wire::VerdictRecord;

/// Findings that are annotated. A step shows ten of each level, and more would bury the worst.
const ANNOTATIONS_MAX: usize = 8;

/// A comment on a pull request holds so many characters.
const COMMENT_CHARS_MAX: usize = 65_536;

/// A step's summary may be 1 MiB; beyond it the whole of it is dropped, so something is left.
const SUMMARY_BYTES_MAX: usize = 900 * 1_024;

/// Workflow commands: the worst findings, each at its line, and how many more there are.
#[must_use]
pub fn annotations(record: &VerdictRecord) -> Vec<String> {
    let findings = findings(record);
    let more = findings.len().saturating_sub(ANNOTATIONS_MAX);
    let shown = findings.iter().take(ANNOTATIONS_MAX).map(annotation);
    let rest =
        (more > 0).then(|| format!("::notice title=goldgate::{more} more findings stand in the report"));
    shown.chain(rest).collect()
}

fn annotation(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let place = finding.at.as_ref().map(|(file, line)| {
        format!("file={},line={line},", property(file.strip_prefix("./").unwrap_or(file)))
    });
    let (place, title) = (place.unwrap_or_default(), property(&finding.rule));
    format!("::{level} {place}title={title}::{}", message(&finding.text))
}

/// The escapes of a workflow command's message.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of its properties.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// `markdown` in at most `room` bytes, or characters as `size` counts them: cut between two lines, and a last line says what was
/// cut.
fn fitted(markdown: String, room: usize, size: fn(&str) -> usize) -> String {
    let whole = size(&markdown);
    if whole <= room {
        return markdown;
    }
    let closing = |kept: &str| "\n</details>\n".repeat(open_details(kept));
    let last = |lines: usize| {
        format!(
            "\n_Cut here: the last {lines} lines of {whole} characters in all do not fit. `--format json` has everything._\n"
        )
    };
    let lines: Vec<&str> = markdown.split_inclusive('\n').collect();
    let reserve = size(&last(lines.len())) + size(&"\n</details>\n".repeat(2));
    let mut kept = String::new();
    let mut used = 0;
    let mut count = 0;
    for line in &lines {
        used += size(line);
        if used + reserve > room {
            break;
        }
        kept.push_str(line);
        count += 1;
    }
    let closing = closing(&kept);
    let cut = format!("{kept}{closing}{}", last(lines.len() - count));
    if size(&cut) <= room { cut } else { String::new() }
}

/// Folds that were opened and not closed.
fn open_details(markdown: &str) -> usize {
    let opened = markdown.matches("<details>").count();
    opened.saturating_sub(markdown.matches("</details>").count())
}

/// `markdown` as a comment.
#[must_use]
pub fn comment(markdown: String) -> String {
    fitted(markdown, COMMENT_CHARS_MAX, |text| text.chars().count())
}

/// `markdown` for a step's summary that holds `taken` bytes already.
#[must_use]
pub fn summary(markdown: String, taken: usize) -> String {
    fitted(markdown, SUMMARY_BYTES_MAX.saturating_sub(taken), str::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgment::Verdict;
    use crate::wire::{SourceRecord, fixture};

    fn record() -> VerdictRecord {
        VerdictRecord::from(&fixture::judgment())
    }

    #[test]
    fn an_annotation_stands_at_its_line_and_its_text_on_one() {
        let mut record = record();
        let metric = record.metrics.iter_mut().find(|metric| metric.verdict == Verdict::Fail).unwrap();
        metric.reason = "100 % worse\nby far".to_owned();
        metric.sources =
            vec![SourceRecord { of: metric.name.clone(), file: "./a,b.toml".to_owned(), line: 7 }];
        let title = property(&metric.name);
        let said = annotations(&record);
        assert!(said[0].starts_with(&format!("::error file=a%2Cb.toml,line=7,title={title}::")), "{said:?}");
        assert!(said[0].ends_with("100 %25 worse%0Aby far"), "{said:?}");
    }

    #[test]
    fn the_worst_eight_are_shown_and_the_rest_is_counted() {
        let mut record = record();
        let failed = record.metrics.iter().find(|metric| metric.verdict == Verdict::Fail).unwrap().clone();
        record.metrics = vec![failed; 12];
        record.checks.clear();
        let said = annotations(&record);
        assert_eq!(said.len(), 9);
        assert_eq!(said[8], "::notice title=goldgate::4 more findings stand in the report");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_lines_and_says_so() {
        let line = "é".repeat(99) + "\n";
        let long = format!("# head\n<details><summary>x</summary>\n{}</details>\n", line.repeat(2_000));
        let cut = comment(long.clone());
        assert!(cut.chars().count() <= COMMENT_CHARS_MAX && cut.chars().count() > COMMENT_CHARS_MAX - 400);
        assert!(cut.contains("do not fit") && open_details(&cut) == 0, "{}", &cut[cut.len() - 200..]);
        assert_eq!(summary(long.clone(), 0), long);
        assert!(summary(long.repeat(4), 0).len() <= SUMMARY_BYTES_MAX);
        assert_eq!(summary(long, SUMMARY_BYTES_MAX), "");
    }
}
