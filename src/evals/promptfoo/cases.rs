//! From tests, variables and prompts to cases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::assertion::{Asked, compile};
use super::grade::{Entry, Test};
use super::prompts::Prompt;
use super::reading::Reading;
use super::template::Vars;
use super::test::RawTest;
use super::vars::combinations;
use crate::document::canonical_json;
use crate::evals::dataset::Case;
use crate::evals::suite::CasePlace;

/// What the tests come to.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) cases: Vec<Case>,
    /// One a case.
    pub(super) places: Vec<CasePlace>,
    /// What cases expect, by their reference.
    pub(super) tests: Arc<HashMap<String, Test>>,
    /// The metrics that assertions feed, in the order in which they first stand.
    pub(super) named: Vec<String>,
}

/// Multiplies everything out. The third test is `test-3`, with its second combination of variables `test-3.2`, and with the
/// second of several prompts `test-3.2/prompt-2`.
pub(super) fn expand(reading: &mut Reading, prompts: &[Prompt], tests: &[RawTest]) -> Expanded {
    let mut expanded = Expanded::default();
    let mut by_reference = HashMap::new();
    for (number, test) in (1..).zip(tests) {
        let all = combinations(reading, test);
        for (at, vars) in (1..).zip(&all) {
            let id = if all.len() > 1 { format!("test-{number}.{at}") } else { format!("test-{number}") };
            let (entries, shown) = entries(reading, test, vars);
            for name in entries.iter().flat_map(Entry::metrics) {
                if !expanded.named.contains(&name) {
                    expanded.named.push(name);
                }
            }
            let reference = (!entries.is_empty()).then(|| canonical_json(&shown));
            let graded = Test { entries, threshold: test.threshold };
            by_reference.extend(reference.clone().map(|reference| (reference, graded)));
            for (index, prompt) in (1..).zip(prompts).filter(|(_, prompt)| is_for(test, prompt)) {
                let several = prompts.len() > 1;
                let around = (test.prefix.as_deref().unwrap_or(""), test.suffix.as_deref().unwrap_or(""));
                match prompt.ask(vars, around) {
                    Ok(ask) => {
                        expanded
                            .places
                            .push(CasePlace { file: Arc::clone(&test.place.file), line: test.place.line });
                        expanded.cases.push(Case {
                            id: if several { format!("{id}/prompt-{index}") } else { id.clone() },
                            ask,
                            references: reference.iter().cloned().collect(),
                            tags: test.tags.clone(),
                            cluster: several.then(|| id.clone()),
                        });
                    }
                    Err(rule) => {
                        let hint =
                            format!("the prompt stands at {}:{}", prompt.place.file, prompt.place.line);
                        reading.wrong(&test.place, "vars", rule, hint);
                    }
                }
            }
        }
    }
    expanded.tests = Arc::new(by_reference);
    expanded
}

/// Whether a test is for a prompt: by its label, which may end in `*`.
fn is_for(test: &RawTest, prompt: &Prompt) -> bool {
    let named = |name: &String| match name.strip_suffix('*') {
        Some(begin) => prompt.label.starts_with(begin),
        None => prompt.label == *name,
    };
    test.prompts.as_ref().is_none_or(|names| names.iter().any(named))
}

/// A test's assertions with its variables filled in, and the same as people read them.
fn entries(reading: &mut Reading, test: &RawTest, vars: &Vars) -> (Vec<Entry>, Value) {
    if let Some(transform) = &test.transform {
        reading.lacks(transform, "transform", "runs code before every assertion of its test");
    }
    let mut entries = Vec::new();
    let mut shown = BTreeMap::from([("threshold", test.threshold.map_or(Value::Null, Value::from))]);
    let mut texts = Vec::new();
    for node in &test.asserts {
        let asked = Asked { node, vars, transformed: test.transform.is_some() };
        if let Some((entry, text)) = compile(reading, &asked) {
            entries.push(entry);
            texts.push(text);
        }
    }
    shown.insert("assert", texts.into());
    if shown["threshold"].is_null() {
        shown.remove("threshold");
    }
    (
        entries,
        shown
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    )
}
