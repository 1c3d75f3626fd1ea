//! One JSON object of an answer, a stream's chunk or a whole body, borrowed from its bytes.
//!
//! Only what is observed is named; everything else is skipped unread. A field of another shape than is known stands for
//! none, since its client may well know it: it must not make an answer an error.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Usage;
use super::lenient::{List, Number, Object, Text};

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) choices: List<Choice<'a>>,
    #[serde(default)]
    usage: Object<RawUsage>,
    #[serde(borrow, default)]
    pub(super) system_fingerprint: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    /// Older vLLM sends its error fields at the top, with `"object": "error"`.
    #[serde(borrow, default)]
    pub(super) object: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Number,
    /// Chat, streamed.
    #[serde(borrow, default)]
    pub(super) delta: Object<Delta<'a>>,
    /// Chat, in one piece.
    #[serde(borrow, default)]
    pub(super) message: Object<Delta<'a>>,
    /// Completions, both ways.
    #[serde(borrow, default)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Text<'a>>,
    /// What stands in place of the content where the model refused.
    #[serde(borrow, default)]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: List<ToolDelta<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ToolDelta<'a> {
    #[serde(default)]
    pub(super) index: Number,
    #[serde(borrow, default)]
    pub(super) function: Object<FunctionDelta<'a>>,
}

#[derive(Deserialize)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawUsage {
    #[serde(default)]
    prompt_tokens: Number,
    #[serde(default)]
    completion_tokens: Number,
    #[serde(default)]
    prompt_tokens_details: Object<PromptDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Number,
}

impl Chunk<'_> {
    /// Token counts; `None` where the answer's own is not told.
    pub(super) fn usage(&self) -> Option<Usage> {
        let usage = self.usage.get()?;
        Some(Usage {
            prompt_tokens: usage.prompt_tokens.count().unwrap_or(0),
            completion_tokens: usage.completion_tokens.count()?,
            cached_tokens: usage
                .prompt_tokens_details
                .get()
                .and_then(|details| details.cached_tokens.count()),
        })
    }

    /// The text of the first choice, where it is all that the chunk brings; fields that are not observed aside.
    pub(super) fn only_text(&self) -> Option<&str> {
        if self.error.is_some() || self.is_bare_error() || self.usage.get().is_some() {
            return None;
        }
        let mut choices = self.choices.iter();
        match (choices.next(), choices.next()) {
            (Some(choice), None) if choice.index() == 0 => choice.only_text(),
            _ => None,
        }
    }

    pub(super) fn is_bare_error(&self) -> bool {
        self.object.as_ref().is_some_and(|object| object.as_str() == "error")
    }
}

impl Choice<'_> {
    /// Which of several answers it is; the first where it does not say.
    pub(super) fn index(&self) -> u64 {
        self.index.0.unwrap_or(0)
    }

    fn only_text(&self) -> Option<&str> {
        if is_filled(&self.finish_reason) || self.message.get().is_some() {
            return None;
        }
        let text = match (&self.text, self.delta.get()) {
            (None, Some(delta)) => delta.only_text(),
            (text, None) => text.as_ref(),
            (Some(_), Some(_)) => None,
        };
        text.map(Text::as_str).filter(|text| !text.is_empty())
    }
}

impl Delta<'_> {
    fn only_text(&self) -> Option<&Text<'_>> {
        let others = [&self.refusal, &self.reasoning, &self.reasoning_content];
        let others = others.into_iter().any(is_filled);
        let called = self.tool_calls.iter().next().is_some();
        self.content.as_ref().filter(|_| !others && !called)
    }

    /// Whether it brings a part of an answer. A role alone, null and empty texts do not.
    pub(super) fn carries_token(&self) -> bool {
        let texts = [&self.content, &self.refusal, &self.reasoning, &self.reasoning_content];
        texts.into_iter().any(is_filled) || self.tool_calls.iter().next().is_some()
    }
}

pub(super) fn is_filled(text: &Option<Text<'_>>) -> bool {
    text.as_ref().is_some_and(|text| !text.as_str().is_empty())
}
