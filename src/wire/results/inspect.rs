//! Logs of inspect as JSON (`--log-format json`, or what a packed `.eval` holds): one row for every sample and epoch.
//!
//! A scorer is a metric, and so is every key of a scorer that gives several values, `scorer/key`. Letters and words are
//! numbers as in the tool's own `value_to_float`: C 1, P ½, I and N 0.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::ResultsAsk;
use super::format::{broken, of_file};
use super::item::{Ids, Item, asked, each, elements, fill};
use crate::document::canonical_json;
use crate::wire::ScoreRow;
use crate::wire::rows::RowFault;

const HINT: &str = "a log is what inspect writes with --log-format json";

#[derive(Deserialize)]
struct Log<'a> {
    status: String,
    #[serde(borrow)]
    samples: Option<Vec<&'a RawValue>>,
}

/// A finished run's rows.
pub(super) fn read(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let log: Log<'_> = serde_json::from_slice(bytes).map_err(|error| vec![broken(&error)])?;
    if log.status != "success" {
        let rule =
            format!("status: the run ended with {:?}, and what it did not ask is not in the log", log.status);
        return Err(vec![of_file(
            rule,
            "finish it with inspect eval-retry, or allow errors with --no-fail-on-error",
        )]);
    }
    let Some(samples) = log.samples else {
        return Err(vec![of_file("samples: there are none".to_owned(), "write the log with its samples")]);
    };
    let items = each(elements(bytes, "samples", &samples), Ok)?;
    let repeated = items.iter().any(|item| item.get("epoch").and_then(Value::as_u64) > Some(1));
    let mut ids = Ids::default();
    let mut rows = each(items.into_iter().map(Ok), |item| row(&item, ask, repeated, &mut ids))?;
    fill(&mut rows);
    Ok(rows)
}

/// A sample's row; without a score when it ended in an error.
fn row(item: &Item, ask: &ResultsAsk<'_>, repeated: bool, ids: &mut Ids) -> Result<ScoreRow, RowFault> {
    let sample = match item.required("id", HINT)? {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    };
    let epoch = item.number("epoch", HINT)?;
    let part = |key| item.fields.get(key).map(|value| canonical_json(&said(value))).unwrap_or_default();
    let asked = asked(&[&part("input"), &part("choices"), &part("target")]);
    let id = if repeated { format!("{sample}, epoch {epoch}") } else { sample };
    ids.note(&id, "id", item)?;
    let scores = if item.get("error").is_some() { Vec::new() } else { scores(item, ask)? };
    Ok(ScoreRow { id, cluster: None, asked, scores })
}

/// What is said in a text or in messages, without the ids that every run gives to messages anew.
fn said(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(said).collect(),
        Value::Object(fields) => {
            let said = fields.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "source" | "model"));
            said.map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        text => text.clone(),
    }
}

fn scores(item: &Item, ask: &ResultsAsk<'_>) -> Result<Vec<(String, Option<f64>)>, RowFault> {
    let mut values = Vec::new();
    for (scorer, score) in item.get("scores").and_then(Value::as_object).into_iter().flatten() {
        match score.get("value") {
            Some(Value::Object(keys)) => {
                values.extend(keys.iter().map(|(key, value)| (format!("{scorer}/{key}"), number(value))));
            }
            Some(value) => values.push((scorer.clone(), number(value))),
            None => return Err(item.wrong(&format!("scores.{scorer}.value"), "is required", HINT)),
        }
    }
    item.scores(ask, values.iter().map(|(name, value)| (name.clone(), value)))
}

/// The tool's `value_to_float`, but that a text which says nothing stays one, and is refused.
fn number(value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    match text.as_str() {
        "C" => 1.0.into(),
        "P" => 0.5.into(),
        "I" | "N" => 0.0.into(),
        other => match other.to_lowercase().as_str() {
            "yes" | "true" => 1.0.into(),
            "no" | "false" => 0.0.into(),
            digits => {
                let number = digits.parse().ok().and_then(Number::from_f64);
                number.map_or_else(|| value.clone(), Value::Number)
            }
        },
    }
}
