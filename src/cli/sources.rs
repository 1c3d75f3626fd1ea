//! Where what a gate judged is written, and what of an imported suite nobody checked: added to its verdict.

use std::collections::HashMap;

use crate::evals::{CasePlace, GoldenRun};
use crate::wire::{CheckRecord, CheckWord, MetricRecord, SourceRecord, VerdictRecord};

/// The verdict over `runs` with its sources.
pub(super) fn located(mut record: VerdictRecord, runs: &[GoldenRun]) -> VerdictRecord {
    let several = runs.len() > 1;
    for run in runs {
        let prefix = if several { format!("{}/", run.suite.name) } else { String::new() };
        for metric in &mut record.metrics {
            if let Some(own) = metric.name.strip_prefix(&prefix).map(str::to_owned) {
                metric.sources.extend(sources(run, metric, &own));
            }
        }
        record.checks.extend(run.suite.places.unchecked.as_ref().map(|report| CheckRecord {
            name: "assertions".to_owned(),
            state: CheckWord::Unknown,
            text: Some(format!("{}: {report}", run.suite.file)),
        }));
    }
    record
}

/// The line of the metric called `own` in its suite, and those of the cases that speak loudest.
fn sources(run: &GoldenRun, metric: &MetricRecord, own: &str) -> Vec<SourceRecord> {
    // What is judged beside a metric, `NAME:unparsable`, is asked for where the metric is.
    let lines = &run.suite.places.metrics;
    let line = lines.get(own).or_else(|| lines.get(own.rsplit_once(':')?.0));
    let Some(line) = line else { return Vec::new() };
    let wanted: HashMap<&str, &CasePlace> = run
        .suite
        .cases
        .iter()
        .zip(&run.suite.places.cases)
        .filter(|(case, _)| metric.examples.contains(&case.id))
        .map(|(case, place)| (case.id.as_str(), place))
        .collect();
    let cases = metric.examples.iter().filter_map(|id| Some((id, wanted.get(id.as_str())?)));
    let cases =
        cases.map(|(id, place)| SourceRecord { of: id.clone(), file: plain(&place.file), line: place.line });
    let metric = SourceRecord { of: metric.name.clone(), file: plain(&run.suite.file), line: *line };
    std::iter::once(metric).chain(cases).collect()
}

/// A path without steps back and forth, as whoever shows the file looks for it.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            (".", _) => {}
            ("..", Some(last)) if !matches!(*last, "" | "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(plain(path), expected);
    }

    #[test]
    fn a_path_is_told_without_steps_back() {
        check("eval-suites/../datasets/./cases.jsonl", "datasets/cases.jsonl");
        check("./suite.toml", "suite.toml");
        check("../a/b/../c", "../a/c");
        check("../../a", "../../a");
        check("/x/../y", "/y");
    }
}
