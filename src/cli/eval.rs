//! `goldgate eval`: one arm: scores and latency, no verdict.
//!
//! Registered in `mod.rs` and `command.rs` once its body stands.

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The suite file
    #[arg(long, value_name = "FILE")]
    suite: std::path::PathBuf,
    /// The arm: a URL, or `file:ANSWERS`
    #[arg(long, value_name = "URL|file:ANSWERS")]
    target: String,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let _ = (args, context);
    Err(Failure::bug(anyhow::anyhow!("`goldgate eval` is not built")))
}
