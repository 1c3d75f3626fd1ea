//! The `[[metric]]` tables of a suite.

use std::sync::Arc;

use regex::Regex;

use super::SuiteMetric;
use crate::document::{Item, Reader, Section, did_you_mean};
use crate::domain::MetricName;
use crate::evals::embedder::Embedder;
use crate::evals::grader::{ExactMatch, Grader, NumberFilter, NumberMatch};
use crate::wire::LiveGrader;

const KEYS: [&str; 4] = ["grader", "name", "margin", "required"];
const EXACT_KEYS: [&str; 4] = ["regexes_to_ignore", "ignore_case", "ignore_punctuation", "ignore_numbers"];
const PATTERN_KEYS: [&str; 1] = ["pattern"];

/// Reads all metrics. None at all is an empty suite, which is judged invalid and not refused here; but a suite whose
/// metrics are all guards is refused, because it could never pass.
pub(super) fn read(reader: &mut Reader<'_>, root: &Section<'_, '_>) -> Vec<SuiteMetric> {
    let Some(item) = root.get("metric") else { return Vec::new() };
    let before = reader.faults.len();
    let Some(tables) = item.list() else {
        reader.wrong(&item, "a list of tables", "write [[metric]] with two brackets");
        return Vec::new();
    };
    let mut metrics: Vec<SuiteMetric> = Vec::new();
    for table in tables {
        let Some(metric) = metric(reader, table.clone()) else { continue };
        if metrics.iter().any(|other| other.name == metric.name) {
            let hint = "give one of them a name of its own: name = \"…\"";
            reader.wrong(&table, format!("a second metric called {:?}", metric.name.as_str()), hint);
        }
        metrics.push(metric);
    }
    let sound = reader.faults.len() == before;
    if sound && !metrics.is_empty() && !metrics.iter().any(|metric| metric.required) {
        reader.wrong(
            &item,
            "no metric is required, so nothing could pass",
            "add required = true to what must pass",
        );
    }
    metrics
}

fn metric(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Option<SuiteMetric> {
    let Some(table) = item.clone().section() else {
        reader.wrong(&item, "a table", "write [[metric]] and its keys below");
        return None;
    };
    let id = reader.needed(&table, "grader", "grader = \"exact_match@lm-eval\"");
    let margin = reader.needed(&table, "margin", "margin = 0.02, the loss that is tolerated");
    let margin = margin.and_then(|item| reader.fraction(&item));
    let required = table.get("required").and_then(|item| reader.truth(&item)).unwrap_or(false);
    let id = id?;
    let grader_id = reader.text(&id)?;
    let name = table.get("name").and_then(|item| reader.text(&item)).unwrap_or_else(|| grader_id.clone());
    let name = MetricName::new(name);
    let grader = grader(reader, &table, &id, &grader_id, &name)?;
    Some(SuiteMetric { name, grader, margin: margin?, required })
}

fn grader(
    reader: &mut Reader<'_>,
    table: &Section<'_, '_>,
    id: &Item<'_, '_>,
    grader_id: &str,
    name: &MetricName,
) -> Option<Grader> {
    let options: &[&str] = match grader_id {
        "exact_match@lm-eval" => &EXACT_KEYS,
        "regex@1" => &PATTERN_KEYS,
        _ => &[],
    };
    reader.known(table, &[&KEYS, options].concat());
    match grader_id {
        "exact_match@lm-eval" => Some(Grader::Exact(exact(reader, table))),
        "number@gsm8k-strict" => number(reader, id, NumberFilter::Strict),
        "number@gsm8k-flexible" => number(reader, id, NumberFilter::Flexible),
        "similarity@levenshtein" => Some(Grader::Levenshtein),
        "similarity@cosine" => cosine(reader, id),
        "non_empty@1" => pattern(reader, id, name, r"\S"),
        "regex@1" => {
            let item = reader.needed(table, "pattern", "pattern = '(?m)^A: -?[0-9]'")?;
            let text = reader.text(&item)?;
            pattern(reader, &item, name, &text)
        }
        _ => {
            let rule = format!("there is no grader {grader_id:?}");
            reader.wrong(id, rule, did_you_mean(grader_id, &Grader::IDS));
            None
        }
    }
}

fn exact(reader: &mut Reader<'_>, table: &Section<'_, '_>) -> ExactMatch {
    let [_, case, punctuation, numbers] = EXACT_KEYS;
    let mut flag = |key| table.get(key).and_then(|item| reader.truth(&item)).unwrap_or(false);
    let (ignore_case, ignore_punctuation, ignore_numbers) = (flag(case), flag(punctuation), flag(numbers));
    let regexes_to_ignore =
        table.get("regexes_to_ignore").map(|item| patterns(reader, &item)).unwrap_or_default();
    ExactMatch { regexes_to_ignore, ignore_case, ignore_punctuation, ignore_numbers }
}

fn patterns(reader: &mut Reader<'_>, item: &Item<'_, '_>) -> Vec<Regex> {
    let Some(items) = item.list() else {
        reader.wrong(item, "an array of patterns", "regexes_to_ignore = ['the ']");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| {
            let text = reader.text(item)?;
            Regex::new(&text).map_err(|error| reader.wrong(item, error.to_string(), PATTERN_HINT)).ok()
        })
        .collect()
}

const PATTERN_HINT: &str = "the syntax of the regex crate; 'single quotes' keep backslashes";

fn number(reader: &mut Reader<'_>, id: &Item<'_, '_>, filter: NumberFilter) -> Option<Grader> {
    let number = NumberMatch::new(filter).map_err(|error| reader.wrong(id, error.to_string(), PATTERN_HINT));
    number.ok().map(Grader::Number)
}

fn cosine(reader: &mut Reader<'_>, id: &Item<'_, '_>) -> Option<Grader> {
    let embedder =
        Embedder::built_in().map_err(|error| reader.wrong(id, error.to_string(), "report this as a bug"));
    embedder.ok().map(|embedder| Grader::Cosine(Arc::new(embedder)))
}

fn pattern(reader: &mut Reader<'_>, item: &Item<'_, '_>, name: &MetricName, text: &str) -> Option<Grader> {
    let grader = LiveGrader::new(name.clone(), text)
        .map_err(|error| reader.wrong(item, error.to_string(), PATTERN_HINT));
    grader.ok().map(Grader::Pattern)
}
