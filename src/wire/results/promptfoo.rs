//! Results of promptfoo, version 3 (`promptfoo eval -o results.json`): one row for every test, prompt and provider.
//!
//! Compared are `success`, `score` and every named score. A row that failed an assertion has an `error` too;
//! only `failureReason` 2 says that there was no answer to assert anything of.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ResultsAsk;
use super::format::{broken, of_file};
use super::item::{Ids, Item, asked, each, elements};
use crate::document::canonical_json;
use crate::wire::ScoreRow;
use crate::wire::rows::RowFault;

const HINT: &str = "results are what `promptfoo eval -o results.json` writes";

/// `ResultFailureReason.ERROR`.
const NO_ANSWER: u64 = 2;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    results: Results<'a>,
}

#[derive(Deserialize)]
struct Results<'a> {
    version: Option<u64>,
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

/// One provider's rows.
pub(super) fn read(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let file: File<'_> = serde_json::from_slice(bytes).map_err(|error| vec![broken(&error)])?;
    if file.results.version != Some(3) {
        let found = file.results.version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        return Err(vec![of_file(format!("results.version: 3 is read, not {found}"), HINT)]);
    }
    let mut items = each(elements(bytes, "results.results", &file.results.results), Ok)?;
    let providers: BTreeSet<String> = items.iter().map(|item| provider(item).1.to_owned()).collect();
    match ask.provider {
        Some(name) => items.retain(|item| <[&str; 2]>::from(provider(item)).contains(&name)),
        None if providers.len() > 1 => {
            let rule = format!("the answers of several providers: {}", listed(&providers));
            return Err(vec![of_file(rule, "say whose with --blue-provider NAME and --green-provider NAME")]);
        }
        None => {}
    }
    if let (Some(name), true) = (ask.provider, items.is_empty()) {
        let rule = format!("no answer is of provider {name:?}, only of {}", listed(&providers));
        return Err(vec![of_file(rule, "a provider goes by its label or its id")]);
    }
    let prompts: BTreeSet<u64> = items.iter().filter_map(|item| item.get("promptIdx")?.as_u64()).collect();
    let prompts: Vec<u64> = prompts.into_iter().collect();
    let mut ids = Ids::default();
    each(items.into_iter().map(Ok), |item| row(&item, ask, &prompts, &mut ids))
}

/// Id and label of the provider; the label is the id where it has no other.
fn provider(item: &Item) -> (&str, &str) {
    let of = |key| item.get("provider").and_then(|provider| provider.get(key)?.as_str());
    let id = of("id").unwrap_or_default();
    (id, of("label").filter(|label| !label.is_empty()).unwrap_or(id))
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn row(item: &Item, ask: &ResultsAsk<'_>, prompts: &[u64], ids: &mut Ids) -> Result<ScoreRow, RowFault> {
    let test = item.number("testIdx", HINT)?;
    let prompt = item.number("promptIdx", HINT)?;
    let raw = item.required("prompt", HINT)?.get("raw").and_then(Value::as_str);
    let raw = raw.ok_or_else(|| item.wrong("prompt.raw", "is required", HINT))?;
    let vars = canonical_json(item.fields.get("vars").unwrap_or(&Value::Null));
    // Columns are counted over providers and prompts: what counts is the place among this provider's own.
    let column = prompts.iter().position(|known| *known == prompt).unwrap_or_default();
    // One test under several prompts is several answers about one thing.
    let (id, cluster) = match prompts {
        [_] => (format!("test {test}"), None),
        _ => (format!("test {test}, prompt {column}"), asked(&[&vars])),
    };
    ids.note(&id, "testIdx", item)?;
    let scores = if answered(item) { scores(item, ask)? } else { lost(item, ask) };
    Ok(ScoreRow { id, cluster, asked: asked(&[raw, &vars]), scores })
}

fn answered(item: &Item) -> bool {
    match item.get("failureReason").and_then(Value::as_u64) {
        Some(reason) => reason != NO_ANSWER,
        None => item.get("error").is_none() || item.get("gradingResult").is_some(),
    }
}

fn scores(item: &Item, ask: &ResultsAsk<'_>) -> Result<Vec<(String, Option<f64>)>, RowFault> {
    let mut values = Vec::new();
    for key in ["success", "score"] {
        values.push((key.to_owned(), item.required(key, HINT)?));
    }
    let named = item.get("namedScores").and_then(Value::as_object);
    values.extend(named.into_iter().flatten().map(|(name, value)| (name.clone(), value)));
    item.scores(ask, values)
}

/// The metrics that an answer would have had.
fn lost(item: &Item, ask: &ResultsAsk<'_>) -> Vec<(String, Option<f64>)> {
    let mut names = vec!["success".to_owned(), "score".to_owned()];
    if let Some(test) = item.get("testCase") {
        named(test, &mut names);
    }
    names.into_iter().filter(|name| ask.wants(name)).map(|name| (name, None)).collect()
}

/// The metrics that assertions name, those of sets included.
fn named(holder: &Value, names: &mut Vec<String>) {
    for assertion in holder.get("assert").and_then(Value::as_array).into_iter().flatten() {
        let metric = assertion.get("metric").and_then(Value::as_str);
        names.extend(metric.filter(|name| !names.iter().any(|known| known == name)).map(str::to_owned));
        named(assertion, names);
    }
}
