//! `goldgate report`: the page of a finished run, drawn again from its files; of several runs, how each metric went.

mod trend;

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{Blame, Context, Exit, Failure, Format};
use crate::report::{self, Input, Surface};
use crate::wire::VerdictRecord;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory (as `demo --out` or `gate --out` writes it), a verdict file, or a directory of Parquet evidence; of
    /// several, in the order of releases, a trend is drawn
    #[arg(value_name = "DIR|FILE", required = true)]
    runs: Vec<PathBuf>,
    /// Where it goes; the name's end says what it is: .html, .md, .json, .csv or .parquet. Default: of one run a
    /// `report.html` beside its verdict, of several a table on stdout
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command. It draws and does not judge: its exit code says whether it could be drawn.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let table =
        args.out.as_deref().and_then(Path::extension).is_some_and(|kind| kind == "csv" || kind == "parquet");
    match args.runs.as_slice() {
        [run] if !table && !trend::is_bare_evidence(run) => one(run, &args, context)?,
        runs => trend::show(&trend::read(runs)?, args.out.as_deref(), context)?,
    }
    Ok(Exit::Success)
}

fn one(run: &Path, args: &Args, context: &Context) -> Result<(), Failure> {
    let input = read(run)?;
    match context.output.format() {
        Format::Text => page(&input, run, args, context),
        Format::Markdown => context.output.text(report::comment(report::markdown(&input))),
        Format::Json => context.output.text(report::render(decisive(&input)?, Surface::Json)),
        Format::Junit => context.output.text(report::render(decisive(&input)?, Surface::Junit)),
        Format::Sarif => context.output.text(report::render(decisive(&input)?, Surface::Sarif)),
        Format::Html => context.output.text(report::html(&input).blame_bug()?),
    }
}

/// A run, or a lone verdict.
fn read(run: &Path) -> Result<Input, Failure> {
    if run.is_dir() { report::read_run(run) } else { report::read_verdict(run) }.blame_usage()
}

fn page(input: &Input, run: &Path, args: &Args, context: &Context) -> Result<(), Failure> {
    let directory = if run.is_dir() { run } else { run.parent().unwrap_or(Path::new("")) };
    let out = args.out.clone().unwrap_or_else(|| directory.join("report.html"));
    let bytes = match out.extension().and_then(|kind| kind.to_str()) {
        Some("md") => report::markdown(input),
        Some("json") => report::render(decisive(input)?, Surface::Json),
        _ => report::html(input).blame_bug()?,
    };
    write(&out, bytes.as_bytes(), context)
}

/// Writes a file and says so.
fn write(path: &Path, bytes: &[u8], context: &Context) -> Result<(), Failure> {
    let written = std::fs::write(path, bytes);
    written.map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))?;
    context.output.line(path.display())
}

fn decisive(input: &Input) -> Result<&VerdictRecord, Failure> {
    let missing = || Failure::usage(anyhow!("the run holds no verdict (verdicts.jsonl is empty)"));
    input.decisive().ok_or_else(missing)
}
