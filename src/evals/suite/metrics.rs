//! The `[[metric]]` tables of a suite.

mod graders;
mod model_graded;

use std::path::Path;

use graders::Asked;
use model_graded::NamedModel;

use super::SuiteMetric;
use crate::document::{Item, Reader, Section};
use crate::domain::MetricName;
use crate::evals::dataset::Case;

const KEYS: [&str; 4] = ["grader", "name", "margin", "required"];

/// Reads all metrics. None at all is an empty suite, which is judged invalid and not refused here; but a suite whose
/// metrics are all guards is refused, because it could never pass. Files that options name are taken from `folder`.
pub(super) fn read(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> Vec<SuiteMetric> {
    let Some(item) = root.get("metric") else { return Vec::new() };
    let before = reader.faults.len();
    let Some(tables) = item.list() else {
        reader.wrong(&item, "a list of tables", "write [[metric]] with two brackets");
        return Vec::new();
    };
    let mut metrics: Vec<SuiteMetric> = Vec::new();
    let model = model_graded::model(reader, root, folder);
    for table in tables {
        let Some(metric) = metric(reader, table.clone(), folder, &model) else { continue };
        if metrics.iter().any(|other| other.name == metric.name) {
            let hint = "give one of them a name of its own: name = \"…\"";
            reader.wrong(&table, format!("a second metric called {:?}", metric.name.as_str()), hint);
        }
        metrics.push(metric);
    }
    model_graded::used(reader, root, &metrics);
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

fn metric(
    reader: &mut Reader<'_>,
    item: Item<'_, '_>,
    folder: &Path,
    model: &NamedModel,
) -> Option<SuiteMetric> {
    let Some(table) = item.clone().section() else {
        reader.wrong(&item, "a table", "write [[metric]] and its keys below");
        return None;
    };
    let id = reader.needed(&table, "grader", "grader = \"exact_match@lm-eval\"");
    let margin = reader.needed(&table, "margin", "margin = 0.02, the loss that is tolerated");
    let margin = margin.and_then(|item| reader.fraction(&item));
    let required = table.get("required").and_then(|item| reader.truth(&item)).unwrap_or(false);
    let item = id?;
    let id = reader.text(&item)?;
    let own_name = table.get("name").and_then(|item| reader.text(&item));
    let name = MetricName::new(own_name.clone().unwrap_or_else(|| id.clone()));
    let asked = Asked { table: &table, item, id, name, folder, model };
    let grader = graders::grader(reader, &asked)?;
    let grader_id = grader.id(asked.id);
    let name = own_name.map_or_else(|| MetricName::new(grader_id.clone()), MetricName::new);
    Some(SuiteMetric { name, grader_id, grader, margin: margin?, required })
}

/// Notes, for each metric, the first reference that no answer could agree with. They were found in the dataset at `item`.
pub(super) fn check(reader: &mut Reader<'_>, metrics: &[SuiteMetric], cases: &[Case], item: &Item<'_, '_>) {
    for SuiteMetric { name, grader, .. } in metrics {
        let faulty = cases.iter().find_map(|case| {
            let fault = case.references.iter().find_map(|reference| grader.fault(reference))?;
            Some((&case.id, fault))
        });
        if let Some((id, fault)) = faulty {
            let rule = format!("the reference of case {id:?} {fault}, which {name} needs");
            reader.wrong(item, rule, "references are texts: JSON goes into one, with its quotes escaped");
        }
    }
}
