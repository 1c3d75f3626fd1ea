//! An answer of items: the Responses API, streamed as named events or told in one object.
//!
//! Decided here, after what OpenAI's client reads and what vLLM and llama.cpp send:
//! - The last event ends the answer: `response.completed`, `.incomplete`, `.failed` or `.cancelled`. No `[DONE]` is due.
//! - How it ended is the `status` of the response that the last event holds, and only without one the event's name: vLLM
//!   calls the event `response.completed` whatever came.
//! - `incomplete` is the token limit, unless a filter is named, which is an end that the engine chose.
//! - Each part of anything is a token: text, refusal, reasoning, a call's arguments, all named `….delta`; and so is the
//!   beginning of a call, which brings its name.
//! - What the last event tells whole stands in place of what came in parts, so that a streamed answer and one in a single
//!   body read alike. A refusal is text: it is what the user reads.
//! - `background` leaves an answer `queued`; that is no end.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Usage;
use super::lenient::{List, Number, Object, Text};
use super::reading::{Finished, Reading};
use crate::domain::Finish;

/// The events after which none is waited for.
const LAST: [&str; 4] =
    ["response.completed", "response.incomplete", "response.failed", "response.cancelled"];

/// One event of a stream.
#[derive(Deserialize)]
pub(super) struct ItemEvent<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    delta: Text<'a>,
    #[serde(borrow, default)]
    item: Object<Item<'a>>,
    #[serde(borrow, default)]
    response: Object<Whole<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// A response: the whole body, or what the last event holds.
#[derive(Deserialize)]
pub(super) struct Whole<'a> {
    #[serde(borrow, default)]
    object: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    incomplete_details: Object<Incomplete<'a>>,
    #[serde(borrow, default)]
    pub(super) output: List<Item<'a>>,
    #[serde(default)]
    usage: Object<ItemUsage>,
    #[serde(borrow, default)]
    system_fingerprint: Text<'a>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow, default)]
    reason: Text<'a>,
}

/// A message, a call, or something else that the model did.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    content: List<Part<'a>>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    arguments: Text<'a>,
    /// The arguments of a custom tool.
    #[serde(borrow, default)]
    input: Text<'a>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    refusal: Text<'a>,
}

#[derive(Deserialize)]
struct ItemUsage {
    #[serde(default)]
    input_tokens: Number,
    #[serde(default)]
    output_tokens: Number,
    #[serde(default)]
    input_tokens_details: Object<InputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Number,
}

impl ItemEvent<'_> {
    /// Whether it says that the engine failed; `name` is the event's.
    pub(super) fn is_error(&self, name: &[u8]) -> bool {
        name == b"error" || self.kind.as_str() == "error" || self.error.is_some()
    }

    /// The error object of an event whose data is `data`.
    pub(super) fn error_in<'d>(&'d self, data: &'d str) -> &'d str {
        self.error.map_or(data, RawValue::get)
    }

    pub(super) fn is_last(&self) -> bool {
        LAST.contains(&self.kind.as_str())
    }

    fn carries_token(&self) -> bool {
        match self.kind.as_str() {
            "response.output_item.added" => self.item.get().is_some_and(Item::is_call),
            kind => kind.ends_with(".delta") && !self.delta.as_str().is_empty(),
        }
    }
}

impl Whole<'_> {
    pub(super) fn is_bare_error(&self) -> bool {
        self.object.as_str() == "error"
    }

    fn usage(&self) -> Option<Usage> {
        let usage = self.usage.get()?;
        let cached = usage.input_tokens_details.get().and_then(|details| details.cached_tokens.count());
        Some(Usage {
            prompt_tokens: usage.input_tokens.count().unwrap_or(0),
            completion_tokens: usage.output_tokens.count()?,
            cached_tokens: cached,
        })
    }
}

impl Item<'_> {
    /// Whether the client is asked to call something.
    fn is_call(&self) -> bool {
        matches!(self.kind.as_str(), "function_call" | "custom_tool_call")
    }
}

impl Reading {
    /// Takes in one event and says whether it carried a token.
    pub(super) fn take_item_event(&mut self, event: &ItemEvent<'_>) -> bool {
        match (event.kind.as_str(), event.item.get()) {
            ("response.output_text.delta" | "response.refusal.delta", _) => {
                self.push_text(event.delta.as_str());
            }
            ("response.output_item.done", Some(item)) => self.take_call_item(item),
            (kind, _) if event.is_last() => self.take_last(kind, event.response.get()),
            _ => {}
        }
        event.carries_token()
    }

    /// Takes in a whole response.
    pub(super) fn take_items(&mut self, whole: &Whole<'_>) {
        if let Some(error) = whole.error {
            self.fail(error.get());
        }
        if whole.output.iter().next().is_some() {
            self.begin_again();
        }
        for item in whole.output.iter() {
            self.take_item(item);
        }
        self.usage = whole.usage().or(self.usage);
        self.take_fingerprint(whole.system_fingerprint.as_str());
        let reason = whole.incomplete_details.get().map_or("", |details| details.reason.as_str());
        self.finished = read_status(whole.status.as_str(), reason, self.has_calls());
    }

    fn take_last(&mut self, kind: &str, whole: Option<&Whole<'_>>) {
        if let Some(whole) = whole {
            self.take_items(whole);
        }
        if self.finished.is_none() {
            let status = kind.rsplit('.').next().unwrap_or_default();
            self.finished = read_status(status, "", self.has_calls());
        }
    }

    fn take_item(&mut self, item: &Item<'_>) {
        if item.kind.as_str() == "message" {
            for part in item.content.iter() {
                self.push_text(part.text.as_str());
                self.push_text(part.refusal.as_str());
            }
        }
        self.take_call_item(item);
    }

    fn take_call_item(&mut self, item: &Item<'_>) {
        if item.is_call() {
            let arguments = item.arguments.as_str();
            let arguments = if arguments.is_empty() { item.input.as_str() } else { arguments };
            self.push_call(item.name.as_str(), arguments);
        }
    }
}

/// `None`: it has not ended.
fn read_status(status: &str, reason: &str, has_calls: bool) -> Option<Finished> {
    Some(match status {
        "completed" if has_calls => Finished::As(Finish::ToolCalls),
        "completed" => Finished::As(Finish::Stop),
        "incomplete" if reason == "content_filter" => Finished::As(Finish::Stop),
        "incomplete" => Finished::As(Finish::Length),
        "failed" => Finished::Errored,
        "cancelled" => Finished::Aborted,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
