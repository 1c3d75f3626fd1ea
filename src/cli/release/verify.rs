//! Whether running engines are what a lock says.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use serde_json::json;

use crate::cli::{Blame, Context, Exit, Failure, Format};
use crate::release::{Difference, EngineReport, Lock};
use crate::telemetry::SystemClock;
use crate::upstream::{self, Pool, PoolOptions, Timeouts};

/// What the engine at `url` says of itself and of `model`.
///
/// # Errors
/// A URL that is none (exit 2), an engine that cannot be asked (exit 4).
pub(super) async fn report(url: &str, model: &str) -> Result<EngineReport, Failure> {
    let endpoints = vec![url.parse().blame_usage()?];
    let options = PoolOptions { endpoints, timeouts: Timeouts::default() };
    let pool = Pool::new(options, Arc::new(SystemClock::start())).blame_usage()?;
    let told = upstream::report(&pool, 0, model).await;
    told.map_err(|fault| Failure::world(anyhow!("{url} cannot be asked what it is: {fault}")))
}

/// Asks every engine, and shows what it has otherwise.
///
/// # Errors
/// A lock that cannot be used (exit 2), an engine that cannot be asked (exit 4).
pub(super) async fn run(lock: &Path, engines: &[String], context: &Context) -> Result<Exit, Failure> {
    let lock = Lock::load(lock).blame_usage()?;
    let mut all = Vec::new();
    for url in engines {
        all.push((url, lock.differences(&report(url, lock.model()).await?)));
    }
    let same = all.iter().all(|(_, differences)| differences.is_empty());
    match context.output.format() {
        Format::Json => {
            let engines: Vec<_> = all.iter().map(|(url, differences)| described(url, differences)).collect();
            context
                .output
                .json(&json!({"release": lock.rel().as_str(), "same": same, "engines": engines}))?;
        }
        _ => {
            context.output.text(all.iter().map(|(url, found)| text(&lock, url, found)).collect::<String>())?
        }
    }
    Ok(if same { Exit::Success } else { Exit::Regression })
}

fn described(url: &str, differences: &[Difference]) -> serde_json::Value {
    let differences: Vec<_> = differences
        .iter()
        .map(|Difference { what, locked, told }| json!({"what": what, "locked": locked, "told": told}))
        .collect();
    json!({"engine": url, "differences": differences})
}

fn text(lock: &Lock, url: &str, differences: &[Difference]) -> String {
    if differences.is_empty() {
        return format!("{url} is {} as far as it tells\n", lock.name());
    }
    let lines = differences.iter().map(|difference| format!("  {difference}\n"));
    format!("{url} is not {}\n{}", lock.name(), lines.collect::<String>())
}
