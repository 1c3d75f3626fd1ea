//! `[grader_model]`, and the metrics that it is asked for.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::graders::Asked;
use crate::document::{Reader, Secret, Section};
use crate::evals::engine::Endpoint;
use crate::evals::grader::Grader;
use crate::evals::model_graded::{GraderModel, ModelGraded, PAIR_TEMPLATE, Prompt, PromptFault};
use crate::evals::suite::SuiteMetric;

/// What a metric takes beside the keys of all.
pub(super) const KEYS: [&str; 2] = ["rubric", "prompt"];

const MODEL_KEYS: [&str; 5] = ["url", "model", "key", "timeout", "max_tokens"];

/// The model of a suite. `Absent`: it names none; `Faulty`: what it names is wrong, and was told.
pub(super) enum NamedModel {
    Absent,
    Faulty,
    Named(Arc<GraderModel>),
}

/// Two minutes: a comparison is a few sentences.
const TIMEOUT: Duration = Duration::from_secs(120);

/// As MT-Bench asks.
const TOKENS_MAX: u64 = 2_048;
const TOKENS_END: u64 = 1 << 20;

const TABLE: &str = "grader_model";
const EXAMPLE: &str =
    "[grader_model] with url = \"http://127.0.0.1:8200\" and model = \"NAME\", which is no arm's";

/// Reads the table of the model that grades.
pub(super) fn model(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> NamedModel {
    if root.get(TABLE).is_none() {
        return NamedModel::Absent;
    }
    read(reader, root, folder).map_or(NamedModel::Faulty, |model| NamedModel::Named(Arc::new(model)))
}

fn read(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> Option<GraderModel> {
    let section = reader.table(root, TABLE)?;
    reader.known(&section, &MODEL_KEYS);
    let url = reader.needed(&section, "url", "url = \"http://127.0.0.1:8200\"");
    let model = reader.needed(&section, "model", "model = \"NAME\", the name that it is asked by");
    let model = model.and_then(|item| reader.text(&item));
    let key = section.get("key").map(|item| Secret::reference(reader, &item, folder));
    let timeout = reader.duration(&section, "timeout").unwrap_or(TIMEOUT);
    let tokens_max = section.get("max_tokens").and_then(|item| reader.whole(&item, 1..TOKENS_END));
    let url = url?;
    let endpoint = Endpoint::new(&reader.text(&url)?).map_err(|error| {
        reader.wrong(&url, error.to_string(), "write http://127.0.0.1:8200, or https://…");
    });
    let (endpoint, model, key) = (endpoint.ok()?, model?, key.map_or(Some(None), |key| key.map(Some))?);
    Some(GraderModel { endpoint, model, key, timeout, tokens_max: tokens_max.unwrap_or(TOKENS_MAX) })
}

/// A metric whose answers are compared.
pub(super) fn grader(reader: &mut Reader<'_>, asked: &Asked<'_, '_, '_>) -> Option<Grader> {
    let rubric = reader.needed(asked.table, "rubric", "rubric = \"Which answer is right and complete?\"");
    let rubric = rubric.and_then(|item| reader.text(&item));
    let prompt = prompt(reader, asked);
    match asked.model {
        NamedModel::Named(model) => {
            let graded = ModelGraded::new(Arc::clone(model), prompt?, rubric?);
            return Some(Grader::ModelGraded(Arc::new(graded)));
        }
        NamedModel::Absent => {
            reader.wrong(&asked.item, "no model is named that could compare", format!("write {EXAMPLE}"));
        }
        NamedModel::Faulty => {}
    }
    None
}

/// The prompt that the metric names, or the one that is brought along.
fn prompt(reader: &mut Reader<'_>, asked: &Asked<'_, '_, '_>) -> Option<Prompt> {
    let hint =
        "a template that prints question, rubric, answer_a and answer_b, and asks for [[A]], [[B]] or [[C]]";
    let Some(item) = asked.table.get("prompt") else {
        let built_in = Prompt::new("pair.j2", PAIR_TEMPLATE.to_owned());
        return built_in
            .map_err(|fault| reader.wrong(&asked.item, fault.to_string(), "report this as a bug"))
            .ok();
    };
    let path = asked.folder.join(reader.text(&item)?);
    let file = path.display().to_string();
    let text = fs::read_to_string(&path);
    let text =
        text.map_err(|error| reader.wrong(&item, format!("{file} cannot be read: {error}"), hint)).ok()?;
    Prompt::new(&file, text).map_err(|fault: PromptFault| reader.wrong(&item, fault.to_string(), hint)).ok()
}

/// A model that nothing asks for is a slip: a metric was forgotten, or written by another grader's name.
pub(super) fn used(reader: &mut Reader<'_>, root: &Section<'_, '_>, metrics: &[SuiteMetric]) {
    let is_used = metrics.iter().any(|metric| metric.grader.compares());
    if let Some(item) = root.get(TABLE).filter(|_| !is_used && reader.faults.is_empty()) {
        reader.wrong(&item, "no metric asks for it", "write a [[metric]] with grader = \"model_graded@1\"");
    }
}
