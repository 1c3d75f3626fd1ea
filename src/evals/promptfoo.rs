//! promptfoo's configurations as suites: the tests that a team has already, on two arms.
//!
//! Prompts, tests and what they expect are read as promptfoo 0.121.20 reads them; its providers are not asked, because the arms
//! are; the sampling of a single one is kept. What cannot be checked here is an error at its place, with a count of what can; nothing is left out in silence.
//!
//! | assertion | how it is checked | where promptfoo may differ |
//! |---|---|---|
//! | `equals` | the same text; of a map or list, the same JSON | – |
//! | `contains`, `contains-any`, `contains-all`, and each with `i` | a part of the text, case kept or not | – |
//! | `starts-with` | the text begins so | – |
//! | `regex` | found in the text | the `regex` crate: no look-around, no back-references; `\d`, `\w`, `\b` know all scripts |
//! | `is-json` | one JSON value; satisfies the schema, draft 7, formats checked | unknown keywords are let through |
//! | `contains-json` | as `is-json`, of some `{…}` in the text, read as YAML, closed where it breaks off | `//` comments are not read |
//! | `levenshtein` | at most `threshold` edits (5), in UTF-16 units | – |
//! | `bleu` | `calculateBleuScore`: words at white space, lower case, 10⁻⁷ for none in common; at least `threshold` (0.5). Not `bleu@sacrebleu-13a` | – |
//! | `gleu` | `calculateGleuScore`: the lesser of precision and recall of 1- to 4-grams; at least `threshold` (0.5) | – |
//! | `is-refusal` | the phrases of `refusal@1`, or nothing said, which scores 0 all the same | promptfoo has a list of its own, and longer |
//! | `word-count` | words at white space: a number, or `min` and `max` | – |
//! | `finish-reason` | `stop`, `length` or `tool_calls` | other words never hold |
//! | `latency` | milliseconds, at most `threshold` | the clock starts when the request was due; an answer without times leaves its test out |
//! | `assert-set`, `not-`, `weight`, `threshold`, `metric` | as in promptfoo: weighted mean, or all of them | – |
//!
//! Three kinds are not checked: code (`javascript`, `python`, `transform` …), what asks another model (`llm-rubric`, `similar` …),
//! and what a library defines that is not rebuilt here (`rouge-n`, whose words are cut by a dictionary of abbreviations, `meteor`, `is-sql`, `perplexity` …).
//!
//! A `file://` of tests, scenarios, prompts and variables may be a pattern (`*`, `?`, `**`); its files come in the order of their names. A scenario is
//! each of its tests for each of its sets of data.
//!
//! Each test gives 1 or 0 as `success@promptfoo`, the required metric, and its weighted score as `score@promptfoo`; assertions
//! with a `metric` feed one of that name. A test without assertions, which promptfoo lets pass, is no evidence and is not counted.

mod assertion;
mod bleu;
mod cases;
mod check;
mod grade;
mod kinds;
mod prompts;
mod reading;
mod scenarios;
mod sources;
mod table;
mod template;
mod test;
mod vars;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub use grade::PromptfooGrader;

use super::suite::{
    LatencyMargins, Places, RequestSpec, SAMPLING_KEYS, SliceRule, Suite, SuiteMetric, Unsupported,
};
use crate::document::{Fault, Faults, Node};
use cases::{Expanded, expand};
use grade::{Part, Test};
use reading::Reading;

/// Two points of a score, as everywhere where nothing else is said.
const MARGIN: f64 = 0.02;

const REPEATS_MAX: u32 = 1_000;

/// Keys of a configuration that say how promptfoo runs, stores and shows, or whom it asks.
const IGNORED: [&str; 13] = [
    "$schema",
    "commandLineOptions",
    "description",
    "env",
    "metadata",
    "outputPath",
    "providers",
    "redteam",
    "sharing",
    "tags",
    "targets",
    "tracing",
    "writeLatestResults",
];

/// Reads the configuration at `path`, and every file that it names.
///
/// # Errors
/// Everything that is wrong, each at its place; and what cannot be checked, unless that is allowed.
pub(super) fn read(path: &Path, unsupported: Unsupported) -> Result<Suite, Faults> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Fault::unreadable(&file, &error))?;
    let root = Node::parse(&file, &text)?;
    let mut reading = Reading::new(path.parent().unwrap_or(Path::new("")), &text);
    known(&mut reading, &root);
    let prompts = prompts::read(&mut reading, &root);
    let tests = sources::tests(&mut reading, &root);
    let expanded = expand(&mut reading, &prompts, &tests);
    let repeats = repeats(&mut reading, &root);
    let unchecked = reading.settle(&file, unsupported)?;
    let (metrics, lines) = metrics(&root, &expanded);
    Ok(Suite {
        name: path.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned()),
        version: None,
        cases: expanded.cases,
        repeats,
        seed: 1,
        request: request(&root),
        metrics,
        latency: LatencyMargins::default(),
        slices: SliceRule::default(),
        digest: reading.digest(),
        places: Places { metrics: lines, cases: expanded.places, unchecked },
        file,
    })
}

fn known(reading: &mut Reading, root: &Node) {
    const READ: [&str; 6] =
        ["prompts", "tests", "scenarios", "defaultTest", "evaluateOptions", "assertionTemplates"];
    let Some(fields) = root.fields() else {
        let hint = "a configuration of promptfoo has prompts and tests";
        return reading.wrong(&root.place, "", format!("a map of keys, not {}", root.kind()), hint);
    };
    for (key, _) in fields {
        if !READ.contains(&key.text.as_str()) && !IGNORED.contains(&key.text.as_str()) {
            let hint = "take it out, or turn what it does into plain prompts and tests";
            reading.wrong(&key.place, &key.text, "is not read here", hint);
        }
    }
    reading.templates = root.get("assertionTemplates").and_then(Node::fields).unwrap_or_default().to_vec();
}

fn repeats(reading: &mut Reading, root: &Node) -> u32 {
    let Some(item) = root.get("evaluateOptions").and_then(|options| options.get("repeat")) else { return 1 };
    let number = item.json().as_u64().and_then(|repeats| u32::try_from(repeats).ok());
    number.filter(|repeats| (1..=REPEATS_MAX).contains(repeats)).unwrap_or_else(|| {
        let rule = format!("a whole number from 1 to {REPEATS_MAX}");
        reading.wrong(&item.place, "evaluateOptions.repeat", rule, "write a plain number");
        1
    })
}

/// The sampling of the one provider there is. Of several nothing is taken: which of them the arms stand for is not known.
fn request(root: &Node) -> RequestSpec {
    let providers = root.get("providers").or_else(|| root.get("targets"));
    let one = providers
        .and_then(|node| node.items().map_or(Some(node), |items| items.first().filter(|_| items.len() == 1)));
    let config = one.and_then(|provider| provider.get("config")).and_then(Node::fields).unwrap_or_default();
    let sampling = config.iter().filter(|(key, _)| SAMPLING_KEYS.contains(&key.text.as_str()));
    let sampling = sampling.map(|(key, value)| (key.text.clone(), value.json())).collect();
    RequestSpec { sampling, ..RequestSpec::default() }
}

/// The metrics of the tests, with their lines: where the tests stand.
fn metrics(root: &Node, expanded: &Expanded) -> (Vec<SuiteMetric>, HashMap<String, usize>) {
    let tests: Arc<HashMap<String, Test>> = Arc::clone(&expanded.tests);
    let line = root.get("tests").or_else(|| root.get("scenarios")).map_or(1, |node| node.place.line.max(1));
    let metric = |name: &str, part: Part, required| SuiteMetric {
        name: name.into(),
        grader_id: part.id().to_owned(),
        grader: super::grader::Grader::Promptfoo(PromptfooGrader::new(part, Arc::clone(&tests))),
        margin: MARGIN,
        required,
    };
    let mut metrics =
        vec![metric("success@promptfoo", Part::Success, true), metric("score@promptfoo", Part::Score, false)];
    metrics.extend(expanded.named.iter().map(|name| metric(name, Part::Named(name.clone()), false)));
    let lines = metrics.iter().map(|metric| (metric.name.to_string(), line)).collect();
    (metrics, lines)
}

#[cfg(test)]
mod tests;
