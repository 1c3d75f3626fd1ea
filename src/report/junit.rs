//! The verdict as a JUnit test suite.
//!
//! JUnit has four states, and "not decided" must not look like a pass: a required metric that is
//! inconclusive is a failure of type `inconclusive`, a guard (which may only fail) is skipped. What
//! cannot be trusted is an error. There is no time stamp, for the bytes are part of no clock.

use std::fmt::Write;

use crate::judgment::Verdict;
use crate::wire::{CheckRecord, CheckWord, MetricRecord, VerdictRecord};

/// How a case stands, with the element's type word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Failure(&'static str),
    Error(&'static str),
    Skipped,
}

struct Case<'a> {
    class: &'static str,
    name: &'a str,
    state: State,
    message: &'a str,
}

/// The document; ends in a newline.
pub(super) fn render(record: &VerdictRecord) -> String {
    let cases = cases(record);
    let count = |wanted: fn(State) -> bool| cases.iter().filter(|case| wanted(case.state)).count();
    let suite = format!(
        "name=\"goldgate.{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        record.question.as_str(),
        cases.len(),
        count(|state| matches!(state, State::Failure(_))),
        count(|state| matches!(state, State::Error(_))),
        count(|state| state == State::Skipped),
    );
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite {suite}>\n    <properties>\n"
    );
    for (name, value) in properties(record) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escaped(value));
    }
    out.push_str("    </properties>\n");
    for case in &cases {
        write_case(&mut out, case);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn properties(record: &VerdictRecord) -> [(&'static str, &str); 5] {
    [
        ("verdict", record.verdict.as_str()),
        ("baseline", &record.baseline),
        ("candidate", &record.candidate),
        ("policy", &record.policy),
        ("evidence", &record.evidence),
    ]
}

fn cases(record: &VerdictRecord) -> Vec<Case<'_>> {
    let verdict = Case {
        class: "verdict",
        name: "verdict",
        state: required(record.verdict),
        message: record.decisive(),
    };
    let metrics = record.metrics.iter().map(metric);
    let checks = record.checks.iter().map(check);
    std::iter::once(verdict).chain(metrics).chain(checks).collect()
}

const fn required(verdict: Verdict) -> State {
    match verdict {
        Verdict::Pass => State::Passed,
        Verdict::Fail => State::Failure("fail"),
        Verdict::Inconclusive => State::Failure("inconclusive"),
        Verdict::Invalid => State::Error("invalid"),
    }
}

fn metric(metric: &MetricRecord) -> Case<'_> {
    let state = match (metric.required, metric.verdict) {
        (false, Verdict::Inconclusive) => State::Skipped,
        (_, verdict) => required(verdict),
    };
    Case { class: "metric", name: &metric.name, state, message: &metric.reason }
}

fn check(check: &CheckRecord) -> Case<'_> {
    let state = match check.state {
        CheckWord::Ok => State::Passed,
        CheckWord::Unknown => State::Skipped,
        CheckWord::Alarm => State::Error("alarm"),
    };
    Case { class: "check", name: &check.name, state, message: check.text.as_deref().unwrap_or_default() }
}

fn write_case(out: &mut String, case: &Case<'_>) {
    let (name, message) = (escaped(case.name), escaped(case.message));
    let _ = write!(out, "    <testcase classname=\"goldgate.{}\" name=\"{name}\"", case.class);
    let _ = match case.state {
        State::Passed => writeln!(out, "/>"),
        State::Failure(word) => {
            writeln!(out, ">\n      <failure type=\"{word}\" message=\"{message}\"/>\n    </testcase>")
        }
        State::Error(word) => {
            writeln!(out, ">\n      <error type=\"{word}\" message=\"{message}\"/>\n    </testcase>")
        }
        State::Skipped => writeln!(out, ">\n      <skipped message=\"{message}\"/>\n    </testcase>"),
    };
}

/// Text for an attribute. Characters that XML 1.0 cannot hold at all are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}
