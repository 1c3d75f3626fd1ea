//! `goldgate gate`: the golden suite on two arms, and a verdict.
//!
//! Registered in `mod.rs` and `command.rs` once its body stands.

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The suite file
    #[arg(long, value_name = "FILE")]
    suite: Vec<std::path::PathBuf>,
    /// The baseline: a URL, or `file:ANSWERS`; default: the blue slot of the configuration
    #[arg(long, value_name = "URL|file:ANSWERS")]
    blue: Option<String>,
    /// The candidate: a URL, or `file:ANSWERS`; default: the green slot of the configuration
    #[arg(long, value_name = "URL|file:ANSWERS")]
    green: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let _ = (args, context);
    Err(Failure::bug(anyhow::anyhow!("`goldgate gate` is not built")))
}
