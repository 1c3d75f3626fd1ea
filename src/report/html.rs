//! The page: one file, nothing to fetch, every text escaped by the template; one script, which only searches the table of cases.

mod rows;

#[cfg(test)]
pub(super) mod tests;

use minijinja::Environment;
use serde::Serialize;

use rows::{CaseCells, ExampleRow};

use super::forest::Forest;
use super::histogram::Drawing;
use super::plot::{Arms, Ledger, Series, Side, milliseconds, percentiles};
use super::{Input, LatencyCurve, ScoreFlips, TimelineEntry, golden, looks, number, strata, text};
use crate::domain::Arm;
use crate::wire::{CheckRecord, MetricRecord, VerdictRecord};

/// Examples on a page: it stays readable, and small enough to be mailed.
const EXAMPLES_MAX: usize = 20;

/// Events on a page; of a longer run the last ones are shown, for they hold the decision.
const TIMELINE_MAX: usize = 500;

/// Parts drawn below a metric; the verdict's document has them all.
const PARTS_MAX: usize = 24;

/// Cases in the table; the greatest losses come first.
const CASES_MAX: usize = 2_000;

const TEMPLATE: &str = include_str!("page.html");
/// What all pages look like.
pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The script's SHA-256, by which the page's own policy allows it and nothing else.
const SCRIPT_DIGEST: &str = "v8zd1ji6359v49aRCRc3iV0CEz2LZwkvYcYA5Z+PEsw=";

/// The page could not be set: a fault of the template, not of the input.
#[derive(Debug, thiserror::Error)]
#[error("the report page: {0}")]
pub struct PageError(#[from] minijinja::Error);

/// The whole run as one HTML document.
///
/// # Errors
/// Only for a fault in the template itself.
pub fn html(input: &Input) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.add_template("page.html", TEMPLATE)?; // the name's end turns escaping on
    Ok(environment.get_template("page.html")?.render(Page::of(input))?)
}

#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    verdict: &'static str,
    exit_code: u8,
    reason: &'a str,
    version: &'static str,
    baseline: &'a str,
    candidate: &'a str,
    events: Vec<EventRow<'a>>,
    events_left_out: usize,
    stages: Vec<Stage<'a>>,
    flips: Vec<FlipsTable<'a>>,
    latencies: Vec<Latency<'a>>,
    ledgers: Vec<LedgerPlot>,
    moved: Vec<String>,
    margins: Vec<(String, String)>,
    examples: Vec<ExampleRow>,
    scores: Vec<Drawing<'a>>,
    cases: Vec<CaseCells<'a>>,
    cases_left_out: usize,
    style: &'static str,
    script: &'static str,
    script_digest: &'static str,
}

#[derive(Serialize)]
struct EventRow<'a> {
    at: String,
    stage: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Stage<'a> {
    name: &'static str,
    verdict: &'static str,
    record: &'a VerdictRecord,
    level: String,
    metrics: Vec<MetricRow<'a>>,
    checks: &'a [CheckRecord],
    needs: String,
    alpha: Option<String>,
}

#[derive(Serialize)]
struct MetricRow<'a> {
    name: &'a str,
    required: bool,
    verdict: &'static str,
    baseline: String,
    candidate: String,
    difference: String,
    interval: String,
    margin: String,
    pairs: String,
    missing: u64,
    flips: Option<String>,
    reason: &'a str,
    strata: Option<String>,
    noise: Option<String>,
    examples: &'a [String],
    forest: Option<Forest>,
    parts: Vec<PartRow<'a>>,
}

/// A part of a metric's pairs: a kind of request, or the cases of one tag.
#[derive(Serialize)]
struct PartRow<'a> {
    name: &'a str,
    pairs: String,
    difference: String,
    interval: String,
    /// What a slice says against the margin; a kind of request is shown and not tested.
    verdict: &'static str,
    forest: Option<Forest>,
}

#[derive(Serialize)]
struct FlipsTable<'a> {
    metric: &'a str,
    total: String,
    both_right: String,
    both_wrong: String,
    better: String,
    worse: String,
}

#[derive(Serialize)]
struct Latency<'a> {
    metric: &'a str,
    title: &'a str,
    svg: String,
    arms: Vec<LatencyRow>,
}

#[derive(Serialize)]
struct LatencyRow {
    arm: &'static str,
    requests: String,
    quantiles: [String; 4],
}

#[derive(Serialize)]
struct LedgerPlot {
    title: &'static str,
    svg: String,
    legend: Vec<Series>,
    threshold: &'static str,
}

impl<'a> Page<'a> {
    fn of(input: &'a Input) -> Self {
        let left_out = input.timeline.len().saturating_sub(TIMELINE_MAX);
        let decisive = input.decisive();
        Self {
            title: &input.title,
            verdict: input.verdict.as_str(),
            exit_code: input.verdict.exit_code(),
            reason: &input.reason,
            version: env!("CARGO_PKG_VERSION"),
            baseline: decisive.map_or("", |record| &record.baseline),
            candidate: decisive.map_or("", |record| &record.candidate),
            events: input.timeline.iter().skip(left_out).map(EventRow::of).collect(),
            events_left_out: left_out,
            stages: input.verdicts.iter().map(Stage::of).collect(),
            flips: input.flips.iter().map(FlipsTable::of).collect(),
            latencies: latencies(&input.curves),
            ledgers: ledgers(input),
            moved: looks::moved(input),
            margins: looks::margin_lines(&input.margins),
            examples: input.examples.iter().take(EXAMPLES_MAX).map(ExampleRow::of).collect(),
            scores: input.scores.iter().filter_map(Drawing::of).collect(),
            cases: input.cases.iter().take(CASES_MAX).map(CaseCells::of).collect(),
            cases_left_out: input.cases.len().saturating_sub(CASES_MAX),
            style: STYLE,
            script: SCRIPT,
            script_digest: SCRIPT_DIGEST,
        }
    }
}

impl<'a> EventRow<'a> {
    fn of(entry: &'a TimelineEntry) -> Self {
        let (minutes, seconds) = (entry.at_ms / 60_000, entry.at_ms % 60_000 / 1000);
        let at = format!("{minutes}:{seconds:02}.{}", entry.at_ms % 1000 / 100);
        Self { at, stage: &entry.stage, text: &entry.text }
    }
}

impl<'a> Stage<'a> {
    fn of(record: &'a VerdictRecord) -> Self {
        Self {
            name: record.question.as_str(),
            verdict: record.verdict.as_str(),
            record,
            level: number::percent(record.metrics.first().map_or(0.95, |metric| metric.level)),
            metrics: record.metrics.iter().map(MetricRow::of).collect(),
            checks: &record.checks,
            needs: text::needs(record),
            alpha: record.alpha.as_ref().map(text::alpha),
        }
    }
}

impl<'a> MetricRow<'a> {
    fn of(metric: &'a MetricRecord) -> Self {
        Self {
            name: &metric.name,
            required: metric.required,
            verdict: metric.verdict.as_str(),
            baseline: number::mean(metric, metric.baseline),
            candidate: number::mean(metric, metric.candidate),
            difference: number::difference_or_nothing(metric.kind, metric.difference),
            interval: number::interval(metric.kind, metric.interval),
            margin: number::margin(metric.kind, metric.margin),
            pairs: number::count(metric.pairs),
            missing: metric.missing,
            flips: metric.flips.map(|_| number::flips(metric)),
            reason: &metric.reason,
            strata: strata::line(metric),
            noise: golden::noise(metric),
            examples: &metric.examples,
            forest: Forest::of(metric),
            parts: parts(metric),
        }
    }
}

fn parts(metric: &MetricRecord) -> Vec<PartRow<'_>> {
    let part = |name, pairs, difference, interval, verdict| PartRow {
        name,
        verdict,
        pairs: number::count(pairs),
        difference: number::difference_or_nothing(metric.kind, difference),
        interval: number::interval(metric.kind, interval),
        forest: Forest::of_part(metric, interval, difference),
    };
    let strata =
        metric.strata.iter().map(|one| part(&one.stratum, one.pairs, one.difference, one.interval, ""));
    let slices = metric.slices.iter();
    let slices =
        slices.map(|one| part(&one.slice, one.cases, one.difference, one.interval, one.verdict.as_str()));
    strata.chain(slices).take(PARTS_MAX).collect()
}

impl<'a> FlipsTable<'a> {
    fn of(flips: &'a ScoreFlips) -> Self {
        let ScoreFlips { metric, both_right, both_wrong, better, worse } = flips;
        Self {
            metric,
            total: number::count(both_right + both_wrong + better + worse),
            both_right: number::count(*both_right),
            both_wrong: number::count(*both_wrong),
            better: number::count(*better),
            worse: number::count(*worse),
        }
    }
}

/// One plot per metric, in the order in which the metrics first appear.
fn latencies(curves: &[LatencyCurve]) -> Vec<Latency<'_>> {
    let mut metrics: Vec<&str> = Vec::new();
    for curve in curves {
        if !metrics.contains(&curve.metric.as_str()) {
            metrics.push(&curve.metric);
        }
    }
    metrics.into_iter().filter_map(|metric| latency(metric, curves)).collect()
}

fn latency<'a>(metric: &'a str, curves: &'a [LatencyCurve]) -> Option<Latency<'a>> {
    let of = |arm| {
        curves.iter().find(|curve| curve.metric == metric && curve.arm == arm).map(|curve| &curve.histogram)
    };
    let (baseline, candidate) = (of(Arm::Baseline), of(Arm::Candidate));
    let svg = percentiles(&Arms { metric, baseline, candidate })?;
    let title = match metric {
        "ttft_ms" => "Time to first token",
        "tpot_ms" => "Time per output token",
        "e2e_ms" => "End to end",
        other => other,
    };
    let rows = [(Arm::Baseline, baseline), (Arm::Candidate, candidate)];
    let arms = rows.into_iter().filter_map(|(arm, histogram)| {
        let histogram = histogram.filter(|histogram| !histogram.is_empty())?;
        let quantiles =
            [0.5, 0.9, 0.99, 1.0].map(|p| format!("{} ms", number::digits(milliseconds(histogram, p))));
        Some(LatencyRow { arm: arm.as_str(), requests: number::count(histogram.len()), quantiles })
    });
    Some(Latency { metric, title, svg, arms: arms.collect() })
}

fn ledgers(input: &Input) -> Vec<LedgerPlot> {
    let sides = [
        (Side::Abort, "Against the candidate", "abort at the dashed line"),
        (Side::Promote, "For the candidate", "a metric passes at the dashed line"),
    ];
    let drawn = sides.into_iter().filter_map(|(side, title, threshold)| {
        let Ledger { svg, legend } = Ledger::draw(&input.ledger, input.policy.as_ref(), side)?;
        let threshold = if input.policy.is_some() { threshold } else { "" };
        Some(LedgerPlot { title, svg, legend, threshold })
    });
    drawn.collect()
}
