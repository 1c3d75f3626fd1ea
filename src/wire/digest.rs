//! Digests of questions and answers: equal when they say the same, and no text kept.

use serde_json::Value;

use super::{Answer, Asked, RequestHead};
use crate::document::canonical_json;
use crate::evidence::{AnswerDigest, PromptDigest};

impl RequestHead {
    /// The digest of the question: messages, prompt, instructions and input, or template name and variables, as canonical JSON.
    /// `body` must be the bytes that the head was parsed from.
    #[must_use]
    pub fn prompt_digest(&self, body: &[u8]) -> PromptDigest {
        let (kind, asked) = match &self.asked {
            Asked::Nothing => ("nothing", None),
            Asked::Messages(range) => ("messages", value_at(body, range)),
            Asked::Text(range) => ("prompt", value_at(body, range)),
            Asked::Input { input, .. } => ("input", value_at(body, input)),
            Asked::Template { variables, .. } => {
                ("template", variables.as_ref().and_then(|range| value_at(body, range)))
            }
        };
        let before = match &self.asked {
            Asked::Template { id, .. } => id.as_str(),
            Asked::Input { instructions: Some(range), .. } => {
                body.get(range.clone()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
            }
            _ => "",
        };
        let asked = asked.map_or_else(String::new, |asked| canonical_json(&asked));
        PromptDigest(digest("goldgate prompt 1", &[kind, before, &asked].map(str::as_bytes)))
    }

    /// The last text that a user said, or the whole prompt or input; `None` for templates and token ids. `body`
    /// must be the bytes that the head was parsed from.
    #[must_use]
    pub fn user_text(&self, body: &[u8]) -> Option<String> {
        match &self.asked {
            Asked::Messages(range) => last_user_text(&value_at(body, range)?),
            Asked::Text(range) => joined(&value_at(body, range)?),
            Asked::Input { input, .. } => {
                let input = value_at(body, input)?;
                if input.is_string() { joined(&input) } else { last_user_text(&input) }
            }
            Asked::Nothing | Asked::Template { .. } => None,
        }
    }
}

/// The digest of an answer: its text with white space trimmed and runs of it made one space, and its
/// tool calls. `None` when it said nothing at all.
#[must_use]
pub fn answer_digest(answer: &Answer) -> Option<AnswerDigest> {
    says_something(answer).then(|| {
        let tool_calls = answer.tool_calls.as_deref().unwrap_or_default().as_bytes();
        AnswerDigest(digest("goldgate answer 1", &[&one_spaced(&answer.text), tool_calls]))
    })
}

/// Whether there is a word or a tool call in the answer.
#[must_use]
pub fn says_something(answer: &Answer) -> bool {
    let calls = answer.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
    calls || answer.text.contains(|char: char| !char.is_whitespace())
}

/// The text's words with one space between them. White space is Unicode's; a text in ASCII, as most are, is cut
/// without reading it as characters.
fn one_spaced(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut push = |word: &[u8]| {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    };
    if text.is_ascii() {
        let words = text.as_bytes().split(|byte| matches!(byte, b' ' | b'\t'..=b'\r'));
        words.filter(|word| !word.is_empty()).for_each(&mut push);
    } else {
        text.split_whitespace().map(str::as_bytes).for_each(&mut push);
    }
    out
}

/// Each part is preceded by its length, so that no two lists of parts have the same bytes.
fn digest(domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
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
