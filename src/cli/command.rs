//! Which commands exist, and the way from what was typed to how it ended.

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::{CommandFactory, Parser, Subcommand};

use super::{
    Blame, ColorChoice, Context, Exit, Failure, GlobalArgs, compare, completions, demo, eval, gate, init,
    judge, mock_engine, plan, release, report, rollout, serve, simulate,
};
use crate::telemetry::start_logs;

/// Eval-gated canary analysis for LLM serving.
#[derive(Debug, Parser)]
#[command(name = "goldgate", version, about, arg_required_else_help = true)]
struct CommandLine {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch a whole rollout on this machine, with nothing to install
    Demo(demo::Args),
    /// Write a configuration, two releases and a suite to begin with
    Init(init::Args),
    /// Run golden suites on one arm: scores and latency, no verdict
    Eval(eval::Args),
    /// Run golden suites on two arms: the gate before a flip
    Gate(gate::Args),
    /// Compare two files of scores, case by case, and judge
    Compare(compare::Args),
    /// Judge stored evidence again, offline; ask what another margin would have said
    Judge(judge::Args),
    /// Say before a rollout how many pairs and how much time its policy needs
    Plan(plan::Args),
    /// Say how often a policy is wrong and how soon it is right, in simulated worlds
    Simulate(simulate::Args),
    /// Serve: splitting proxy, controller and admin port in one process
    Serve(serve::Args),
    /// Start, watch and steer a rollout through the admin port
    Rollout(rollout::Args),
    /// Lock a release, look at it, or compare two
    Release(release::Args),
    /// Draw the page of a finished run again, from its files alone
    Report(report::Args),
    /// Write a shell's completion script to stdout
    Completions(completions::Args),
    /// Serve recorded or made-up answers as an OpenAI-shaped engine, with scripted timing and faults
    MockEngine(mock_engine::Args),
}

/// Parses `args` (the program's name first) and runs the command they name.
///
/// # Errors
/// Whatever the command could not mend; see [`Failure`] for the two tiers.
pub async fn run(args: Vec<OsString>) -> Result<Exit, Failure> {
    let typed = match CommandLine::try_parse_from(args) {
        Ok(typed) => typed,
        Err(error) => return said_by_clap(&error),
    };
    start_logs(
        &typed.global.log,
        typed.global.color != ColorChoice::Never && std::io::stderr().is_terminal(),
    )
    .blame_usage()?;
    let context = Context::new(typed.global);
    match typed.command {
        Command::Demo(args) => demo::run(args, &context).await,
        Command::Init(args) => init::run(args, &context).await,
        Command::Eval(args) => eval::run(args, &context).await,
        Command::Gate(args) => gate::run(args, &context).await,
        Command::Compare(args) => compare::run(args, &context).await,
        Command::Judge(args) => judge::run(args, &context).await,
        Command::Plan(args) => plan::run(args, &context).await,
        Command::Simulate(args) => simulate::run(args, &context).await,
        Command::Serve(args) => serve::run(args, &context).await,
        Command::Rollout(args) => rollout::run(args, &context).await,
        Command::Release(args) => release::run(args, &context).await,
        Command::Report(args) => report::run(args, &context).await,
        Command::Completions(args) => completions::run(&args, CommandLine::command(), &context),
        Command::MockEngine(args) => mock_engine::run(args, &context).await,
    }
}

/// Help and version are answers; everything else is a usage error that clap words itself.
fn said_by_clap(error: &clap::Error) -> Result<Exit, Failure> {
    error.print().map_err(Failure::world)?;
    Ok(if error.use_stderr() { Exit::Usage } else { Exit::Success })
}

/// Whether a line that some file holds is a command of this program.
#[cfg(test)]
pub(super) fn parses(line: &str) -> Result<(), clap::Error> {
    CommandLine::try_parse_from(std::iter::once("goldgate").chain(line.split_whitespace())).map(drop)
}
