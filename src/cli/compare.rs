//! `goldgate compare`: two files of results, and a verdict. Nothing is run; the files are the evidence.

mod packed;
mod pairing;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::judge::located;
use super::margin::MarginArg;
use super::on_inconclusive::OnInconclusive;
use super::{Blame, Context, Exit, Failure, verdict};
use crate::document::parts_digest;
use crate::domain::MetricKind;
use crate::judgment::{GoldenAsk, GoldenMetric, Judgment, Question, Subject, judge_golden};
use crate::wire::{ResultsAsk, ScoreRow, VerdictRecord, read_results};
use pairing::Paired;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The baseline's results: samples of lm-eval, results of promptfoo, a log of inspect, a log of OpenAI's evals, a report of
    /// guidellm, detailed times of vLLM's benchmark, or scores, one JSON object a line: an id, and numbers, true or false by metric
    #[arg(value_name = "BLUE")]
    blue: PathBuf,
    /// The candidate's results
    #[arg(value_name = "GREEN")]
    green: PathBuf,
    /// Compares this metric; may be given more than once. Default: every one
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// The loss that is tolerated: 0.02 or 2% for every score, METRIC=5% for one metric, which may be a time
    #[arg(long, value_name = "[METRIC=]VALUE")]
    margin: Vec<MarginArg>,
    /// Whose answers are the baseline, where its file holds those of several providers: a label or an id
    #[arg(long, value_name = "NAME")]
    blue_provider: Option<String>,
    /// Whose answers are the candidate
    #[arg(long, value_name = "NAME")]
    green_provider: Option<String>,
    #[command(flatten)]
    on_inconclusive: OnInconclusive,
}

/// Tolerated where nothing else is said: two points of a score.
const SCORE_MARGIN: f64 = 0.02;
/// Five per cent of a time.
const LATENCY_MARGIN: f64 = 0.05;

/// Runs the command. Its exit is the verdict's.
///
/// # Errors
/// Files or metrics that cannot be used: exit 2.
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let judgment = judged(&args, context)?;
    Ok(args.on_inconclusive.map(verdict::show(&VerdictRecord::from(&judgment), context)?))
}

/// Pairs the files and judges them.
fn judged(args: &Args, context: &Context) -> Result<Judgment, Failure> {
    let blue = read(&args.blue, &args.metric, args.blue_provider.as_deref())?;
    let green = read(&args.green, &args.metric, args.green_provider.as_deref())?;
    let paired = Paired::new(&blue, &green).map_err(|rule| {
        Failure::usage(anyhow!("{} and {}: {rule}", args.blue.display(), args.green.display()))
    })?;
    for note in paired.notes(&args.blue, &args.green) {
        context.output.note(note);
    }
    let mut metrics = paired.metrics(margin_of);
    all_there(&args.metric, &metrics).blame_usage()?;
    for margin in &args.margin {
        set_margin(&mut metrics, margin).blame_usage()?;
    }
    let subject = Subject {
        baseline: subject(&args.blue, args.blue_provider.as_deref()),
        candidate: subject(&args.green, args.green_provider.as_deref()),
        policy: policy(&metrics),
        evidence: paired.evidence(&metrics),
    };
    Ok(judge_golden(&metrics, &GoldenAsk::new(Question::Compare, subject)))
}

/// What an arm goes by: its file, and whose answers of it.
fn subject(path: &Path, provider: Option<&str>) -> String {
    let provider = provider.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{}{provider}", path.display())
}

fn read(path: &Path, metrics: &[String], provider: Option<&str>) -> Result<Vec<ScoreRow>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::usage(anyhow!("{}: cannot be read: {error}\n  hint: check the path", path.display()))
    })?;
    let bytes = match packed::unpacked(&bytes) {
        None => bytes,
        Some(log) => log.map_err(|error| {
            Failure::usage(anyhow!(
                "{}: not a packed log: {error}\n  hint: inspect writes a whole .eval",
                path.display()
            ))
        })?,
    };
    read_results(&bytes, &ResultsAsk { metrics, provider })
        .map_err(|faults| Failure::usage(located(path, &faults)))
}

const fn margin_of(kind: MetricKind) -> f64 {
    if kind.is_ratio() { LATENCY_MARGIN } else { SCORE_MARGIN }
}

/// A metric that was asked for and that no row speaks of is a slip, not a loss.
fn all_there(wanted: &[String], metrics: &[GoldenMetric]) -> anyhow::Result<()> {
    let there = |name: &String| metrics.iter().any(|metric| metric.name.as_str() == name);
    match wanted.iter().find(|name| !there(name)) {
        None => Ok(()),
        Some(name) => Err(anyhow!(
            "--metric: no row of either file has {name:?}\n  hint: a metric is a key of the rows; without --metric every \
             one is compared"
        )),
    }
}

/// Judges by another margin: that of the metric it names, or of every score.
fn set_margin(metrics: &mut [GoldenMetric], margin: &MarginArg) -> anyhow::Result<()> {
    let known: Vec<_> = metrics.iter().map(|metric| metric.name.to_string()).collect();
    let meant = |metric: &&mut GoldenMetric| match &margin.metric {
        Some(name) => metric.name.as_str() == name,
        None => !metric.kind.is_ratio(),
    };
    let set = metrics.iter_mut().filter(meant).map(|metric| metric.margin = margin.value).count();
    // Without a row there is no metric to name; that is judged, and not refused here.
    if set > 0 || known.is_empty() {
        return Ok(());
    }
    let named = margin.metric.as_deref().map_or_else(|| "a score".to_owned(), |name| format!("{name:?}"));
    Err(anyhow!("--margin: the files do not hold {named}\n  hint: compared are {}", known.join(", ")))
}

/// The digest of what is tolerated.
fn policy(metrics: &[GoldenMetric]) -> String {
    let rules = metrics.iter().map(|metric| format!("{} {} {}", metric.name, metric.kind, metric.margin));
    let rules: Vec<String> = rules.collect();
    let parts: Vec<&[u8]> = rules.iter().map(|rule| rule.as_bytes()).collect();
    format!("pol:{}", &parts_digest("goldgate/compare-policy/1", &parts).to_hex()[..16])
}
