//! `goldgate gate`: golden suites on two arms, and a verdict. The CI gate before a flip.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;

use super::context::environment;
use super::golden_page::{GoldenParts, golden_parts};
use super::harness::{ImportArgs, RunArgs};
use super::margin::{self, MarginArg};
use super::on_inconclusive::OnInconclusive;
use super::progress::Bar;
use super::sources::located;
use super::{Blame, Context, Exit, Failure, arm, verdict};
use crate::config::{Config, SlotConfig};
use crate::domain::Slot;
use crate::evals::{
    self, ArmSource, Endpoint, GoldenRun, Outlets, SampleLog, Suite, early_power, judge_runs, power,
};
use crate::release::Lock;
use crate::report::{self, Input};
use crate::wire::VerdictRecord;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The suite files; default: rollout.gate of the configuration
    #[arg(long, num_args = 1.., value_name = "FILE")]
    suite: Vec<PathBuf>,
    /// The baseline: a URL, or `file:ANSWERS`; default: the blue slot of the configuration
    #[arg(long, value_name = "URL|file:ANSWERS")]
    blue: Option<String>,
    /// The candidate: a URL, or `file:ANSWERS`; default: the green slot of the configuration
    #[arg(long, value_name = "URL|file:ANSWERS")]
    green: Option<String>,
    /// Judges by another margin than the suite's: 0.02, 2%, or METRIC=2% for one metric, named by its grader's id
    #[arg(long, value_name = "[METRIC=]VALUE")]
    margin: Vec<MarginArg>,
    /// Judges cases as they come and stops once they decide: fewer tokens for what is clear, wider intervals for what is not
    #[arg(long)]
    sequential: bool,
    #[command(flatten)]
    on_inconclusive: OnInconclusive,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// Runs the command. Its exit is the verdict's.
///
/// # Errors
/// Wrong files or arguments (2), or an engine that cannot be used (4).
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let record = judged(&args, context).await?;
    Ok(args.on_inconclusive.map(verdict::show(&record, context)?))
}

/// Runs every suite on both arms, keeps what is to be kept, and judges.
async fn judged(args: &Args, context: &Context) -> Result<VerdictRecord, Failure> {
    let (mut suites, arms) = what(args, context)?;
    margin::apply(&mut suites, &args.margin).blame_usage()?;
    let mut options = args.run.options()?;
    options.sequential = args.sequential.then(|| share_of(FAIL_ALPHA, suites.len()));
    for suite in &suites {
        foretell(suite, options.sequential, context)?;
    }
    let mut samples = args.run.samples(&suites, &options, &context.output)?;
    let mut runs = Vec::with_capacity(suites.len());
    for suite in suites.into_iter().map(Arc::new) {
        let bar = Bar::new(&context.output, &suite.name);
        let (baseline, candidate) = arms.clone();
        let outlets = Outlets { samples: samples.as_mut(), on_progress: &mut |step| bar.follow(step) };
        let run = evals::run(&suite, baseline, candidate, &options, outlets).await;
        drop(bar);
        let run = run.map_err(arm::blame)?;
        run.notes().iter().for_each(|note| context.output.note(note));
        runs.push(run);
    }
    // Every answer is graded and kept, and recorded ones would be most of what is held while it is judged.
    drop(arms);
    if let Some(taken) = samples.as_ref().map(SampleLog::taken).filter(|taken| *taken > 0) {
        context.output.note(format_args!("resumed: {taken} answers were there already"));
    }
    let verdict = located(VerdictRecord::from(&judge_runs(&runs)), &runs);
    if let Some(folder) = args.run.out() {
        report::write_run(folder, &page(verdict.clone(), &runs)).blame_world()?;
    }
    Ok(verdict)
}

/// Says what a suite can find, by the tests that will judge it.
fn foretell(suite: &Suite, sequential: Option<f64>, context: &Context) -> Result<(), Failure> {
    match sequential {
        Some(abort_alpha) => {
            let lines = early_power(suite, abort_alpha).map_err(arm::blame)?;
            lines.iter().for_each(|line| context.output.note(line));
        }
        None => power(suite).iter().for_each(|line| context.output.note(line)),
    }
    Ok(())
}

/// Probability, over all suites together, that a run judged case by case fails a candidate within its margins.
const FAIL_ALPHA: f64 = 0.01;

/// An equal part of a budget for each of so many.
#[expect(clippy::cast_precision_loss, reason = "a handful of suites")]
fn share_of(budget: f64, suites: usize) -> f64 {
    budget / suites.max(1) as f64
}

/// The suites and the two arms: what was typed, and for what was not, the configuration.
fn what(args: &Args, context: &Context) -> Result<(Vec<Suite>, (ArmSource, ArmSource)), Failure> {
    let typed = |arm: &Option<String>| arm.as_deref().map(arm::source).transpose();
    let (blue, green) = (typed(&args.blue)?, typed(&args.green)?);
    let complete = !args.suite.is_empty() && blue.is_some() && green.is_some();
    let config = if complete { None } else { Some(configured(&context.config)?) };
    let files = match &config {
        Some(config) if args.suite.is_empty() => config.rollout.gate.as_slice(),
        _ => &args.suite,
    };
    if files.is_empty() {
        let text = "no suite to run: name one with --suite, or in rollout.gate of the configuration";
        return Err(Failure::usage(anyhow!(text)));
    }
    let slot = |typed: Option<ArmSource>, slot| match typed {
        Some(source) => Ok(source),
        None => slot_source(config.as_ref(), slot),
    };
    Ok((args.import.suites(files)?, (slot(blue, Slot::Blue)?, slot(green, Slot::Green)?)))
}

fn configured(path: &Path) -> Result<Config, Failure> {
    let config = Config::load(path, environment());
    config.map_err(|faults| {
        let hint = "without a configuration name all three: --suite FILE --blue URL --green URL";
        Failure::usage(anyhow!("{faults}\n  hint: {hint}"))
    })
}

/// A slot of the configuration, asked with the release that stands there.
fn slot_source(config: Option<&Config>, slot: Slot) -> Result<ArmSource, Failure> {
    let config = config.and_then(|config| match slot {
        Slot::Blue => Some(&config.blue),
        Slot::Green => config.green.as_ref(),
    });
    let vacant = || Failure::usage(anyhow!("slots.{slot} is not configured: name the arm with --{slot}"));
    let SlotConfig { endpoints, release, .. } = config.ok_or_else(vacant)?;
    let mut endpoint = Endpoint::new(endpoints.first().ok_or_else(vacant)?).map_err(arm::blame)?;
    endpoint.key = arm::key();
    endpoint.release = release.as_deref().map(Lock::load).transpose().blame_usage()?.map(Arc::new);
    Ok(ArmSource::Engine(endpoint))
}

fn page(record: VerdictRecord, runs: &[GoldenRun]) -> Input {
    let GoldenParts { flips, curves, examples, scores, cases } = golden_parts(runs);
    let title = format!("{} over {}", record.candidate, record.baseline);
    Input { flips, curves, examples, scores, cases, ..Input::of_verdict(title, record) }
}

#[cfg(test)]
mod tests;
