//! Tests in a CSV file: a column is a variable, `__expected…` an assertion in one text.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::kinds;
use super::reading::Reading;
use super::sources::text_node;
use super::test::RawTest;
use crate::document::{Node, Place};

/// `not-`, type, threshold in brackets, value. A constant; a test compiles it.
static EXPECTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)^((?:not-)?([a-z]+(?:-[a-z0-9]+)*(?::(?:cosine|dot|euclidean))?))(?:\((-?\d+(?:\.\d+)?)\))?(?::(.*))?$").ok()
});

/// What a threshold is where none is given, of assertions that take one.
const THRESHOLD: f64 = 0.75;

/// Reads the table that `name` names, from `place`.
pub(super) fn read(reading: &mut Reading, place: &Place, name: &str) -> Vec<RawTest> {
    let Some((file, text)) = reading.file(place, name) else { return Vec::new() };
    let mut table = csv::ReaderBuilder::new().from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let whole = Place::whole(&file);
    let hint = "the first line names the columns, and every line has as many";
    let columns: Vec<String> = match table.headers() {
        Ok(columns) => columns.iter().map(|column| column.trim().to_owned()).collect(),
        Err(error) => {
            reading.push(whole.fault("", error.to_string(), hint));
            return Vec::new();
        }
    };
    let mut tests = Vec::new();
    for record in table.records() {
        match record {
            Ok(record) => {
                let line =
                    record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
                let place = Place { line, column: 1, ..whole.clone() };
                let cells = columns.iter().map(String::as_str).zip(record.iter());
                tests.push(row(reading, &place, cells));
            }
            Err(error) => {
                let line = error.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
                reading.push(Place { line, column: 1, ..whole.clone() }.fault("", error.to_string(), hint));
            }
        }
    }
    tests
}

/// One row. The place of what stands in a cell is its line and the number of its column.
fn row<'c>(reading: &mut Reading, place: &Place, cells: impl Iterator<Item = (&'c str, &'c str)>) -> RawTest {
    let mut test = RawTest::at(place.clone());
    let mut metric = None;
    let mut expected: Vec<(Place, Map<String, Value>)> = Vec::new();
    let mut thresholds: Vec<(usize, f64)> = Vec::new();
    for (at, (column, cell)) in (1..).zip(cells) {
        let place = Place { column: at, ..place.clone() };
        match column {
            "__prefix" => test.prefix = Some(cell.to_owned()),
            "__suffix" => test.suffix = Some(cell.to_owned()),
            "__description" => {}
            "__metric" => metric = Some(cell.trim().to_owned()).filter(|name| !name.is_empty()),
            "__threshold" => test.threshold = threshold(reading, &place, column, cell),
            _ if column.starts_with("__expected") => {
                if !cell.trim().is_empty() {
                    expected.push((place, assertion(cell.trim())));
                }
            }
            _ if column.starts_with("__config:__expected") => {
                let number = column.trim_start_matches("__config:__expected").trim_end_matches(":threshold");
                let index = number.parse::<usize>().map_or(0, |number| number.saturating_sub(1));
                thresholds.extend(threshold(reading, &place, column, cell).map(|value| (index, value)));
            }
            _ if column.starts_with("__metadata:") => {
                test.tags.push(format!("{}:{cell}", &column["__metadata:".len()..]))
            }
            _ if column.starts_with("__") => {
                reading.wrong(
                    &place,
                    column,
                    "is not read here",
                    "take the column out, or name a variable otherwise",
                );
            }
            variable => test.vars.push((variable.to_owned(), text_node(&place, cell))),
        }
    }
    for (index, (place, mut fields)) in expected.into_iter().enumerate() {
        fields.extend(metric.iter().map(|name| ("metric".to_owned(), json!(name))));
        let own = thresholds.iter().find(|(at, _)| *at == index);
        fields.extend(own.map(|(_, value)| ("threshold".to_owned(), json!(value))));
        test.asserts.push(Node::of_json(&place, Value::Object(fields)));
    }
    test
}

fn threshold(reading: &mut Reading, place: &Place, column: &str, cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let number = cell.parse().ok().filter(|number: &f64| number.is_finite());
    if number.is_none() && !cell.is_empty() {
        reading.wrong(place, column, format!("a number, not {cell:?}"), "write 0.5, or nothing");
    }
    number
}

/// What a text expects: `type(threshold):value`, and anything that does not begin with a type is the text itself.
fn assertion(text: &str) -> Map<String, Value> {
    let fields = |value: Value| value.as_object().cloned().unwrap_or_default();
    for (begin, kind) in [
        ("javascript:", "javascript"),
        ("fn:", "javascript"),
        ("eval:", "javascript"),
        ("grade:", "llm-rubric"),
    ] {
        if let Some(value) = text.strip_prefix(begin) {
            return fields(json!({ "type": kind, "value": value }));
        }
    }
    if text.starts_with("file://") && text.contains(".py") {
        return fields(json!({ "type": "python", "value": text }));
    }
    let found = EXPECTED.as_ref().and_then(|expected| expected.captures(text));
    let part = |at| found.as_ref().and_then(|found| found.get(at)).map(|part| part.as_str());
    let Some(kind) = part(1).filter(|_| part(2).is_some_and(kinds::is_known)) else {
        return fields(json!({ "type": "equals", "value": text }));
    };
    let mut read = fields(json!({ "type": kind }));
    read.extend(part(4).map(|value| ("value".to_owned(), json!(value.trim()))));
    if matches!(part(2), Some("latency" | "levenshtein" | "starts-with" | "rouge-n" | "similar" | "cost")) {
        let threshold = part(3).and_then(|number| number.parse().ok()).unwrap_or(THRESHOLD);
        read.insert("threshold".to_owned(), json!(threshold));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(Value::Object(assertion(text)), expected, "{text}");
    }

    #[test]
    fn a_cell_is_an_assertion_or_the_text_itself() {
        check("Paris", json!({"type": "equals", "value": "Paris"}));
        check("Note: it rains", json!({"type": "equals", "value": "Note: it rains"}));
        check("contains: Paris", json!({"type": "contains", "value": "Paris"}));
        check("not-icontains:ai", json!({"type": "not-icontains", "value": "ai"}));
        check("is-json", json!({"type": "is-json"}));
        check("levenshtein(3):Paris", json!({"type": "levenshtein", "value": "Paris", "threshold": 3.0}));
        check("levenshtein:Paris", json!({"type": "levenshtein", "value": "Paris", "threshold": 0.75}));
        check("grade: is kind", json!({"type": "llm-rubric", "value": " is kind"}));
        check("fn:output.length", json!({"type": "javascript", "value": "output.length"}));
        check("regex:^a\nb", json!({"type": "regex", "value": "^a\nb"}));
    }
}
