//! `goldgate demo`: a whole rollout on this machine, with answers that two real models really gave.
//!
//! Everything runs in this process: two mock engines, their users, proxy, gate, judge, rollout. Its runtime's
//! clock is paused and moves only when nothing is left to do, so that minutes of service take seconds, and one
//! seed gives one verdict, byte for byte. All of it goes over real sockets.

mod page;
mod scenario;
mod story;
mod traffic;
mod workspace;

use std::path::PathBuf;

use anyhow::Context as _;

use super::{Blame, Context, Exit, Failure};
use crate::judgment::Question;
use crate::report;
use scenario::Scenario;
use story::{Story, Told};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What happens to the candidate
    #[arg(long, value_enum, default_value_t)]
    scenario: Scenario,
    /// Seeds engines, users and the order of the golden cases
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where files go: configuration, releases, evidence, verdict, report; default: a folder of its own below the
    /// system's folder for temporary files
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command. Its exit is the rollout's ending.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let Args { scenario, seed, out } = args;
    let out = out.unwrap_or_else(|| std::env::temp_dir().join(format!("goldgate-demo-{}", scenario.name())));
    let story = Story { scenario, seed, out: out.clone(), output: context.output };
    let told = tokio::task::spawn_blocking(move || on_paused_clock(story)).await.map_err(Failure::bug)??;
    report::write_run(&out, &told.input).blame_world()?;
    let page = out.join("report.html");
    let html = report::html(&told.input).blame_bug()?;
    std::fs::write(&page, html)
        .with_context(|| format!("{}: cannot be written", page.display()))
        .blame_world()?;
    conclude(&told, &page, context)?;
    Ok(told.exit)
}

/// The story on a runtime of its own, whose time stands still while there is work.
fn on_paused_clock(story: Story) -> Result<Told, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .map_err(Failure::bug)?;
    runtime.block_on(story.tell())
}

fn conclude(told: &Told, page: &std::path::Path, context: &Context) -> Result<(), Failure> {
    if let Some(record) = told.input.decisive() {
        context.output.text(report::render(record, super::verdict::surface(context)))?;
    }
    context.output.note(format_args!("\n{}", told.seen));
    let folder = page.parent().unwrap_or(page);
    context.output.note(format_args!("report:    {}", page.display()));
    // What the gate decided rests on answers that are not kept.
    if told.input.decisive().is_some_and(|record| record.question != Question::Golden) {
        context.output.note(format_args!("judge it again: goldgate judge {}", folder.display()));
    }
    context.output.note(format_args!("ending:    {}, exit code {}", told.ending, told.exit.code()));
    Ok(())
}
