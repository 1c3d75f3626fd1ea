//! `goldgate completions SHELL`: the shell's own script, on stdout.

use super::{Context, Exit, Failure};

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell to write for
    shell: clap_complete::Shell,
}

/// Writes the script for the command line described by `commands`.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn run(args: &Args, mut commands: clap::Command, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut commands, "goldgate", &mut script);
    context.output.text(String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
