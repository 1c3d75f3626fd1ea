//! Which tool wrote a file.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::{guidellm, inspect, lm_eval, openai_evals, promptfoo, vllm};
use crate::wire::rows::{RowFault, without_place};
use crate::wire::{ScoreRow, read_scores};

/// What is wanted of a file of results.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResultsAsk<'a> {
    /// The metrics that are read; all when none is named.
    pub metrics: &'a [String],
    /// Whose answers, where a file holds those of several providers.
    pub provider: Option<&'a str>,
}

impl ResultsAsk<'_> {
    pub(super) fn wants(&self, metric: &str) -> bool {
        self.metrics.is_empty() || self.metrics.iter().any(|wanted| wanted == metric)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Rows of our own; also whatever is not known, because its reader says best what a row is.
    Scores,
    LmEval,
    OpenAiEvals,
    Promptfoo,
    Inspect,
    Guidellm,
    Vllm,
    /// Totals, without a row for every request.
    VllmTotals,
}

/// Reads the results in `bytes`: rows of scores, samples of lm-evaluation-harness, results of promptfoo, a log of inspect,
/// a log of OpenAI's evals, a report of guidellm, or the detailed times of vLLM's benchmark.
///
/// # Errors
/// Everything that is wrong, each at its line; never an empty list.
pub fn read_results(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let format = Format::of(bytes).map_err(|fault| vec![fault])?;
    if let (Some(name), true) = (ask.provider, format != Format::Promptfoo) {
        let rule = format!("provider {name:?} is asked for, and the file names no providers");
        return Err(vec![of_file(rule, "only results of promptfoo hold several; leave the option out")]);
    }
    let read = match format {
        Format::Scores => read_scores(bytes, ask.metrics),
        Format::LmEval => lm_eval::read(bytes, ask),
        Format::OpenAiEvals => openai_evals::read(bytes, ask),
        Format::Promptfoo => promptfoo::read(bytes, ask),
        Format::Inspect => inspect::read(bytes, ask),
        Format::Vllm => vllm::read(bytes, ask),
        Format::VllmTotals => Err(vec![of_file(
            "totals of a benchmark say nothing of single requests".to_owned(),
            "run it again with --save-detailed",
        )]),
        Format::Guidellm => guidellm::read(bytes, ask),
    };
    read.map(clustered)
}

/// Answers to one and the same question stand or fall together: epochs, repeats, a question that comes twice.
fn clustered(mut rows: Vec<ScoreRow>) -> Vec<ScoreRow> {
    let mut times = HashMap::<String, usize>::new();
    for asked in rows.iter().filter_map(|row| row.asked.clone()) {
        *times.entry(asked).or_default() += 1;
    }
    for row in rows.iter_mut().filter(|row| row.cluster.is_none()) {
        row.cluster = row.asked.clone().filter(|asked| times[asked] > 1);
    }
    rows
}

/// A fault of the file as a whole.
pub(super) const fn of_file(rule: String, hint: &'static str) -> RowFault {
    RowFault { line: 1, column: 0, key: String::new(), rule, hint }
}

impl Format {
    fn of(bytes: &[u8]) -> Result<Self, RowFault> {
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        match keys(lines.next().unwrap_or_default()) {
            Ok(keys) => Ok(Self::with(&keys)),
            // A value that goes on after the line's end is one over the whole file.
            Err(error) if error.is_eof() && lines.next().is_some() => {
                match Self::with(&keys(bytes).map_err(|error| broken(&error))?) {
                    Self::Scores => Err(of_file(
                        "a JSON document of no tool that is known".to_owned(),
                        "write one object a line: an id, and numbers, true or false by metric",
                    )),
                    known => Ok(known),
                }
            }
            Err(_) => Ok(Self::Scores),
        }
    }

    fn with(keys: &HashMap<String, IgnoredAny>) -> Self {
        let all = |wanted: &[&str]| wanted.iter().all(|key| keys.contains_key(*key));
        match () {
            () if all(&["id"]) => Self::Scores,
            () if all(&["doc_id"]) => Self::LmEval,
            () if all(&["spec"]) || all(&["run_id", "event_id", "type"]) => Self::OpenAiEvals,
            () if all(&["results", "evalId"]) => Self::Promptfoo,
            () if all(&["eval", "status"]) => Self::Inspect,
            () if all(&["benchmarks", "metadata"]) => Self::Guidellm,
            () if all(&["input_lens", "ttfts"]) => Self::Vllm,
            () if all(&["mean_ttft_ms"]) => Self::VllmTotals,
            () => Self::Scores,
        }
    }
}

fn keys(text: &[u8]) -> serde_json::Result<HashMap<String, IgnoredAny>> {
    serde_json::from_slice(text)
}

/// A fault of a file that is one JSON value.
pub(super) fn broken(error: &serde_json::Error) -> RowFault {
    let hint =
        "a file is one JSON value or one object a line; what is not a number (NaN, inf) is written as null";
    let (rule, key) = (format!("not JSON of a known kind: {}", without_place(error)), String::new());
    RowFault { line: error.line(), column: error.column(), key, rule, hint }
}
