//! Graders that need no reference: a rule that a good answer keeps, wherever it was asked for.

mod refusal;

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::de::IgnoredAny;
use whatlang::Lang;

use crate::document::{JsonSchema, SchemaError};
use crate::domain::{AnswerRule, LengthRange, MetricName};

/// Memory a compiled pattern may take. Larger ones are refused: a pattern runs on every mirrored answer.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Scores an answer by whether it keeps a rule. Patterns take time linear in the length of the answer.
#[derive(Clone, Debug)]
pub struct LiveGrader {
    name: MetricName,
    check: Check,
}

/// A rule, ready to be asked.
#[derive(Clone, Debug)]
enum Check {
    Pattern(Regex),
    JsonValid,
    JsonSchema(Arc<JsonSchema>),
    Refusal(Regex),
    Language(Lang),
    Length(LengthRange),
    Not(Box<Check>),
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveGraderError {
    /// No regular expression, or one that is too large.
    #[error("{pattern:?} is no usable pattern: {text}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What the regex engine said, on one line.
        text: String,
    },
    /// No JSON Schema, or one that refers to a document elsewhere.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// No language that can be told.
    #[error("{code:?} is no ISO 639-3 code of a language that can be told, such as eng or deu")]
    Language {
        /// The code.
        code: String,
    },
}

impl LiveGrader {
    /// A grader whose metric is called `name`.
    ///
    /// # Errors
    /// When a pattern is no regular expression of the `regex` crate or compiles to more than 1 MiB, a schema is none, or
    /// a language is unknown.
    pub fn new(name: MetricName, rule: &AnswerRule) -> Result<Self, LiveGraderError> {
        Ok(Self { name, check: Check::new(rule)? })
    }

    /// The metric it feeds.
    #[must_use]
    pub const fn name(&self) -> &MetricName {
        &self.name
    }

    /// The text of its JSON Schema, when it has one.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        match &self.check {
            Check::JsonSchema(schema) => Some(schema.text()),
            _ => None,
        }
    }

    /// 1 when `answer` keeps the rule, else 0. The empty answer is no answer and scores 0 under every rule, also under
    /// one that it keeps.
    #[must_use]
    pub fn score(&self, answer: &str) -> f64 {
        if !answer.is_empty() && self.check.holds(answer) { 1.0 } else { 0.0 }
    }
}

impl Check {
    fn new(rule: &AnswerRule) -> Result<Self, LiveGraderError> {
        Ok(match rule {
            AnswerRule::Pattern(pattern) => Self::Pattern(compile(pattern)?),
            AnswerRule::JsonValid => Self::JsonValid,
            AnswerRule::JsonSchema(text) => Self::JsonSchema(Arc::new(JsonSchema::new(text)?)),
            AnswerRule::Refusal => Self::Refusal(compile(&refusal::pattern())?),
            AnswerRule::Language(code) => match Lang::from_code(code.as_str()) {
                Some(language) => Self::Language(language),
                None => return Err(LiveGraderError::Language { code: code.clone() }),
            },
            AnswerRule::Length(range) => Self::Length(*range),
            AnswerRule::Not(rule) => Self::Not(Box::new(Self::new(rule)?)),
        })
    }

    fn holds(&self, answer: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_match(answer),
            Self::JsonValid => serde_json::from_str::<IgnoredAny>(answer).is_ok(),
            Self::JsonSchema(schema) => schema.holds(answer),
            Self::Refusal(phrases) => refusal::is_refusal(phrases, answer),
            Self::Language(language) => whatlang::detect_lang(answer) == Some(*language),
            Self::Length(range) => range.holds(answer),
            Self::Not(check) => !answer.trim().is_empty() && !check.holds(answer),
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, LiveGraderError> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
    built.map_err(|error| LiveGraderError::Pattern { pattern: pattern.to_owned(), text: last_line(&error) })
}

/// The regex engine draws the pattern over several lines; the last one says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests;
