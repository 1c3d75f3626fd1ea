//! Digests of questions and answers: equal when they say the same, and no text kept.

use serde_json::Value;

use super::canonical::canonical_json;
use super::{Answer, Asked, RequestHead};
use crate::evidence::{AnswerDigest, PromptDigest};

impl RequestHead {
    /// The digest of the question: messages, prompt, or template name and variables, as canonical JSON.
    /// `body` must be the bytes that the head was parsed from.
    #[must_use]
    pub fn prompt_digest(&self, body: &[u8]) -> PromptDigest {
        let (kind, asked) = match &self.asked {
            Asked::Nothing => ("nothing", None),
            Asked::Messages(range) => ("messages", value_at(body, range)),
            Asked::Text(range) => ("prompt", value_at(body, range)),
            Asked::Template { variables, .. } => {
                ("template", variables.as_ref().and_then(|range| value_at(body, range)))
            }
        };
        let name = if let Asked::Template { id, .. } = &self.asked { id } else { "" };
        let asked = asked.map_or_else(String::new, |asked| canonical_json(&asked));
        PromptDigest(digest("goldgate prompt 1", &[kind, name, &asked]))
    }

    /// The last text that a user said, or the whole prompt; `None` for templates and token ids. `body`
    /// must be the bytes that the head was parsed from.
    #[must_use]
    pub fn user_text(&self, body: &[u8]) -> Option<String> {
        match &self.asked {
            Asked::Messages(range) => last_user_text(&value_at(body, range)?),
            Asked::Text(range) => joined(&value_at(body, range)?),
            Asked::Nothing | Asked::Template { .. } => None,
        }
    }
}

/// The digest of an answer: its text with white space trimmed and runs of it made one space, and its
/// tool calls. `None` when it said nothing at all.
#[must_use]
pub fn answer_digest(answer: &Answer) -> Option<AnswerDigest> {
    let words: Vec<&str> = answer.text.split_whitespace().collect();
    let tool_calls = answer.tool_calls.as_deref().unwrap_or_default();
    let said_something = !words.is_empty() || !tool_calls.is_empty();
    said_something.then(|| AnswerDigest(digest("goldgate answer 1", &[&words.join(" "), tool_calls])))
}

/// Each part is preceded by its length, so that no two lists of parts have the same bytes.
fn digest(domain: &str, parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

fn value_at(body: &[u8], range: &std::ops::Range<usize>) -> Option<Value> {
    serde_json::from_slice(body.get(range.clone())?).ok()
}

fn last_user_text(messages: &Value) -> Option<String> {
    let last = messages.as_array()?.iter().rev().find(|message| message["role"] == "user")?;
    joined(&last["content"])
}

/// A text, or the texts of a list, be they bare or parts of type `text`.
fn joined(content: &Value) -> Option<String> {
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let parts = content.as_array()?.iter();
    let texts: Vec<&str> = parts.filter_map(|part| part.as_str().or(part["text"].as_str())).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
mod tests;
