//! `rollout explain`: why it stands where it stands, from what the API keeps.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Api};
use super::text;
use crate::admin::{AlphasRecord, RolloutRecord};
use crate::cli::{Context, Failure, Format, verdict};
use crate::report::{self, Surface};
use crate::wire::{MetricRecord, VerdictRecord};

/// Verdicts of the past that are listed, the latest ones: enough to see how it came about.
const VERDICTS_SHOWN: usize = 8;

/// One verdict of the history.
#[derive(Debug, Deserialize)]
struct Given {
    at_ms: u64,
    stage: String,
    records: u64,
    verdict: Value,
}

/// Where the evidence against the candidate stood at the latest look, all metrics together.
#[derive(Debug, Deserialize)]
struct Point {
    /// `null` for minus infinity, which JSON cannot say.
    log_e_abort: Option<f64>,
}

/// Prints it.
///
/// # Errors
/// When the port does not answer, or refuses.
pub(super) async fn run(api: &Api, id: &str, context: &Context) -> Result<(), Failure> {
    let rollout = api.get(&["rollouts", id]).await?;
    let record = api::record(&rollout)?;
    let verdicts = api.verdicts(&record.id).await?;
    // The ledger is that of the latest rollout; of one in the past nothing is kept of it.
    let ledger = if record.alphas.is_some() { api.get(&["ledger"]).await? } else { Value::Null };
    if context.output.format() == Format::Json {
        return context.output.json(&json!({"rollout": rollout, "verdicts": verdicts, "ledger": ledger}));
    }
    let given: Vec<Given> = serde_json::from_value(verdicts["verdicts"].clone()).unwrap_or_default();
    let points: Vec<Point> = serde_json::from_value(ledger["points"].clone()).unwrap_or_default();
    let log_e_abort = points.last().and_then(|point| point.log_e_abort);
    context.output.text(explained(&record, &given, log_e_abort, verdict::surface(context)))
}

fn explained(record: &RolloutRecord, given: &[Given], log_e_abort: Option<f64>, surface: Surface) -> String {
    let last = given.last().and_then(|given| serde_json::from_value(given.verdict.clone()).ok());
    let said: Option<&VerdictRecord> = text::latest_verdict(record).or(last.as_ref());
    let mut out = format!("{}\n\n", text::headline(record));
    text::list(&mut out, "because", because(record, said).into_iter());
    text::list(&mut out, "waits", record.waiting.iter().map(|what| format!("for {what}")));
    if let Some(said) = said {
        let _ = write!(out, "\n{}", report::render(said, surface));
        if let Some(alphas) = record.alphas {
            out.push_str(&e_values(&said.metrics, alphas, log_e_abort));
        }
    }
    if !given.is_empty() {
        out.push('\n');
        let shown = &given[given.len().saturating_sub(VERDICTS_SHOWN)..];
        text::list(&mut out, "verdicts", shown.iter().map(line));
    }
    out
}

/// The one reason that decides: the outcome's, the judge's, or that nobody has judged yet.
fn because(record: &RolloutRecord, said: Option<&VerdictRecord>) -> Option<String> {
    let judged = said.filter(|said| !said.decisive().is_empty());
    let judged = judged.map(|said| format!("the judge says {}: {}", said.verdict, said.decisive()));
    let waits = || record.waiting.first().map(|what| format!("nothing was judged yet; it waits for {what}"));
    text::decided(record).or(judged).or_else(waits)
}

/// Every e-value against the threshold that it must reach. Golden cases have none: they are looked at once.
fn e_values(metrics: &[MetricRecord], alphas: AlphasRecord, log_e_abort: Option<f64>) -> String {
    let mut out = String::new();
    let watched: Vec<_> = metrics.iter().filter(|metric| metric.log_e_promote.is_some()).collect();
    if watched.is_empty() {
        return out;
    }
    let threshold = -alphas.promote.ln();
    let passing = watched.iter().filter_map(|metric| {
        let log_e = metric.log_e_promote?;
        let word = if log_e >= threshold { "reached" } else { "not reached" };
        Some(format!("{:<20} {:>10} of {}  {word}", metric.name, e_value(log_e), e_value(threshold)))
    });
    text::list(&mut out, "to pass", passing);
    let threshold = -alphas.abort.ln();
    let against = log_e_abort.map_or_else(
        || "all metrics          no look since the controller started".to_owned(),
        |log_e| {
            let word = if log_e >= threshold { "a regression is proven" } else { "nothing is proven" };
            format!("{:<20} {:>10} of {}  {word}", "all metrics", e_value(log_e), e_value(threshold))
        },
    );
    text::list(&mut out, "to fail", std::iter::once(against));
    out
}

/// An e-value from its logarithm, with as many digits as it takes to compare it; in powers of ten where no table
/// has room for it.
fn e_value(log_e: f64) -> String {
    let tens = log_e / std::f64::consts::LN_10;
    match tens {
        tens if tens >= 5.0 => format!("1e{}", tens.floor()),
        tens if tens >= 0.0 => format!("{:.1}", log_e.exp()).trim_end_matches(".0").to_owned(),
        tens if tens >= -2.0 => format!("{:.2}", log_e.exp()),
        _ => "< 0.01".to_owned(),
    }
}

fn line(given: &Given) -> String {
    let said: Option<VerdictRecord> = serde_json::from_value(given.verdict.clone()).ok();
    let (word, why) = said.map_or_else(
        || ("?".to_owned(), String::new()),
        |said| (said.verdict.to_string(), said.decisive().to_owned()),
    );
    format!("{}  {:<9} {word:<13} {} records  {why}", text::moment(given.at_ms), given.stage, given.records)
}

#[cfg(test)]
mod tests;
