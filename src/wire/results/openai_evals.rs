//! Logs of OpenAI's evals (`oaieval --record_path`): one event a line.
//!
//! `match` events give the metric `correct`, `metrics` events whatever they hold. The first `sampling` event of a sample
//! says what was asked. A sample that sampled or failed and was never graded lost its values.

use std::collections::HashMap;

use serde_json::Value;

use super::ResultsAsk;
use super::item::{Ids, Item, asked, each, fill, lines};
use crate::document::canonical_json;
use crate::wire::ScoreRow;
use crate::wire::rows::RowFault;

const HINT: &str = "a log is what oaieval --record_path writes";

/// The metric of a `match` event.
const CORRECT: &str = "correct";

/// The events of a sample are one case.
pub(super) fn read(bytes: &[u8], ask: &ResultsAsk<'_>) -> Result<Vec<ScoreRow>, Vec<RowFault>> {
    let mut log = Log::default();
    each(lines(bytes), |item| if item.get("type").is_some() { log.event(&item, ask) } else { Ok(()) })?;
    fill(&mut log.rows);
    Ok(log.rows)
}

#[derive(Default)]
struct Log {
    ids: Ids,
    rows: Vec<ScoreRow>,
    /// Where in `rows` a sample stands.
    index: HashMap<String, usize>,
}

impl Log {
    /// Takes what an event says. Events without a sample are about the run.
    fn event(&mut self, item: &Item, ask: &ResultsAsk<'_>) -> Result<(), RowFault> {
        let kind = item.text("type", HINT)?;
        if item.get("sample_id").is_none() && !matches!(kind, "match" | "metrics") {
            return Ok(());
        }
        let sample = item.text("sample_id", HINT)?;
        let scores = match kind {
            "match" => item.scores(ask, [(CORRECT.to_owned(), self.graded(sample, kind, item)?)])?,
            "metrics" => {
                let data = item.required("data", HINT)?.as_object();
                let mut scores = Vec::new();
                for (name, value) in data.into_iter().flatten() {
                    self.ids.note(&format!("{sample}: {name}"), "sample_id", item)?;
                    scores.extend(item.scores(ask, [(name.clone(), value)])?);
                }
                scores
            }
            _ => Vec::new(),
        };
        let row = self.row(sample);
        row.scores.extend(scores);
        if kind == "sampling" && row.asked.is_none() {
            let prompt = item.required("data", HINT)?.get("prompt").map(canonical_json);
            row.asked = prompt.and_then(|prompt| asked(&[&prompt]));
        }
        Ok(())
    }

    /// What a `match` event found, the only one of its sample.
    fn graded<'i>(&mut self, sample: &str, kind: &str, item: &'i Item) -> Result<&'i Value, RowFault> {
        self.ids.note(&format!("{sample}: {kind}"), "sample_id", item)?;
        let correct = item.required("data", HINT)?.get(CORRECT);
        correct.ok_or_else(|| item.wrong("data.correct", "is required", HINT))
    }

    fn row(&mut self, sample: &str) -> &mut ScoreRow {
        let next = self.rows.len();
        let index = *self.index.entry(sample.to_owned()).or_insert(next);
        if index == next {
            self.rows.push(ScoreRow { id: sample.to_owned(), ..ScoreRow::default() });
        }
        &mut self.rows[index]
    }
}
