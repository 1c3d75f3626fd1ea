//! `goldgate serve`: proxy, controller and admin in one process.
//!
//! Registered in `mod.rs` and `command.rs` once its body stands.

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let _ = (args, context);
    Err(Failure::bug(anyhow::anyhow!("`goldgate serve` is not built")))
}
