//! `goldgate demo`: a whole rollout on this machine, on recorded answers.
//!
//! Registered in `mod.rs` and `command.rs` once its body stands.

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Seeds everything that is random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let _ = (args, context);
    Err(Failure::bug(anyhow::anyhow!("`goldgate demo` is not built")))
}
