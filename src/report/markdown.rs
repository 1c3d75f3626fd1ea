//! The verdict as GitHub's markdown.

use std::fmt::Write;

use super::{Input, golden, looks, number, strata, text};
use crate::judgment::Verdict;
use crate::wire::{MetricRecord, VerdictRecord};

/// Events in a comment; the last ones hold the decision, and a comment has a size limit.
const EVENTS_MAX: usize = 100;

/// A whole run: how it ended and why, each stage's verdict, the timeline folded away.
#[must_use]
pub fn markdown(input: &Input) -> String {
    let mut out = format!("## {} {}: {}\n\n", mark(input.verdict), escaped(&input.title), input.verdict);
    if !input.reason.is_empty() {
        // Writing to a String cannot fail; so below.
        let _ = writeln!(out, "{}\n", escaped(&input.reason));
    }
    for record in &input.verdicts {
        out.push_str(&verdict(record));
        out.push('\n');
    }
    out.push_str(&evidence(input));
    if !input.timeline.is_empty() {
        out.push_str("<details><summary>what happened</summary>\n\n");
        for entry in input.timeline.iter().skip(input.timeline.len().saturating_sub(EVENTS_MAX)) {
            let seconds = entry.at_ms / 1000;
            let _ = writeln!(out, "- {seconds} s, {}: {}", escaped(&entry.stage), escaped(&entry.text));
        }
        out.push_str("\n</details>\n");
    }
    out
}

/// What moved when, and what other margins would have said, folded away.
fn evidence(input: &Input) -> String {
    let mut out = String::new();
    let moved = looks::moved(input);
    if !moved.is_empty() {
        out.push_str("<details><summary>what moved when</summary>\n\n");
        moved.iter().for_each(|line| {
            let _ = writeln!(out, "- {}", escaped(line));
        });
        out.push_str("\n</details>\n");
    }
    let margins = looks::margin_lines(&input.margins);
    if !margins.is_empty() {
        out.push_str("<details><summary>at other margins, which promise nothing once the evidence is seen</summary>\n\n");
        for (name, line) in margins {
            let _ = writeln!(out, "- {}: {}", escaped(&name), escaped(&line));
        }
        out.push_str("\n</details>\n");
    }
    out
}

/// One verdict: headline, decisive reason, table, then the rest folded away.
pub(super) fn verdict(record: &VerdictRecord) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; the results of `writeln!` below are dropped for that reason.
    let _ = writeln!(out, "### {} {}: {}\n", mark(record.verdict), record.question.as_str(), record.verdict);
    if !record.decisive().is_empty() {
        let _ = writeln!(out, "{}\n", escaped(record.decisive()));
    }
    table(&mut out, record);
    details(&mut out, record);
    out
}

fn table(out: &mut String, record: &VerdictRecord) {
    if record.metrics.is_empty() {
        return;
    }
    out.push_str(
        "| metric | baseline | candidate | difference | interval | margin | pairs | won:lost | verdict |\n",
    );
    out.push_str("|---|--:|--:|--:|--:|--:|--:|--:|---|\n");
    for metric in &record.metrics {
        row(out, metric);
    }
    out.push('\n');
}

fn row(out: &mut String, metric: &MetricRecord) {
    let guard = if metric.required { "" } else { " (guard)" };
    let _ = writeln!(
        out,
        "| {}{guard} | {} | {} | {} | {} | {} | {} | {} | {} {} |",
        escaped(&metric.name),
        number::mean(metric, metric.baseline),
        number::mean(metric, metric.candidate),
        number::difference_or_nothing(metric.kind, metric.difference),
        number::interval(metric.kind, metric.interval),
        number::margin(metric.kind, metric.margin),
        number::count(metric.pairs),
        number::flips(metric),
        mark(metric.verdict),
        metric.verdict,
    );
}

fn details(out: &mut String, record: &VerdictRecord) {
    out.push_str("<details><summary>reasons, checks, what was judged</summary>\n\n");
    for reason in &record.reasons {
        let _ = writeln!(out, "- {}", escaped(reason));
    }
    for (metric, line) in record.metrics.iter().filter_map(|metric| Some((metric, strata::line(metric)?))) {
        let _ = writeln!(out, "- strata of {}: {}", escaped(&metric.name), escaped(&line));
    }
    let golden =
        [("slices", golden::slices as fn(&MetricRecord) -> Option<String>), ("noise", golden::noise)];
    for (metric, (what, line)) in record.metrics.iter().flat_map(|metric| golden.map(|line| (metric, line))) {
        if let Some(line) = line(metric) {
            let _ = writeln!(out, "- {what} of {}: {}", escaped(&metric.name), escaped(&line));
        }
    }
    for check in &record.checks {
        let text = check.text.as_deref().map_or_else(String::new, |text| format!(": {}", escaped(text)));
        let _ = writeln!(out, "- check {}: {}{text}", escaped(&check.name), check.state.as_str());
    }
    if let Some(ledger) = &record.alpha {
        let _ = writeln!(out, "- alpha: {}", text::alpha(ledger));
    }
    let _ = writeln!(out, "- needs: {}", text::needs(record));
    let judged = [&record.baseline, &record.candidate, &record.policy, &record.evidence];
    let [baseline, candidate, policy, evidence] = judged.map(|digest| escaped(digest));
    let _ =
        writeln!(out, "- baseline {baseline}, candidate {candidate}, policy {policy}, evidence {evidence}");
    out.push_str("\n</details>\n");
}

/// A mark that is read at a glance; the word always stands beside it.
pub(super) const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Inconclusive => "⏳",
        Verdict::Fail => "❌",
        Verdict::Invalid => "⚠️",
    }
}

/// Text that may hold anything, made harmless inside a table cell or a list: one line, no markup, no
/// mention that would notify a stranger.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
