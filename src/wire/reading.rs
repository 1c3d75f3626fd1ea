//! What has been read of one answer so far, chunk by chunk or all at once.

use serde_json::{Value, json};

use super::chunk::{Choice, Chunk, Delta, ToolDelta, is_filled};
use super::{Answer, Usage};
use crate::document::canonical_json;
use crate::domain::Finish;

/// How the engine said that the answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finished {
    As(Finish),
    Aborted,
    /// vLLM's `finish_reason: error`.
    Errored,
}

/// Tool calls kept per answer; real answers hold a handful, and what comes beyond is not compared.
const TOOL_CALLS_MAX: usize = 64;
/// Characters of an engine's error message that are kept: a log line, not a stack trace.
const ERROR_CHARS_MAX: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) text: String,
    tool_calls: Vec<ToolCall>,
    /// Bytes of all of them: one answer's calls are bounded like its text.
    call_bytes: usize,
    pub(super) usage: Option<Usage>,
    pub(super) fingerprint: Option<String>,
    pub(super) finished: Option<Finished>,
    /// The code and message of an error object.
    pub(super) error: Option<(u16, String)>,
}

#[derive(Debug, Default)]
struct ToolCall {
    name: String,
    arguments: String,
}

impl Reading {
    /// Takes in one object and says whether it carried a token of the first choice.
    pub(super) fn take(&mut self, chunk: &Chunk<'_>) -> bool {
        if let Some(error) = chunk.error {
            self.fail(error.get());
        }
        if let Some(usage) = chunk.usage() {
            self.usage = Some(usage);
        }
        self.take_fingerprint(chunk.system_fingerprint.as_ref().map_or("", |text| text.as_str()));
        let choices = chunk.choices.iter().filter(|choice| choice.index() == 0);
        choices.filter(|choice| self.take_choice(choice)).count() > 0
    }

    pub(super) fn take_fingerprint(&mut self, fingerprint: &str) {
        if self.fingerprint.is_none() && !fingerprint.is_empty() {
            self.fingerprint = Some(fingerprint.to_owned());
        }
    }

    fn take_choice(&mut self, choice: &Choice<'_>) -> bool {
        if let Some(reason) = choice.finish_reason.as_ref().filter(|reason| !reason.as_str().is_empty()) {
            self.finished = Some(read_finish(reason.as_str()));
        }
        if let Some(text) = &choice.text {
            self.push_text(text.as_str());
        }
        let delta = choice.delta.get().or(choice.message.get());
        if let Some(delta) = delta {
            self.take_delta(delta);
        }
        is_filled(&choice.text) || delta.is_some_and(Delta::carries_token)
    }

    fn take_delta(&mut self, delta: &Delta<'_>) {
        for text in [&delta.content, &delta.refusal].into_iter().flatten() {
            self.push_text(text.as_str());
        }
        for (position, call) in delta.tool_calls.iter().enumerate() {
            self.take_call(
                call.index.0.map_or(position, |index| usize::try_from(index).unwrap_or(usize::MAX)),
                call,
            );
        }
    }

    fn take_call(&mut self, index: usize, delta: &ToolDelta<'_>) {
        if index >= TOOL_CALLS_MAX {
            return;
        }
        if self.tool_calls.len() <= index {
            self.tool_calls.resize_with(index + 1, ToolCall::default);
        }
        if let Some(function) = delta.function.get() {
            let [name, arguments] = [&function.name, &function.arguments]
                .map(|text| text.as_ref().map_or("", |text| text.as_str()));
            self.extend_call(index, name, arguments);
        }
    }

    fn extend_call(&mut self, index: usize, name: &str, arguments: &str) {
        let call = &mut self.tool_calls[index];
        for (kept, text) in [(&mut call.name, name), (&mut call.arguments, arguments)] {
            self.call_bytes += push_bounded(kept, text, self.call_bytes);
        }
    }

    /// The engine says that it failed; the first time counts.
    pub(super) fn fail(&mut self, error: &str) {
        self.error.get_or_insert_with(|| read_error(error));
    }

    /// Takes in a whole call.
    pub(super) fn push_call(&mut self, name: &str, arguments: &str) {
        if self.tool_calls.len() < TOOL_CALLS_MAX {
            self.tool_calls.push(ToolCall::default());
            self.extend_call(self.tool_calls.len() - 1, name, arguments);
        }
    }

    /// Forgets what was said, for one who tells all of it again.
    pub(super) fn begin_again(&mut self) {
        self.text.clear();
        self.tool_calls.clear();
        self.call_bytes = 0;
    }

    pub(super) const fn has_calls(&self) -> bool {
        !self.tool_calls.is_empty()
    }

    pub(super) fn push_text(&mut self, text: &str) {
        let held = self.text.len();
        push_bounded(&mut self.text, text, held);
    }

    /// The calls without their ids, which are new each time: `[{"arguments": …, "name": …}]`.
    pub(super) fn tool_calls(&self) -> Option<String> {
        let calls: Vec<Value> = self.tool_calls.iter().map(ToolCall::to_value).collect();
        (!calls.is_empty()).then(|| canonical_json(&Value::Array(calls)))
    }
}

impl ToolCall {
    /// Arguments that are not JSON stand as the text they are: a broken call differs from a good one.
    fn to_value(&self) -> Value {
        let arguments = serde_json::from_str(&self.arguments);
        json!({"name": self.name, "arguments": arguments.unwrap_or_else(|_| Value::from(self.arguments.as_str()))})
    }
}

/// Keeps as much of a text as there is room for beside what is held; gives the bytes of it.
fn push_bounded(kept: &mut String, text: &str, held: usize) -> usize {
    let bytes = text.floor_char_boundary(Answer::TEXT_BYTES_MAX.saturating_sub(held));
    kept.push_str(&text[..bytes]);
    bytes
}

/// `content_filter` and reasons of an engine's own are ends that the engine chose: `stop`.
fn read_finish(reason: &str) -> Finished {
    match reason {
        "length" => Finished::As(Finish::Length),
        "tool_calls" | "function_call" => Finished::As(Finish::ToolCalls),
        "abort" => Finished::Aborted,
        "error" => Finished::Errored,
        _ => Finished::As(Finish::Stop),
    }
}

/// The code and message of an error object, or of an error that is only a text. A code outside the
/// HTTP errors (`"rate_limit_exceeded"`, `0`) reads as 500: the engine failed and did not say how.
fn read_error(raw: &str) -> (u16, String) {
    let value: Value = serde_json::from_str(raw).unwrap_or_default();
    let code = [&value["code"], &value["status"], &value["status_code"]].into_iter().find_map(read_code);
    let message = value["message"].as_str().or(value.as_str()).unwrap_or(raw);
    (code.unwrap_or(500), cut_short(message))
}

fn read_code(code: &Value) -> Option<u16> {
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|number| (400..600).contains(number))
}

pub(super) fn cut_short(message: &str) -> String {
    message.chars().take(ERROR_CHARS_MAX).collect()
}
