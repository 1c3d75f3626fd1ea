//! `samples_*.jsonl` of lm-evaluation-harness (`--log_samples`): one row for every document and filter.
//!
//! A row names its metrics, and its values are compared under the names that the tool prints,
//! `exact_match,strict-match`. The hashes of document, prompt and target say whether two runs asked the same.

use std::collections::HashMap;

use serde_json::Value;

use super::ResultsAsk;
use super::item::{Ids, Item, asked, each, lines};
use crate::wire::ScoreRow;
use crate::wire::rows::RowFault;

const OLD: &str =
    "older versions did not write it; run lm_eval --log_samples again, or write rows of id and scores";

/// The rows of all filters of a document are one case.
pub(super) fn read(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let (mut ids, mut rows) = (Ids::default(), Vec::<ScoreRow>::new());
    let mut index = HashMap::<String, usize>::new();
    each(lines(bytes), |item| {
        let row = row(&item, ask, &mut ids)?;
        match index.get(&row.id).and_then(|index| rows.get_mut(*index)) {
            Some(case) if case.asked != row.asked => {
                let rule = format!("document {} is another one on an earlier line", row.id);
                return Err(item.wrong("doc_hash", rule, "a file holds the samples of one task"));
            }
            Some(case) => case.scores.extend(row.scores),
            None => {
                index.insert(row.id.clone(), rows.len());
                rows.push(row);
            }
        }
        Ok(())
    })?;
    Ok(rows)
}

fn row(item: &Item, ask: &ResultsAsk<'_>, ids: &mut Ids) -> Result<ScoreRow, RowFault> {
    let id = item.number("doc_id", "documents are counted from 0")?.to_string();
    let filter = item.text("filter", OLD)?;
    ids.note(&format!("{id},{filter}"), "doc_id,filter", item)?;
    let hash = |key| item.text(key, OLD);
    let asked = asked(&[hash("doc_hash")?, hash("prompt_hash")?, hash("target_hash")?]);
    let values = names(item)?.into_iter().map(|name| {
        let value =
            item.fields.get(name).ok_or_else(|| item.wrong(name, "is named under metrics and missing", OLD));
        value.map(|value| (format!("{name},{filter}"), value))
    });
    let values: Vec<_> = values.collect::<Result<_, _>>()?;
    Ok(ScoreRow { id, cluster: None, asked, scores: item.scores(ask, values)? })
}

fn names(item: &Item) -> Result<Vec<&str>, RowFault> {
    let list = item.required("metrics", OLD)?;
    let names = list.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
    names.ok_or_else(|| item.wrong("metrics", format!("a list of names, not {list}"), OLD))
}
