//! `goldgate release`: lock a release, look at it, compare two.

mod diff;
mod verify;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Blame, Context, Exit, Failure, Format};
use crate::cli::progress::ByteCount;
use crate::release::{EngineReport, FileHashes, Lint, Lock, lints};
use crate::telemetry::{Clock as _, SystemClock};

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
        /// Also locks what this running engine says of itself: chat template, tokens of fixed conversations, sampling
        /// defaults, build, weights
        #[arg(long, value_name = "URL")]
        engine: Option<String>,
        /// Reads all weights again, whatever is known of files that have not changed
        #[arg(long)]
        paranoid: bool,
    },
    /// Show a lock: its ids, model, sampling and templates
    Show {
        /// The lock
        #[arg(value_name = "FILE", default_value = "release.lock.json")]
        lock: PathBuf,
    },
    /// Ask running engines whether they are what a lock says; exits with 1 where one is not
    Verify {
        /// The lock
        #[arg(value_name = "FILE", default_value = "release.lock.json")]
        lock: PathBuf,
        /// The engine; may be given more than once
        #[arg(long = "engine", value_name = "URL", required = true)]
        engines: Vec<String>,
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
        Verb::Lock { manifest, out, engine, paranoid } => {
            lock(&manifest, out, Locking { engine, paranoid }, context).await?;
        }
        Verb::Verify { lock, engines } => return verify::run(&lock, &engines, context).await,
        Verb::Show { lock } => show(&Lock::load(&lock).blame_usage()?, context)?,
        Verb::Diff { baseline, candidate } => {
            let (baseline, candidate) =
                (Lock::load(&baseline).blame_usage()?, Lock::load(&candidate).blame_usage()?);
            diff::show(&baseline, &candidate, context)?;
        }
    }
    Ok(Exit::Success)
}

/// How a lock is made.
struct Locking {
    engine: Option<String>,
    paranoid: bool,
}

async fn lock(manifest: &Path, out: Option<PathBuf>, how: Locking, context: &Context) -> Result<(), Failure> {
    let told = match &how.engine {
        Some(url) => Some(verify::report(url, &Lock::model_in(manifest).blame_usage()?).await?),
        None => None,
    };
    let untold = told.as_ref().map(EngineReport::untold).unwrap_or_default().join(", ");
    if !untold.is_empty() {
        context.output.note(format_args!("the engine does not tell {untold}: nothing of that is locked"));
    }
    let begins_twice = told.as_ref().is_some_and(|told| told.begins_twice);
    let lock = resolve(manifest, told, how.paranoid, context)?;
    let out = out.unwrap_or_else(|| manifest.with_file_name("release.lock.json"));
    std::fs::write(&out, lock.to_json())
        .map_err(|error| Failure::usage(anyhow::anyhow!("{}: cannot be written: {error}", out.display())))?;
    context.output.note(format_args!("{} → {}", manifest.display(), out.display()));
    let of_engine = begins_twice.then_some(Lint::BeginsTwice);
    for lint in lints(manifest).blame_usage()?.into_iter().chain(of_engine) {
        context.output.note(format_args!("{}: {lint}", manifest.display()));
    }
    show(&lock, context)
}

/// Reads everything that the manifest names; what weights have not changed since they were read last is known.
fn resolve(
    manifest: &Path,
    told: Option<EngineReport>,
    paranoid: bool,
    context: &Context,
) -> Result<Lock, Failure> {
    let reading = ByteCount::new(&context.output, "reading weights");
    let mut count = |bytes| reading.add(bytes);
    let hashes = match kept_hashes().filter(|_| !paranoid) {
        Some(store) => FileHashes::kept_in(store, SystemClock::start().wall()),
        None => FileHashes::unkept(),
    };
    let mut hashes = hashes.telling(&mut count);
    let lock = Lock::resolve_with(manifest, &mut hashes, told).blame_usage()?;
    hashes.keep();
    Ok(lock)
}

/// Where digests of large files are kept: in the user's folder for what can be made again.
fn kept_hashes() -> Option<PathBuf> {
    let folder = |name, below: &str| std::env::var_os(name).map(|folder| PathBuf::from(folder).join(below));
    let caches = folder("XDG_CACHE_HOME", "").or_else(|| folder("HOME", ".cache"))?;
    Some(caches.join("goldgate").join("file-hashes.json"))
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
    let may_set = lock.client_may_set().map_or_else(|| "anything".to_owned(), |keys| or_none(keys.to_vec()));
    let prompts = lock.prompts().ids().map(str::to_owned).collect();
    format!(
        "{}\n  model     {}\n  sampling  {}\n  clients may set  {}\n  prompts   {}\n\n  {rel}  everything\n  {sem}  what can change \
         an answer; names the cache\n  {num}  numerics\n  {gate}  suites and policy\n",
        lock.name(),
        lock.model(),
        or_none(sampling.collect()),
        may_set,
        or_none(prompts),
    )
}

#[cfg(test)]
mod tests;
