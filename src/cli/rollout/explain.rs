//! `rollout explain`: why it stands where it stands, from what the API keeps.

mod ledger;

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Api, ApiError};
use super::text;
use crate::admin::{AlphasRecord, RolloutRecord};
use crate::cli::{Context, Failure, Format, verdict};
use crate::judgment::AtMargins;
use crate::report::{self, Surface, e_value};
use crate::wire::{AtMarginsRecord, MetricRecord, VerdictRecord};
use ledger::Look;

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

/// What the API keeps of the latest rollout's evidence; nothing of one in the past.
#[derive(Debug, Default)]
struct Kept {
    looks: Vec<Look>,
    margins: Vec<AtMargins>,
}

/// What other margins would have said, as the API tells it.
#[derive(Debug, Deserialize)]
struct Margins {
    at: Vec<AtMarginsRecord>,
}

/// Prints it.
///
/// # Errors
/// When the port does not answer, or refuses.
pub(super) async fn run(api: &Api, id: &str, context: &Context) -> Result<(), Failure> {
    let rollout = api.get(&["rollouts", id]).await?;
    let record = api::record(&rollout)?;
    let verdicts = api.verdicts(&record.id).await?;
    let (mut ledger, mut margins) = (Value::Null, Value::Null);
    if record.alphas.is_some() {
        ledger = api.get(&["ledger"]).await?;
        // All else is worth reading without it.
        let unknown =
            |error: ApiError| context.output.note(format_args!("note: other margins are not known: {error}"));
        margins = api.get(&["margins"]).await.map_err(unknown).unwrap_or_default();
    }
    if context.output.format() == Format::Json {
        let all = json!({"rollout": rollout, "verdicts": verdicts, "ledger": ledger, "margins": margins});
        return context.output.json(&all);
    }
    let given: Vec<Given> = serde_json::from_value(verdicts["verdicts"].clone()).unwrap_or_default();
    let margins = serde_json::from_value(margins).map_or_else(|_| Vec::new(), |Margins { at }| at);
    let kept = Kept {
        looks: serde_json::from_value(ledger["points"].clone()).unwrap_or_default(),
        margins: margins.into_iter().map(AtMargins::from).collect(),
    };
    context.output.text(explained(&record, &given, &kept, verdict::surface(context)))
}

fn explained(record: &RolloutRecord, given: &[Given], kept: &Kept, surface: Surface) -> String {
    let last = given.last().and_then(|given| serde_json::from_value(given.verdict.clone()).ok());
    let said: Option<&VerdictRecord> = text::latest_verdict(record).or(last.as_ref());
    let mut out = format!("{}\n\n", text::headline(record));
    text::list(&mut out, "because", because(record, said).into_iter());
    text::list(&mut out, "waits", record.waiting.iter().map(|what| format!("for {what}")));
    if let Some(said) = said {
        let _ = write!(out, "\n{}", report::render(said, surface));
        if let Some(alphas) = record.alphas {
            let log_e_abort = kept.looks.last().map(Look::log_e_abort);
            out.push_str(&e_values(&said.metrics, alphas, log_e_abort));
            out.push_str(&history(record, kept, said, alphas));
        }
    }
    if !given.is_empty() {
        out.push('\n');
        let shown = &given[given.len().saturating_sub(VERDICTS_SHOWN)..];
        text::list(&mut out, "verdicts", shown.iter().map(|given| line(given, &label(record, &given.stage))));
    }
    out
}

/// The ledger over the evidence, what moved when, and what other margins would have said.
fn history(record: &RolloutRecord, kept: &Kept, said: &VerdictRecord, alphas: AlphasRecord) -> String {
    let mut out = String::new();
    if !kept.looks.is_empty() {
        let metrics = in_question(kept, said);
        let table = ledger::table(&kept.looks, &metrics, alphas, |stage| label(record, stage));
        let _ = write!(out, "\n{table}");
        text::list(&mut out, "moved", ledger::moved(&kept.looks, said).into_iter());
    }
    let margins = report::margin_lines(&kept.margins);
    if !margins.is_empty() {
        let lines = margins.into_iter().map(|(name, line)| format!("{name}  {line}"));
        let caution = "a margin that is chosen afterwards promises nothing".to_owned();
        text::list(&mut out, "margins", lines.chain([caution]));
    }
    out
}

/// What the rollout rests on: the metrics whose margins were tried, or else those that had to pass.
fn in_question<'a>(kept: &'a Kept, said: &'a VerdictRecord) -> Vec<&'a str> {
    let required = said.metrics.iter().filter(|metric| metric.required).map(|metric| metric.name.as_str());
    kept.margins.first().map_or_else(
        || required.collect(),
        |first| first.metrics.iter().map(|metric| metric.name.as_str()).collect(),
    )
}

/// What people call a stage.
fn label(record: &RolloutRecord, stage: &str) -> String {
    let known = record.stages.iter().find(|one| one.stage == stage);
    known.map_or(stage, |one| one.label.as_str()).to_owned()
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

fn line(given: &Given, stage: &str) -> String {
    let said: Option<VerdictRecord> = serde_json::from_value(given.verdict.clone()).ok();
    let (word, why) = said.map_or_else(
        || ("?".to_owned(), String::new()),
        |said| (said.verdict.to_string(), said.decisive().to_owned()),
    );
    format!("{}  {:<9} {word:<13} {} records  {why}", text::moment(given.at_ms), stage, given.records)
}

#[cfg(test)]
mod tests;
