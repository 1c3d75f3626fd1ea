//! Where tests come from: the configuration, or files of YAML, JSON, JSON Lines and CSV.

use serde_json::Value;

use super::reading::{Reading, extension};
use super::scenarios;
use super::table;
use super::test::RawTest;
use crate::document::{Node, Place, Tree};

const HINT: &str = "a list of tests, or file://NAME of a .yaml, .json, .jsonl or .csv";

/// All tests, on top of the default test.
pub(super) fn tests(reading: &mut Reading, root: &Node) -> Vec<RawTest> {
    let default = default(reading, root);
    let (tests, scenarios) = (root.get("tests"), root.get("scenarios"));
    if tests.is_none() && scenarios.is_none() {
        reading.wrong(&root.place, "tests", "is required", HINT);
    }
    let mut all = tests.map(|node| listed(reading, node)).unwrap_or_default();
    all.extend(scenarios.map(|node| scenarios::tests(reading, node)).unwrap_or_default());
    all.into_iter().map(|test| test.over(&default)).collect()
}

/// The tests of a list, or of the file that is named in its place.
pub(super) fn listed(reading: &mut Reading, node: &Node) -> Vec<RawTest> {
    let one = std::slice::from_ref(node);
    let sources = node.items().unwrap_or(one);
    sources.iter().flat_map(|source| source_tests(reading, source)).collect()
}

fn default(reading: &mut Reading, root: &Node) -> RawTest {
    let Some(node) = root.get("defaultTest") else { return RawTest::at(root.place.clone()) };
    let loaded = node.text().and_then(|name| reading.document(&node.place, name));
    RawTest::read(reading, loaded.as_ref().unwrap_or(node))
}

/// The tests of one item of the list: a test, or the name of a file or a map with its `path`.
fn source_tests(reading: &mut Reading, node: &Node) -> Vec<RawTest> {
    let name = node.text().or_else(|| node.get("path")?.text());
    let Some(name) = name.map(|name| name.split('#').next().unwrap_or(name)) else {
        return vec![RawTest::read(reading, node)];
    };
    let files = reading.matching(&node.place, name);
    files.iter().flat_map(|name| file_tests(reading, node, name)).collect()
}

fn file_tests(reading: &mut Reading, node: &Node, name: &str) -> Vec<RawTest> {
    match extension(name) {
        Some("csv") => table::read(reading, &node.place, name),
        Some("jsonl") => lines(reading, &node.place, name),
        Some("yaml" | "yml" | "json") => {
            let Some(document) = reading.document(&node.place, name) else { return Vec::new() };
            let one = std::slice::from_ref(&document);
            document.items().unwrap_or(one).iter().map(|test| RawTest::read(reading, test)).collect()
        }
        // Says why a file of code or one that is not there is none.
        _ => {
            if reading.file(&node.place, name).is_some() {
                reading.wrong(&node.place, "tests", format!("{name} is no file of tests"), HINT);
            }
            Vec::new()
        }
    }
}

/// A test a line. Whatever stands on a line has that line for its place.
fn lines(reading: &mut Reading, place: &Place, name: &str) -> Vec<RawTest> {
    let Some((file, text)) = reading.file(place, name) else { return Vec::new() };
    let full = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty());
    let mut tests = Vec::new();
    for (line, text) in full {
        let place = Place { line, column: 1, ..Place::whole(&file) };
        match serde_json::from_str::<Value>(text) {
            Ok(value) => tests.push(RawTest::read(reading, &Node::of_json(&place, value))),
            Err(error) => reading.push(Place { column: error.column(), ..place }.fault(
                "",
                format!("not a test: {error}"),
                "each line is one JSON object and nothing else",
            )),
        }
    }
    tests
}

/// A text at a place.
pub(super) fn text_node(place: &Place, text: &str) -> Node {
    Node { place: place.clone(), tree: Tree::Text(text.to_owned()) }
}
