//! The verdict on a terminal.

use std::fmt::Write;

use comfy_table::{Attribute, Cell, CellAlignment, Color, LineStyle, Table, TableStyle};

use super::{Style, golden, number, strata};
use crate::judgment::{Pace, Verdict};
use crate::wire::{AlphaRecord, MetricRecord, VerdictRecord};

/// One line under the header is all the drawing that a table of a few rows needs.
const LINES: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Headline, decisive reason, table, reasons, checks and needs; ends in a newline.
pub(super) fn render(record: &VerdictRecord, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; the results of `writeln!` below are dropped for that reason.
    let _ = writeln!(out, "{}", headline(record, style));
    if !record.metrics.is_empty() {
        let _ = writeln!(out, "\n{}\n", table(record, style).trim_fmt());
    }
    list(&mut out, "missing", record.metrics.iter().filter(|metric| metric.missing > 0).map(missing));
    list(&mut out, "why", record.reasons.iter().cloned());
    list(&mut out, "strata", record.metrics.iter().filter_map(by_kind));
    let of = |line: fn(&MetricRecord) -> Option<String>| {
        record.metrics.iter().filter_map(move |metric| Some(format!("{}: {}", metric.name, line(metric)?)))
    };
    list(&mut out, "slices", of(golden::slices));
    list(&mut out, "noise", of(golden::noise));
    list(
        &mut out,
        "checks",
        record.checks.iter().map(|check| {
            let text = check.text.as_deref().map_or_else(String::new, |text| format!(": {text}"));
            format!("{} {}{text}", check.name, check.state.as_str())
        }),
    );
    list(&mut out, "alpha", record.alpha.iter().map(alpha));
    let _ = writeln!(out, "{:<9}{}", "needs", needs(record));
    let _ = writeln!(out, "{:<9}policy {}, evidence {}", "judged", record.policy, record.evidence);
    out
}

fn headline(record: &VerdictRecord, style: Style) -> String {
    let word = record.verdict.as_str().to_uppercase();
    let word = match style {
        Style::Plain => word,
        Style::Ansi => format!("\u{1b}[1;{}m{word}\u{1b}[0m", ansi(record.verdict)),
    };
    let VerdictRecord { question, baseline, candidate, .. } = record;
    format!("{word}  {} · candidate {candidate} against baseline {baseline}", question.as_str())
}

fn missing(metric: &MetricRecord) -> String {
    let [missing, pairs] = [metric.missing, metric.pairs].map(number::count);
    format!("{}: {missing} of {pairs} pairs lack a half, judged as the worst case", metric.name)
}

fn by_kind(metric: &MetricRecord) -> Option<String> {
    Some(format!("{}: {}", metric.name, strata::line(metric)?))
}

/// The error budgets in words, and the e-value that is weighed against the shared one.
pub(super) fn alpha(ledger: &AlphaRecord) -> String {
    let AlphaRecord { abort, promote, log_e_abort } = ledger;
    let e = log_e_abort.map_or_else(|| "nothing".to_owned(), |log_e| number::digits(log_e.exp()));
    format!(
        "a failure is proven at e-value {} ({} over all metrics and looks), now at {e}; a pass at {} each",
        number::digits(1.0 / abort),
        number::percent(*abort),
        number::percent(*promote)
    )
}

/// What a decision still needs, in words.
pub(super) fn needs(record: &VerdictRecord) -> String {
    match record.needs.pairs {
        Some(0) => "nothing more".to_owned(),
        Some(pairs) => {
            let time = record.needs.pairs_per_s.and_then(Pace::of);
            let time = time.map_or_else(String::new, |pace| pace.clause(pairs));
            format!("about {} more pairs, if the trend holds{time}", number::count(pairs))
        }
        None => "an unknown number of pairs".to_owned(),
    }
}

fn list(out: &mut String, label: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        let label = if index == 0 { label } else { "" };
        let _ = writeln!(out, "{label:<9}{line}");
    }
}

fn table(record: &VerdictRecord, style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(LINES).force_no_tty();
    if style == Style::Ansi {
        table.enforce_styling();
    }
    let level = record.metrics.first().map_or(0.0, |metric| metric.level);
    let interval = format!("interval ({})", number::percent(level));
    let header = [
        "metric",
        "baseline",
        "candidate",
        "difference",
        &interval,
        "margin",
        "pairs",
        "won:lost",
        "verdict",
    ];
    table.set_header(header.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    for metric in &record.metrics {
        table.add_row(row(metric, level));
    }
    for column in table.column_iter_mut().skip(1).take(header.len() - 2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// One metric; its level is written only where it is not `level`, the header's.
fn row(metric: &MetricRecord, level: f64) -> [Cell; 9] {
    let kind = metric.kind;
    let name = if metric.required { metric.name.clone() } else { format!("{} (guard)", metric.name) };
    let mut interval = number::interval(kind, metric.interval);
    if metric.interval.is_some() && metric.level != level {
        interval = format!("{interval} at {}", number::percent(metric.level));
    }
    [
        Cell::new(name),
        Cell::new(number::mean(metric, metric.baseline)),
        Cell::new(number::mean(metric, metric.candidate)),
        Cell::new(number::difference_or_nothing(kind, metric.difference)),
        Cell::new(interval),
        Cell::new(number::margin(kind, metric.margin)),
        Cell::new(number::count(metric.pairs)),
        Cell::new(number::flips(metric)),
        Cell::new(metric.verdict.as_str()).fg(colour(metric.verdict)),
    ]
}

const fn colour(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Pass => Color::Green,
        Verdict::Inconclusive => Color::Yellow,
        Verdict::Fail => Color::Red,
        Verdict::Invalid => Color::Magenta,
    }
}

/// The same four colours as SGR codes, for the headline.
const fn ansi(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 32,
        Verdict::Inconclusive => 33,
        Verdict::Fail => 31,
        Verdict::Invalid => 35,
    }
}
