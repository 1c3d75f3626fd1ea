//! JSON Lines, row by row: every bad row is a fault with its line, and reading goes on behind it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::document::{Fault, Faults, did_you_mean};

/// One row under reading.
pub(super) struct Row<'f> {
    file: &'f str,
    line: usize,
    fields: Map<String, Value>,
    faults: &'f mut Vec<Fault>,
}

/// Reads the file at `path`; `parse` makes a value of each row, or notes what is wrong and gives `None`.
/// Every row needs a text `id` that no other row has; it is passed to `parse`. Empty lines are skipped.
///
/// # Errors
/// Everything that is wrong with the file.
pub(super) fn read<T>(
    path: &Path,
    known: &[&str],
    parse: impl FnMut(&mut Row<'_>, String) -> Option<T>,
) -> Result<Vec<T>, Faults> {
    let file = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| Fault::unreadable(&file, &error))?;
    self::parse(&file, &bytes, known, parse)
}

/// [`read`] of what was read already.
///
/// # Errors
/// Everything that is wrong with `bytes`.
pub(super) fn parse<T>(
    file: &str,
    bytes: &[u8],
    known: &[&str],
    mut parse: impl FnMut(&mut Row<'_>, String) -> Option<T>,
) -> Result<Vec<T>, Faults> {
    let (mut faults, mut values, mut first_lines) = (Vec::new(), Vec::new(), HashMap::new());
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    for (index, bytes) in lines.filter(|(_, bytes)| !bytes.trim_ascii().is_empty()) {
        let line = index + 1;
        let fields = match serde_json::from_slice(bytes) {
            Ok(fields) => fields,
            Err(error) => {
                faults.push(broken(file, line, &error));
                continue;
            }
        };
        let mut row = Row { file, line, fields, faults: &mut faults };
        row.known(known);
        let Some(id) = row.id() else { continue };
        if let Some(first) = first_lines.insert(id.clone(), line) {
            row.wrong("id", format!("{id:?} stands on line {first} already"), "ids are unique in a file");
            continue;
        }
        values.extend(parse(&mut row, id));
    }
    Faults(faults).or(values)
}

fn broken(file: &str, line: usize, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let rule = text.split(" at line ").next().unwrap_or(&text);
    let hint = "each line is one JSON object and nothing else";
    Fault { line, column: error.column(), ..Fault::whole(file, format!("not a row: {rule}"), hint) }
}

impl Row<'_> {
    /// Notes that `key` is wrong.
    pub(super) fn wrong(&mut self, key: &str, rule: impl Into<String>, hint: &str) {
        let fault = Fault::whole(self.file, rule, hint);
        self.faults.push(Fault { line: self.line, column: 1, path: key.to_owned(), ..fault });
    }

    /// Its line, from 1.
    pub(super) const fn line(&self) -> usize {
        self.line
    }

    /// Takes the value of `key`; `null` counts as absent.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.fields.remove(key).filter(|value| !value.is_null())
    }

    /// Whether `key` stands there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    /// The text at `key`, when it stands there; anything but a text is a fault.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong(key, format!("a text, not {}", kind(&other)), "put it in quotes");
                None
            }
        }
    }

    /// The texts at `key`: one, or an array of them. Empty when absent.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let texts: Option<Vec<String>> = match self.take(key) {
            None => return Vec::new(),
            Some(Value::String(text)) => return vec![text],
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.wrong(key, "a text or an array of texts", "numbers are written as text: \"18\"");
            Vec::new()
        })
    }

    fn id(&mut self) -> Option<String> {
        if !self.has("id") {
            self.wrong(
                "id",
                "is required",
                "give every row an id of its own, for example \"id\": \"case-1\"",
            );
            return None;
        }
        let id = self.text("id")?;
        if id.trim().is_empty() {
            self.wrong("id", "must not be empty", "give every row an id of its own");
            return None;
        }
        Some(id)
    }

    fn known(&mut self, known: &[&str]) {
        let unknown: Vec<String> =
            self.fields.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
        for key in unknown {
            self.wrong(&key, "no such key", &did_you_mean(&key, known));
        }
    }
}

/// What a value is, with its article.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
