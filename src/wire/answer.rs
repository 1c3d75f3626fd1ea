//! One answer as seen on the wire, streamed or not.

use crate::domain::{Clocks, Outcome};

/// How an answer is written; the route decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Choices, on the chat and completions routes; a stream of their parts ends with `[DONE]`.
    Choices,
    /// Items, on the Responses route; a stream of named events ends with one that holds the whole answer.
    Items,
}

/// The engine's own token counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer, reasoning included.
    pub completion_tokens: u32,
    /// Prompt tokens that came from the prefix cache.
    pub cached_tokens: Option<u32>,
}

/// What was answered, how it ended, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// When what was seen.
    pub clocks: Clocks,
    /// The visible text of the first choice, up to [`Answer::TEXT_BYTES_MAX`].
    pub text: String,
    /// Tool calls of the first choice as canonical JSON, when there were any.
    pub tool_calls: Option<String>,
    /// Token counts; `None` when the engine sent none.
    pub usage: Option<Usage>,
    /// `system_fingerprint`, when sent.
    pub fingerprint: Option<String>,
    /// Chunks that carried a token; not a token count.
    pub token_chunks: u32,
    /// The engine's own error message, cut short, for logs of errors; never an answer.
    pub error: Option<String>,
}

impl Answer {
    /// Text kept per answer. Beyond it an answer is compared by what was kept.
    pub const TEXT_BYTES_MAX: usize = 256 * 1024;
}
