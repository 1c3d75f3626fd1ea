//! JSON Lines in bytes: rows with a unique `id`, and what is wrong with them, line by line.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

/// Faults kept of one file: a file in the wrong format has one per row, and these say what all of them do.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column, from 1; 0 when the whole line is meant.
    pub column: usize,
    /// The key; empty when the row itself is broken.
    pub key: String,
    /// What is asked for, and what was found.
    pub rule: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, key, rule, hint } = self;
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        write!(f, "{line}:{}: {key}{rule} ({hint})", (*column).max(1))
    }
}

/// One row under reading.
pub(super) struct Row<'f> {
    pub(super) id: String,
    pub(super) fields: Map<String, Value>,
    pub(super) line: usize,
    faults: &'f mut Vec<RowFault>,
}

impl Row<'_> {
    /// Notes that `key` is wrong.
    pub(super) fn wrong(&mut self, key: &str, rule: impl Into<String>, hint: &'static str) {
        push(
            self.faults,
            RowFault { line: self.line, column: 0, key: key.to_owned(), rule: rule.into(), hint },
        );
    }
}

/// Reads every row; `parse` makes a value of each, or notes what is wrong and gives `None`. Empty lines are skipped.
///
/// # Errors
/// Everything that is wrong, at most the first hundred faults; never an empty list.
pub(super) fn read<T>(
    bytes: &[u8],
    mut parse: impl FnMut(&mut Row<'_>) -> Option<T>,
) -> Result<Vec<T>, Vec<RowFault>> {
    let (mut faults, mut values, mut first_lines) = (Vec::new(), Vec::new(), HashMap::new());
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    for (index, text) in lines.filter(|(_, text)| !text.trim_ascii().is_empty()) {
        match row(index + 1, text, &mut faults) {
            Ok(mut row) => match first_lines.insert(row.id.clone(), row.line) {
                Some(first) => push(row.faults, came_before(row.line, &row.id, first)),
                None => values.extend(parse(&mut row)),
            },
            Err(fault) => push(&mut faults, fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// The row in `text`, with its id taken out.
///
/// # Errors
/// What keeps it from being a row with an id.
pub(super) fn row<'f>(line: usize, text: &[u8], faults: &'f mut Vec<RowFault>) -> Result<Row<'f>, RowFault> {
    let fault = |key: &str, rule, hint| RowFault { line, column: 0, key: key.to_owned(), rule, hint };
    let mut fields = object(line, text)?;
    match fields.remove("id") {
        Some(Value::String(id)) if !id.trim().is_empty() => Ok(Row { id, fields, line, faults }),
        Some(Value::String(_)) => {
            Err(fault("id", "must not be empty".to_owned(), "give every row an id of its own"))
        }
        Some(other) => Err(fault("id", format!("a text, not {other}"), "put it in quotes")),
        None => Err(fault("id", "is required".to_owned(), "give every row an id of its own")),
    }
}

/// The object in `text`.
///
/// # Errors
/// What keeps it from being one, with its column.
pub(super) fn object(line: usize, text: &[u8]) -> Result<Map<String, Value>, RowFault> {
    serde_json::from_slice(text).map_err(|error| {
        let hint = "each line is one JSON object; what is not a number (NaN, inf) is written as null";
        let (rule, key) = (format!("not a row: {}", without_place(&error)), String::new());
        RowFault { line, column: error.column(), key, rule, hint }
    })
}

/// What the parser said, without its own counting of lines.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.split(" at line ").next().unwrap_or(&said).to_owned()
}

/// The fault of a row whose id stands on line `first` already.
pub(super) fn came_before(line: usize, id: &str, first: impl fmt::Display) -> RowFault {
    let rule = format!("{id:?} stands on line {first} already");
    RowFault { line, column: 0, key: "id".to_owned(), rule, hint: "ids are unique in a file" }
}

/// Keeps a fault, unless there are enough of them.
pub(super) fn push(faults: &mut Vec<RowFault>, fault: RowFault) {
    if faults.len() < FAULTS_MAX {
        faults.push(fault);
    }
}
