//! `goldgate release`: lock a release, look at it, compare two.

mod diff;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Blame, Context, Exit, Failure, Format};
use crate::release::Lock;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Read a release.toml with everything it names, and write the lock that is deployed
    Lock {
        /// The manifest
        #[arg(value_name = "FILE", default_value = "release.toml")]
        manifest: PathBuf,
        /// Where the lock goes; default: `release.lock.json` beside the manifest
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show a lock: its ids, model, sampling and templates
    Show {
        /// The lock
        #[arg(value_name = "FILE", default_value = "release.lock.json")]
        lock: PathBuf,
    },
    /// Say what changed between two locks, and what that calls for
    Diff {
        /// The lock that serves
        #[arg(value_name = "BASELINE")]
        baseline: PathBuf,
        /// The lock that is to serve
        #[arg(value_name = "CANDIDATE")]
        candidate: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// A manifest, a lock or a file they name that cannot be used: exit 2.
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Lock { manifest, out } => lock(&manifest, out, context)?,
        Verb::Show { lock } => show(&Lock::load(&lock).blame_usage()?, context)?,
        Verb::Diff { baseline, candidate } => {
            let (baseline, candidate) =
                (Lock::load(&baseline).blame_usage()?, Lock::load(&candidate).blame_usage()?);
            diff::show(&baseline, &candidate, context)?;
        }
    }
    Ok(Exit::Success)
}

fn lock(manifest: &Path, out: Option<PathBuf>, context: &Context) -> Result<(), Failure> {
    let lock = Lock::resolve(manifest).blame_usage()?;
    let out = out.unwrap_or_else(|| manifest.with_file_name("release.lock.json"));
    std::fs::write(&out, lock.to_json())
        .map_err(|error| Failure::usage(anyhow::anyhow!("{}: cannot be written: {error}", out.display())))?;
    context.output.note(format_args!("{} → {}", manifest.display(), out.display()));
    show(&lock, context)
}

fn show(lock: &Lock, context: &Context) -> Result<(), Failure> {
    match context.output.format() {
        Format::Json => context.output.json(&described(lock)),
        _ => context.output.text(text(lock)),
    }
}

fn described(lock: &Lock) -> Value {
    let [sem, num, gate, rel] = lock.ids();
    json!({
        "name": lock.name(), "model": lock.model(),
        "ids": {"sem": sem, "num": num, "gate": gate, "rel": rel},
        "sampling": lock.sampling(), "client_may_set": lock.client_may_set(),
        "prompts": lock.prompts().ids().collect::<Vec<_>>(),
    })
}

fn text(lock: &Lock) -> String {
    let [sem, num, gate, rel] = lock.ids();
    let sampling = lock.sampling().iter().map(|(key, value)| format!("{key} = {value}"));
    let or_none = |parts: Vec<String>| if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    let prompts = lock.prompts().ids().map(str::to_owned).collect();
    format!(
        "{}\n  model     {}\n  sampling  {}\n  clients may set  {}\n  prompts   {}\n\n  {rel}  everything\n  {sem}  what can change \
         an answer; names the cache\n  {num}  numerics\n  {gate}  suites and policy\n",
        lock.name(),
        lock.model(),
        or_none(sampling.collect()),
        or_none(lock.client_may_set().to_vec()),
        or_none(prompts),
    )
}

#[cfg(test)]
mod tests;
