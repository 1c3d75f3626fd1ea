//! `goldgate rollout`: the operator'\''s verbs, through the admin API.
//!
//! Registered in `mod.rs` and `command.rs` once its body stands.

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The admin API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    admin: String,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let _ = (args, context);
    Err(Failure::bug(anyhow::anyhow!("`goldgate rollout` is not built")))
}
