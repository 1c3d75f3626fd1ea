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
    let Some(line) = run.suite.places.metrics.get(own) else { return Vec::new() };
    let wanted: HashMap<&str, &CasePlace> = run
        .suite
        .cases
        .iter()
        .zip(&run.suite.places.cases)
        .filter(|(case, _)| metric.examples.contains(&case.id))
        .map(|(case, place)| (case.id.as_str(), place))
        .collect();
    let cases = metric.examples.iter().filter_map(|id| Some((id, wanted.get(id.as_str())?)));
    let cases = cases.map(|(id, place)| SourceRecord {
        of: id.clone(),
        file: place.file.to_string(),
        line: place.line,
    });
    let metric = SourceRecord { of: metric.name.clone(), file: run.suite.file.clone(), line: *line };
    std::iter::once(metric).chain(cases).collect()
}
