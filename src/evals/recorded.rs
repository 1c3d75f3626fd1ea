//! Recorded answers: an arm that answered earlier, read from a file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::rows::{self, Row};
use crate::document::{Fault, Faults, canonical_json};
use crate::domain::{Clocks, Finish, Outcome};
use crate::wire::{Answer, Usage};

/// The answers of one file, by case id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedAnswers {
    file: String,
    digest: String,
    /// Shared: every suite of a gate reads them.
    answers: Arc<HashMap<String, Answer>>,
}

const KEYS: [&str; 6] = ["id", "output", "finish_reason", "tool_calls", "usage", "timing"];
const FINISHES: &str = "one of stop, length, tool_calls, abort, or absent";

impl RecordedAnswers {
    /// Reads a file of rows `{"id", "output", "finish_reason"?, "tool_calls"?, "usage"?, "timing"?}`. A row without
    /// `finish_reason` counts as ended by the model.
    ///
    /// # Errors
    /// Every bad row, with its line.
    pub fn read(path: &Path) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Fault::unreadable(&file, &error))?;
        let digest = blake3::hash(&bytes).to_hex()[..16].to_owned();
        let answers: HashMap<_, _> = rows::parse(&file, &bytes, &KEYS, answer)?.into_iter().collect();
        Ok(Self { file, digest, answers: Arc::new(answers) })
    }

    /// Tells the content of the file from any other.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Every answer with its case id, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.answers.iter().map(|(id, answer)| (id.as_str(), answer))
    }

    /// The answer to a case; `None`: none was recorded, and the half is missing.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Answer> {
        self.answers.get(id)
    }

    /// Whether any answer carries times.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.answers
            .values()
            .any(|answer| answer.clocks.first_token_ms.is_some() || answer.clocks.end_ms > 0.0)
    }
}

fn answer(row: &mut Row<'_>, id: String) -> Option<(String, Answer)> {
    let text = output(row)?;
    let outcome = outcome(row)?;
    let mut usage = object(row, "usage").map(|usage| Usage {
        prompt_tokens: count(&usage, "prompt_tokens").unwrap_or(0),
        completion_tokens: count(&usage, "completion_tokens").unwrap_or(0),
        cached_tokens: None,
    });
    let timing = object(row, "timing").unwrap_or_default();
    if let Some(tokens) = count(&timing, "output_tokens") {
        usage.get_or_insert_default().completion_tokens = tokens;
    }
    let clocks = clocks(row, &timing);
    let tool_calls = tool_calls(row);
    let (fingerprint, error) = (None, None);
    Some((id, Answer { outcome, clocks, text, tool_calls, usage, fingerprint, token_chunks: 0, error }))
}

fn output(row: &mut Row<'_>) -> Option<String> {
    if !row.has("output") {
        row.wrong("output", "is required", "an answer without text is written as \"output\": \"\"");
    }
    row.text("output")
}

fn outcome(row: &mut Row<'_>) -> Option<Outcome> {
    if !row.has("finish_reason") {
        return Some(Outcome::Complete(Finish::Stop));
    }
    let finish = row.text("finish_reason")?;
    let outcome = match finish.as_str() {
        "stop" => Outcome::Complete(Finish::Stop),
        "length" => Outcome::Complete(Finish::Length),
        "tool_calls" => Outcome::Complete(Finish::ToolCalls),
        "abort" => Outcome::Aborted,
        other => {
            row.wrong("finish_reason", format!("{FINISHES}, not {other:?}"), "the words of the OpenAI API");
            return None;
        }
    };
    Some(outcome)
}

/// The calls as JSON, bare or as the OpenAI API nests them; what they are made of is the graders' to read.
fn tool_calls(row: &mut Row<'_>) -> Option<String> {
    let calls = row.take("tool_calls")?;
    match calls.as_array() {
        Some(list) if list.is_empty() => None,
        Some(_) => Some(canonical_json(&calls)),
        None => {
            let rule = format!("an array, not {}", rows::kind(&calls));
            row.wrong("tool_calls", rule, "[{\"name\": \"…\", \"arguments\": {…}}]");
            None
        }
    }
}

fn object(row: &mut Row<'_>, key: &str) -> Option<Map<String, Value>> {
    match row.take(key)? {
        Value::Object(object) => Some(object),
        other => {
            row.wrong(
                key,
                format!("an object, not {}", rows::kind(&other)),
                "see the format of recorded answers",
            );
            None
        }
    }
}

fn clocks(row: &mut Row<'_>, timing: &Map<String, Value>) -> Clocks {
    let mut time = |key: &str| {
        let value = timing.get(key).filter(|value| !value.is_null())?;
        let ms = value.as_f64().filter(|ms| *ms >= 0.0 && ms.is_finite());
        if ms.is_none() {
            row.wrong(
                &format!("timing.{key}"),
                "milliseconds, not negative",
                "write a number, or leave it out",
            );
        }
        ms
    };
    let (first, end) = (time("ttft_ms"), time("e2e_ms"));
    Clocks {
        first_token_ms: first,
        last_token_ms: first.and(end),
        end_ms: end.or(first).unwrap_or(0.0),
        ..Clocks::default()
    }
}

fn count(object: &Map<String, Value>, key: &str) -> Option<u32> {
    object.get(key).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RecordedAnswers, Faults> {
        let answers: HashMap<_, _> =
            rows::parse("a.jsonl", text.as_bytes(), &KEYS, answer)?.into_iter().collect();
        let (file, digest) = ("a.jsonl".to_owned(), String::new());
        Ok(RecordedAnswers { file, digest, answers: Arc::new(answers) })
    }

    fn check(text: &str, expected: &str) {
        let faults = parse(text).expect_err(text).to_string();
        assert!(faults.starts_with(expected), "{faults}\nis not\n{expected}");
    }

    #[test]
    fn bad_rows_are_named() {
        check("{\"output\": \"x\"}", "a.jsonl:1:1: id: is required");
        check("{\"id\": \"a\"}", "a.jsonl:1:1: output: is required");
        check(
            "{\"id\": \"a\", \"outptu\": \"x\"}",
            "a.jsonl:1:1: outptu: no such key\n  hint: did you mean `output`?",
        );
        check(
            "{\"id\": \"a\", \"output\": \"x\", \"finish_reason\": \"tired\"}",
            "a.jsonl:1:1: finish_reason: one of",
        );
        check(
            "{\"id\": \"a\", \"output\": \"\", \"tool_calls\": \"weather\"}",
            "a.jsonl:1:1: tool_calls: an array, not a text",
        );
        check(
            "{\"id\": \"a\", \"output\": \"x\", \"timing\": {\"ttft_ms\": -1}}",
            "a.jsonl:1:1: timing.ttft_ms: milliseconds, not negative",
        );
        check(
            "{\"id\": \"a\", \"output\": \"x\"}\n{\"id\": \"a\", \"output\": \"y\"}",
            "a.jsonl:2:1: id: \"a\" stands on line 1 already",
        );
    }

    #[test]
    fn tool_calls_are_kept() {
        let rows = concat!(
            "{\"id\": \"a\", \"output\": \"\", \"tool_calls\": [{\"name\": \"now\", \"arguments\": {}}]}\n",
            "{\"id\": \"b\", \"output\": \"\", \"tool_calls\": []}",
        );
        let answers = parse(rows).unwrap();
        let calls = |id| answers.get(id).unwrap().tool_calls.as_deref();
        assert_eq!((calls("a"), calls("b")), (Some("[{\"arguments\":{},\"name\":\"now\"}]"), None));
    }

    #[test]
    fn times_and_tokens_are_kept_and_absent_ones_are_not_invented() {
        let answers = parse(concat!(
            "{\"id\": \"a\", \"output\": \"x\", \"timing\": {\"ttft_ms\": 20.5, \"e2e_ms\": 120.5, \"output_tokens\": 11}}\n",
            "{\"id\": \"b\", \"output\": \"\", \"finish_reason\": \"abort\"}",
        ))
        .unwrap();
        let timed = answers.get("a").unwrap();
        assert_eq!(timed.clocks.ttft_ms(), Some(20.5));
        assert_eq!(timed.clocks.tpot_ms(timed.usage.unwrap().completion_tokens), Some(10.0));
        let plain = answers.get("b").unwrap();
        assert_eq!((plain.clocks.ttft_ms(), plain.usage, plain.outcome), (None, None, Outcome::Aborted));
        assert_eq!((answers.get("c"), answers.is_timed()), (None, true));
    }
}
