//! One entry of a result file: a line, or an element of a long list, with its place.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::ResultsAsk;
use crate::wire::ScoreRow;
use crate::wire::rows::{self, RowFault};
use crate::wire::scores::score_of;

/// An entry and where it stands.
pub(super) struct Item {
    /// Line, from 1.
    pub(super) line: usize,
    /// The list and the index in it, `samples[3].`; empty for an entry that is a line.
    place: String,
    pub(super) fields: Map<String, Value>,
}

impl Item {
    pub(super) fn wrong(&self, key: &str, rule: impl Into<String>, hint: &'static str) -> RowFault {
        let key = format!("{}{key}", self.place);
        RowFault { line: self.line, column: 0, key, rule: rule.into(), hint }
    }

    /// The value of `key`; `None` when there is none or it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str, hint: &'static str) -> Result<&str, RowFault> {
        let value = self.required(key, hint)?;
        value.as_str().ok_or_else(|| self.wrong(key, format!("a text, not {value}"), hint))
    }

    pub(super) fn number(&self, key: &str, hint: &'static str) -> Result<u64, RowFault> {
        let value = self.required(key, hint)?;
        value.as_u64().ok_or_else(|| self.wrong(key, format!("a whole number, not {value}"), hint))
    }

    pub(super) fn required(&self, key: &str, hint: &'static str) -> Result<&Value, RowFault> {
        self.get(key).ok_or_else(|| self.wrong(key, "is required", hint))
    }

    /// The score of `metric`, which stands at `key`; `None` when it was lost.
    pub(super) fn score(&self, metric: &str, key: &str, value: &Value) -> Result<Option<f64>, RowFault> {
        score_of(metric, value).map_err(|unfit| self.wrong(key, unfit.rule, unfit.hint))
    }

    /// Scores by metric, those that are wanted.
    pub(super) fn scores<'v>(
        &self,
        ask: &ResultsAsk<'_>,
        values: impl IntoIterator<Item = (String, &'v Value)>,
    ) -> Result<Vec<(String, Option<f64>)>, RowFault> {
        let wanted = values.into_iter().filter(|(metric, _)| ask.wants(metric));
        wanted
            .map(|(metric, value)| self.score(&metric, &metric, value).map(|score| (metric, score)))
            .collect()
    }
}

/// The lines of a file, empty ones skipped.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<Item, RowFault>> {
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let full = lines.filter(|(_, text)| !text.trim_ascii().is_empty());
    full.map(|(line, text)| Ok(Item { line, place: String::new(), fields: rows::object(line, text)? }))
}

/// The elements of the list `name` of the file, in which they lie.
pub(super) fn elements<'v>(
    bytes: &'v [u8],
    name: &'static str,
    list: &[&'v RawValue],
) -> impl Iterator<Item = Result<Item, RowFault>> {
    let (mut line, mut seen) = (1, 0);
    list.iter().enumerate().map(move |(index, raw)| {
        let start = (raw.get().as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize);
        line += bytes.get(seen..start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        seen = start.max(seen);
        let place = format!("{name}[{index}].");
        Ok(Item { line, place, fields: rows::object(line, raw.get().as_bytes())? })
    })
}

/// All entries read by `parse`, or what is wrong with them.
pub(super) fn each<T>(
    items: impl Iterator<Item = Result<Item, RowFault>>,
    mut parse: impl FnMut(Item) -> Result<T, RowFault>,
) -> Result<Vec<T>, Vec<RowFault>> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for item in items {
        match item.and_then(&mut parse) {
            Ok(value) => values.push(value),
            Err(fault) => rows::push(&mut faults, fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// Ids with the lines on which they stand.
#[derive(Default)]
pub(super) struct Ids(HashMap<String, usize>);

impl Ids {
    /// Notes the id of an entry.
    ///
    /// # Errors
    /// When another entry has it already.
    pub(super) fn note(&mut self, id: &str, key: &str, item: &Item) -> Result<(), RowFault> {
        match self.0.insert(id.to_owned(), item.line) {
            None => Ok(()),
            Some(first) => {
                let rule = format!("{id:?} stands on line {first} already");
                Err(item.wrong(key, rule, "a file holds one run of one task, each case once"))
            }
        }
    }
}

/// The digest of what was asked.
pub(super) fn asked(parts: &[&str]) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    Some(hasher.finalize().to_hex()[..32].to_owned())
}

/// A row without any value lost all that the others have.
pub(super) fn fill(rows: &mut [ScoreRow]) {
    let mut names = Vec::<String>::new();
    for (name, _) in rows.iter().flat_map(|row| &row.scores) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    for row in rows.iter_mut().filter(|row| row.scores.is_empty()) {
        row.scores = names.iter().map(|name| (name.clone(), None)).collect();
    }
}
