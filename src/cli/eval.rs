//! `goldgate eval`: one arm: scores and latency, no verdict.

mod table;

use std::path::PathBuf;
use std::sync::Arc;

use super::harness::{ImportArgs, RunArgs};
use super::progress::Bar;
use super::{Context, Exit, Failure, Format, arm};
use crate::evals::{self, Outlets};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The suite files
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    suite: Vec<PathBuf>,
    /// The arm: a URL, or `file:ANSWERS`
    #[arg(long, value_name = "URL|file:ANSWERS")]
    target: String,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// Runs the command. It ends well when everything that was asked for was measured, and as invalid when
/// a suite is empty, answers are missing or none of them is whole: no data is never a success.
///
/// # Errors
/// Wrong files or arguments (2), or an engine that cannot be used (4).
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let suites = args.import.suites(&args.suite)?;
    let unchecked = suites.iter().filter_map(|suite| suite.places.unchecked.as_ref());
    unchecked.for_each(|report| context.output.note(report));
    let source = arm::source(&args.target)?;
    let (options, mut tables) = (args.run.options()?, Vec::new());
    let mut samples = args.run.samples(&suites, &options, &context.output)?;
    for suite in suites.into_iter().map(Arc::new) {
        let bar = Bar::new(&context.output, &suite.name);
        let outlets = Outlets { samples: samples.as_mut(), on_progress: &mut |step| bar.follow(step) };
        let run = evals::run_one(&suite, source.clone(), &options, outlets).await;
        drop(bar);
        let (run, capped) = run.map_err(arm::blame)?;
        tables.push(table::Table::new(&suite, &run, capped));
    }
    show(context, &tables)
}

fn show(context: &Context, tables: &[table::Table]) -> Result<Exit, Failure> {
    match context.output.format() {
        Format::Json => context.output.json(&tables.iter().map(table::Table::json).collect::<Vec<_>>())?,
        _ => {
            for table in tables {
                context.output.line(table.text())?;
            }
        }
    }
    let gaps: Vec<_> = tables.iter().filter_map(table::Table::gap).collect();
    gaps.iter().for_each(|gap| context.output.note(format_args!("not measured: {gap}")));
    Ok(if gaps.is_empty() { Exit::Success } else { Exit::Invalid })
}
