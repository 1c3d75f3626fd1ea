//! `goldgate report`: the page of a finished run, drawn again from its files.

use std::path::{Path, PathBuf};

use super::{Blame, Context, Exit, Failure, Format};
use crate::report::{self, Input, Surface};
use crate::wire::VerdictRecord;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory (as `demo --out` writes it), or a verdict file
    #[arg(value_name = "DIR|FILE")]
    run: PathBuf,
    /// Where the page goes; default: `report.html` beside the verdict
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command. It draws and does not judge: its exit code says whether the page could be drawn.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let input = if args.run.is_dir() { report::read_run(&args.run) } else { report::read_verdict(&args.run) };
    let input = input.blame_usage()?;
    match context.output.format() {
        Format::Text => page(&input, &args, context)?,
        Format::Markdown => context.output.text(report::markdown(&input))?,
        Format::Json => context.output.text(report::render(decisive(&input)?, Surface::Json))?,
        Format::Junit => context.output.text(report::render(decisive(&input)?, Surface::Junit))?,
    }
    Ok(Exit::Success)
}

fn page(input: &Input, args: &Args, context: &Context) -> Result<(), Failure> {
    let directory =
        if args.run.is_dir() { args.run.as_path() } else { args.run.parent().unwrap_or(Path::new("")) };
    let out = args.out.clone().unwrap_or_else(|| directory.join("report.html"));
    let page = report::html(input).blame_bug()?;
    std::fs::write(&out, page)
        .map_err(|error| Failure::usage(anyhow::anyhow!("{}: {error}", out.display())))?;
    context.output.line(out.display())
}

fn decisive(input: &Input) -> Result<&VerdictRecord, Failure> {
    let missing = || Failure::usage(anyhow::anyhow!("the run holds no verdict (verdicts.jsonl is empty)"));
    input.decisive().ok_or_else(missing)
}
