//! What one assertion asks of an answer.

use regex::Regex;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::bleu::{bleu, gleu};
use crate::document::JsonSchema;
use crate::document::Node;
use crate::evals::grader::{Reply, is_same_json};
use crate::wire::LiveGrader;

/// A check, without its `not-`.
#[derive(Debug)]
pub(super) enum Check {
    Equals(String),
    EqualsJson(Value),
    Contains {
        quorum: Quorum,
        texts: Vec<String>,
        any_case: bool,
    },
    StartsWith(String),
    Pattern(Regex),
    IsJson(Option<JsonSchema>),
    ContainsJson(Option<JsonSchema>),
    /// The text in UTF-16, which is what is counted.
    Levenshtein {
        text: Vec<u16>,
        edits: f64,
    },
    Like {
        likeness: Likeness,
        references: Vec<String>,
        least: f64,
    },
    /// Phrases of refusal.
    Refusal(LiveGrader),
    WordCount(Bounds),
    FinishReason(String),
    Latency {
        ms: f64,
    },
}

/// How many of several texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quorum {
    Any,
    All,
}

/// How alike two texts are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Likeness {
    Bleu,
    Gleu,
}

/// Both ends included; none: open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

/// What a check said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) pass: bool,
    pub(super) score: f64,
}

impl Check {
    /// Asks the check, or its opposite. None when the answer lacks what it looks at.
    pub(super) fn ask(&self, inverse: bool, reply: Reply<'_>) -> Option<Said> {
        if let Self::Like { likeness, references, least } = self {
            let score = match likeness {
                Likeness::Bleu => bleu(reply.text, references),
                Likeness::Gleu => gleu(reply.text, references),
            };
            let pass = (score >= *least) != inverse;
            return Some(Said { pass, score: if inverse { 1.0 - score } else { score } });
        }
        let pass = self.holds(reply)? != inverse;
        // Nothing said is a refusal, and no good one.
        let scores = pass && !(matches!(self, Self::Refusal(_)) && reply.text.trim().is_empty());
        Some(Said { pass, score: f64::from(u8::from(scores)) })
    }

    fn holds(&self, reply: Reply<'_>) -> Option<bool> {
        let text = reply.text;
        Some(match self {
            Self::Equals(expected) => text == expected,
            Self::EqualsJson(expected) => {
                serde_json::from_str(text).is_ok_and(|found| is_same_json(&found, expected))
            }
            Self::Contains { quorum, texts, any_case } => {
                let lower = any_case.then(|| text.to_lowercase());
                let text = lower.as_deref().unwrap_or(text);
                let mut found = texts.iter().map(|wanted| text.contains(wanted.as_str()));
                if *quorum == Quorum::All { found.all(|found| found) } else { found.any(|found| found) }
            }
            Self::StartsWith(begin) => text.starts_with(begin.as_str()),
            Self::Pattern(pattern) => pattern.is_match(text),
            Self::IsJson(None) => serde_json::from_str::<IgnoredAny>(text).is_ok(),
            Self::IsJson(Some(schema)) => serde_json::from_str(text).is_ok_and(|value| schema.allows(&value)),
            Self::ContainsJson(schema) => {
                let found = objects(text);
                found.iter().any(|value| schema.as_ref().is_none_or(|schema| schema.allows(value)))
            }
            Self::Levenshtein { text: expected, edits } => {
                let found: Vec<u16> = text.encode_utf16().collect();
                strsim::generic_levenshtein(&found, expected) as f64 <= *edits
            }
            Self::Refusal(phrases) => text.trim().is_empty() || phrases.score(text) > 0.0,
            Self::WordCount(Bounds { min, max }) => {
                let words = text.split_whitespace().count() as u64;
                min.is_none_or(|min| words >= min) && max.is_none_or(|max| words <= max)
            }
            Self::FinishReason(expected) => reply.finish.is_some_and(|finish| finish.as_str() == expected),
            Self::Latency { ms } => reply.e2e_ms? <= *ms,
            Self::Like { .. } => return None,
        })
    }
}

/// Longer pieces are not looked for.
const OBJECT_BYTES_MAX: usize = 100_000;

/// The `{…}` in a text that read as maps, in YAML, which knows JSON and what models make of it. One that breaks off at the
/// text's end is closed.
fn objects(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut seen = 0;
    for (start, _) in text.match_indices('{') {
        if start < seen {
            continue;
        }
        let (end, open) = balanced(&text[start..]);
        let piece = format!("{}{}", &text[start..start + end], "}".repeat(open));
        let node = Node::parse("answer", &piece).ok().filter(|node| node.fields().is_some());
        if let Some(node) = node {
            found.push(node.json());
            seen = start + end;
        }
    }
    found
}

/// Where the brace that `text` begins with is closed, or where the search ends with how many are still open.
fn balanced(text: &str) -> (usize, usize) {
    let mut open = 0_usize;
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < OBJECT_BYTES_MAX) {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return (at + 1, 0);
        }
    }
    (text.floor_char_boundary(OBJECT_BYTES_MAX), open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_between_words() {
        let found = |text: &str| Value::Array(objects(text)).to_string();
        assert_eq!(found(r#"Sure: {"a": {"b": 1}} and {"c": 2}."#), r#"[{"a":{"b":1}},{"c":2}]"#);
        assert_eq!(found("```json\n{a: 'x'}\n```"), r#"[{"a":"x"}]"#);
        assert_eq!(found(r#"{"a": {"b": [1, 2]"#), r#"[{"a":{"b":[1,2]}}]"#);
        assert_eq!(found("no } braces {"), "[{}]");
        assert_eq!(found("[1, 2] \"text\""), "[]");
    }
}
