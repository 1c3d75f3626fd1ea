//! Variables multiplied out: a list of texts is several tests.

use serde_json::Value;

use super::reading::{Reading, extension};
use super::template::{Vars, fill};
use super::test::RawTest;
use crate::document::Node;

/// Combinations of one test. More is a slip, and would be asked of both arms.
const COMBINATIONS_MAX: usize = 10_000;

/// Every combination of the values of a test's variables, the last one varying fastest. Only a list that begins with a text is
/// several values; so is a pattern that several files match.
pub(super) fn combinations(reading: &mut Reading, test: &RawTest) -> Vec<Vars> {
    let mut all = vec![Vars::new()];
    for (name, node) in &test.vars {
        let one = std::slice::from_ref(node);
        let several = node
            .items()
            .filter(|items| !test.keeps_lists && items.first().is_some_and(|first| first.text().is_some()));
        let values: Vec<Value> = match (several, named(node)) {
            (None, Some(name)) => {
                let files = reading.matching(&node.place, name);
                files.iter().filter_map(|name| of_file(reading, node, name)).collect()
            }
            (several, _) => several.unwrap_or(one).iter().filter_map(|node| value(reading, node)).collect(),
        };
        if all.len().saturating_mul(values.len()) > COMBINATIONS_MAX {
            let rule = format!("more than {COMBINATIONS_MAX} combinations of variables");
            reading.wrong(&test.place, "vars", rule, "take lists out, or write tests");
            return Vec::new();
        }
        let with = |vars: &Vars, value: &Value| {
            let mut vars = vars.clone();
            vars.insert(name.clone(), value.clone());
            vars
        };
        all = all.iter().flat_map(|vars| values.iter().map(move |value| with(vars, value))).collect();
    }
    all.into_iter().map(|vars| filled(&vars)).collect()
}

/// A value, read from its file when it names one.
fn value(reading: &mut Reading, node: &Node) -> Option<Value> {
    match named(node) {
        Some(name) => of_file(reading, node, name),
        None => Some(node.json()),
    }
}

fn named(node: &Node) -> Option<&str> {
    node.text().filter(|text| text.starts_with("file://"))
}

fn of_file(reading: &mut Reading, node: &Node, name: &str) -> Option<Value> {
    match extension(name) {
        Some("yaml" | "yml") => {
            reading.document(&node.place, name).map(|node| node.json().to_string().into())
        }
        _ => reading.file(&node.place, name).map(|(_, text)| text.trim().into()),
    }
}

/// Variables may name others; what does not, or is no plain name, stays as it is.
fn filled(vars: &Vars) -> Vars {
    let own = |value: &Value| match value {
        Value::String(text) if text.contains("{{") => {
            fill(text, vars).map_or_else(|_| value.clone(), Value::String)
        }
        other => other.clone(),
    };
    vars.iter().map(|(name, value)| (name.clone(), own(value))).collect()
}
