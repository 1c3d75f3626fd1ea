//! Scenarios: every test of one, for every set of data of it.

use super::reading::Reading;
use super::sources::listed;
use super::test::{RawTest, list};
use crate::document::{Node, did_you_mean};

const KEYS: [&str; 3] = ["config", "description", "tests"];

/// The tests of all scenarios. Of each its sets of data come one after the other, each with every test: variables by name,
/// those of the test first; assertions of both.
pub(super) fn tests(reading: &mut Reading, node: &Node) -> Vec<RawTest> {
    let one = std::slice::from_ref(node);
    let items = node.items().unwrap_or(one);
    let scenarios: Vec<Node> = items.iter().flat_map(|item| loaded(reading, item)).collect();
    scenarios.iter().flat_map(|node| scenario(reading, node)).collect()
}

/// A scenario, or those of the files that are named in its place.
fn loaded(reading: &mut Reading, node: &Node) -> Vec<Node> {
    let Some(name) = node.text() else { return vec![node.clone()] };
    let mut found = Vec::new();
    for name in reading.matching(&node.place, name) {
        let Some(document) = reading.document(&node.place, &name) else { continue };
        match document.items() {
            Some(items) => found.extend(items.iter().cloned()),
            None => found.push(document),
        }
    }
    found
}

fn scenario(reading: &mut Reading, node: &Node) -> Vec<RawTest> {
    let Some(fields) = node.fields() else {
        let hint = "a scenario is a map with config and tests";
        reading.wrong(&node.place, "scenarios", format!("a map, not {}", node.kind()), hint);
        return Vec::new();
    };
    for (key, _) in fields.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        reading.wrong(&key.place, &key.text, "is not read here", did_you_mean(&key.text, &KEYS));
    }
    let Some(config) = node.get("config") else {
        let hint = "config: [{vars: {…}}], a set of variables behind each dash";
        reading.wrong(&node.place, "scenarios.config", "is required", hint);
        return Vec::new();
    };
    let data: Vec<RawTest> = list(reading, config, "scenarios.config")
        .iter()
        .map(|item| RawTest::read(reading, item).without_options())
        .collect();
    let tests = match node.get("tests") {
        Some(tests) => listed(reading, tests),
        // Data that is asked as it stands.
        None => vec![RawTest::at(node.place.clone())],
    };
    data.iter().flat_map(|data| tests.iter().map(|test| test.clone().on(data))).collect()
}
