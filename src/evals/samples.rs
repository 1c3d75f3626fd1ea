//! `samples.jsonl`: every answer with its scores, one JSON object a line, for people who want to look.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::latency::Timing;
use super::run::{ArmRun, Sample, Score};
use super::suite::Suite;
use crate::domain::Arm;

/// Writes the samples of one arm. The rows of a `gate` are those of the baseline, then those of the candidate.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_samples(out: &mut impl Write, suite: &Suite, arm: Arm, run: &ArmRun) -> io::Result<()> {
    for (case, samples) in suite.cases.iter().zip(&run.samples) {
        for (repeat, sample) in samples.iter().enumerate() {
            let mut row = Map::new();
            row.insert("suite".to_owned(), json!(suite.name));
            row.insert("id".to_owned(), json!(case.id));
            row.insert("arm".to_owned(), json!(arm.as_str()));
            row.insert("repeat".to_owned(), json!(repeat));
            describe(&mut row, suite, sample);
            serde_json::to_writer(&mut *out, &row)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn describe(row: &mut Map<String, Value>, suite: &Suite, sample: &Sample) {
    let outcome =
        sample.answer.as_ref().map_or_else(|| "lost".to_owned(), |answer| answer.outcome.to_string());
    row.insert("outcome".to_owned(), Value::String(outcome));
    let names = suite.metrics.iter().map(|metric| metric.name.to_string());
    let scores: Map<String, Value> = names.zip(sample.scores.iter().map(score)).collect();
    row.insert("scores".to_owned(), Value::Object(scores));
    let Some(answer) = &sample.answer else { return };
    row.insert("output".to_owned(), json!(answer.text));
    if let Some(calls) = &answer.tool_calls {
        // It was written as JSON; should it be none, the text itself is shown.
        row.insert("tool_calls".to_owned(), serde_json::from_str(calls).unwrap_or_else(|_| json!(calls)));
    }
    let times = Timing::ALL
        .into_iter()
        .filter_map(|timing| Some((timing.metric().to_owned(), json!(timing.of(answer)?))));
    row.insert("timing".to_owned(), Value::Object(times.collect()));
    if let Some(usage) = answer.usage {
        row.insert("output_tokens".to_owned(), json!(usage.completion_tokens));
    }
    if let Some(error) = &answer.error {
        row.insert("error".to_owned(), json!(error));
    }
}

fn score(score: &Score) -> Value {
    match score {
        Score::Value(value) => json!(value),
        Score::NotApplicable | Score::Lost => Value::Null,
    }
}
