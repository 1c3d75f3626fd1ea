//! Graders: an answer and a reference in, a score in [0, 1] out.
//!
//! A grader is named by what it measures and by whose definition it follows, so that a changed definition is
//! another grader and never a silent change of scores. Each is held to its oracle by cases that were computed there.
//!
//! | id | score | oracle |
//! |---|---|---|
//! | `exact_match@lm-eval` | 1 when answer and reference are the same text, after the normalisations asked for | Hugging Face `evaluate`, metric `exact_match`, which lm-evaluation-harness ports |
//! | `equals@promptfoo` | 1 when they are the same text as they stand | promptfoo, assert `equals` |
//! | `contains@promptfoo`, `contains-any@promptfoo` | 1 when a reference is in the answer | promptfoo, asserts `contains`, `contains-any` |
//! | `contains-all@promptfoo` | 1 when every reference is in the answer | promptfoo, assert `contains-all` |
//! | `icontains@promptfoo` | 1 when a reference is in the answer, in whatever case | promptfoo, assert `icontains` |
//! | `starts_with@promptfoo` | 1 when the answer begins with a reference | promptfoo, assert `starts-with` |
//! | `number@gsm8k-strict` | 1 when the number after `####` is the reference | lm-evaluation-harness, task `gsm8k` version 3, filter `strict-match` |
//! | `number@gsm8k-flexible` | 1 when the last number is the reference | the same task, filter `flexible-extract` |
//! | `number@mgsm` | 1 when the last number without its punctuation is the reference | the same program, tasks `mgsm_direct_*` version 4, filter `flexible-extract` |
//! | `choice@mmlu` | 1 when the first line is the letter of the reference | the same program, tasks `mmlu_*_generative` version 3 |
//! | `choice@mmlu-pro` | 1 when the letter behind `answer is` is the reference | the same program, task `mmlu_pro` version 3.1 |
//! | `f1@squad` | F1 over words | SQuAD 1.1, `evaluate-v1.1.py` |
//! | `f1@bag` | F1 over sets of words, numbers by value | DROP, as lm-evaluation-harness computes it (task `drop` version 3), one span |
//! | `rouge1@rouge_score`, `rouge2@…`, `rougeL@…`, `rougeLsum@…` | F-measure of words, pairs, common subsequence, the same by lines | `rouge_score` 0.1.2, `…-stemmed` with its stemmer |
//! | `bleu@sacrebleu-13a` | sentence BLEU against all references | `sacrebleu.sentence_bleu` 2.6.0 / 100 |
//! | `chrf@sacrebleu` | sentence chrF2 | `sacrebleu.sentence_chrf` 2.6.0 / 100 |
//! | `similarity@levenshtein` | 1 − edits / length of the longer text, in characters | `strsim::normalized_levenshtein` |
//! | `similarity@cosine` | cosine of the two embeddings of [`Embedder`] | this crate; the vectors are defined in `embedding/ngrams.rs` |
//! | `json_match@1` | 1 when the answer is JSON that includes the reference | this crate, `json_match.rs` |
//! | `tool_call@1` | 1 when the tools called are those of the reference, with the same arguments | this crate, `tool_call.rs` |
//! | `finish_reason@1` | 1 when the answer ended as the reference says: `stop`, `length` or `tool_calls` | the OpenAI API's `finish_reason` |
//! | `model_graded@1` | 1 for the answer that a model prefers in both orders, ½ for a tie | MT-Bench (arXiv 2306.05685), pairwise; see `model_graded.rs` |
//!
//! These need no reference, and can be asked of live answers too (see [`LiveGrader`]):
//!
//! | id | score | oracle |
//! |---|---|---|
//! | `non_empty@1` | 1 when the answer holds more than white space | – |
//! | `regex@1` | 1 when the pattern is found in the answer | the `regex` crate's syntax |
//! | `json_valid@1` | 1 when the answer is one JSON value and nothing else | RFC 8259, as `serde_json` reads it |
//! | `json_schema@2020-12` | 1 when it is JSON that satisfies the schema | JSON Schema, as the `boon` crate checks it |
//! | `refusal@1` | 1 when the answer begins with a refusal | this crate, the phrases of `refusal.rs` |
//! | `length@1` | 1 when characters and words are within bounds | – |
//! | `language@whatlang-0.18` | 1 when the answer is in the language | the `whatlang` crate, version 0.18 |
//!
//! An imported configuration has metrics of its own, `success@promptfoo` and its kin: see `promptfoo.rs`.
//!
//! `not-` before an id whose score is 0 or 1 turns the score round. No answer at all scores 0 either way.

mod bleu;
mod choice;
mod chrf;
mod exact;
mod f1;
mod json_match;
mod number;
mod porter;
mod rouge;
mod text;
mod tokens;
mod tool_call;

use std::sync::Arc;

pub use bleu::{Bleu, BleuCounts};
pub use choice::{ChoiceFilter, ChoiceMatch};
pub use exact::ExactMatch;
pub use f1::{F1Rule, WordF1};
pub use number::{NumberFilter, NumberMatch};
pub use rouge::{Rouge, RougeWords};
pub use text::{TextMatch, TextRule};

pub(super) use json_match::is_same as is_same_json;
pub(super) use tokens::{as_f64, counts, overlap, ratio};

use serde::de::IgnoredAny;

use super::latency::Timing;
use super::model_graded::ModelGraded;
use super::promptfoo::PromptfooGrader;
use crate::domain::{Finish, Outcome};
use crate::embedding::Embedder;
use crate::wire::{Answer, LiveGrader};

/// Every grader there is.
#[derive(Clone, Debug)]
pub enum Grader {
    /// `exact_match@lm-eval`.
    Exact(ExactMatch),
    /// `equals@promptfoo` and its kin.
    Text(TextMatch),
    /// `number@gsm8k-strict`, `number@gsm8k-flexible` and `number@mgsm`.
    Number(NumberMatch),
    /// `choice@mmlu` and `choice@mmlu-pro`.
    Choice(ChoiceMatch),
    /// `f1@squad` and `f1@bag`.
    WordF1(WordF1),
    /// `rouge1@rouge_score` and its kin.
    Rouge(Rouge, RougeWords),
    /// `bleu@sacrebleu-13a`.
    Bleu(Bleu),
    /// `chrf@sacrebleu`.
    Chrf,
    /// `similarity@levenshtein`.
    Levenshtein,
    /// `similarity@cosine`.
    Cosine(Arc<Embedder>),
    /// `json_match@1`.
    JsonMatch,
    /// `tool_call@1`.
    ToolCall,
    /// `finish_reason@1`: the end that the suite wants; `None`: that of the case's reference.
    FinishReason(Option<Finish>),
    /// All that need no reference.
    Live(LiveGrader),
    /// The results of tests of an imported configuration, `success@promptfoo` and its kin.
    Promptfoo(PromptfooGrader),
    /// `model_graded@1`: the answers of both arms, compared by a model.
    ModelGraded(Arc<ModelGraded>),
    /// `not-…`: the same, turned round.
    Not(Box<Grader>),
}

/// An answer, as graders see it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reply<'a> {
    /// Its text.
    pub text: &'a str,
    /// The tools it called, as JSON; see [`Answer::tool_calls`].
    pub tool_calls: Option<&'a str>,
    /// How it ended; `None`: not whole.
    pub finish: Option<Finish>,
    /// How long it took from the moment it was due, in ms, when that is known.
    pub e2e_ms: Option<f64>,
}

impl<'a> From<&'a Answer> for Reply<'a> {
    fn from(answer: &'a Answer) -> Self {
        let finish = match answer.outcome {
            Outcome::Complete(finish) => Some(finish),
            _ => None,
        };
        let e2e_ms = Timing::E2e.of(answer);
        Self { text: &answer.text, tool_calls: answer.tool_calls.as_deref(), finish, e2e_ms }
    }
}

impl Reply<'_> {
    fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.tool_calls.is_none()
    }
}

impl Grader {
    /// The ids of all graders, as suites write them.
    pub const IDS: [&str; 33] = [
        "exact_match@lm-eval",
        "equals@promptfoo",
        "contains@promptfoo",
        "contains-any@promptfoo",
        "contains-all@promptfoo",
        "icontains@promptfoo",
        "starts_with@promptfoo",
        "number@gsm8k-strict",
        "number@gsm8k-flexible",
        "number@mgsm",
        "choice@mmlu",
        "choice@mmlu-pro",
        "f1@squad",
        "f1@bag",
        "rouge1@rouge_score",
        "rouge2@rouge_score",
        "rougeL@rouge_score",
        "rougeLsum@rouge_score",
        "bleu@sacrebleu-13a",
        "chrf@sacrebleu",
        "similarity@levenshtein",
        "similarity@cosine",
        "json_match@1",
        "tool_call@1",
        "finish_reason@1",
        "model_graded@1",
        "non_empty@1",
        "regex@1",
        "json_valid@1",
        "json_schema@2020-12",
        "refusal@1",
        "length@1",
        "language@whatlang-0.18",
    ];

    /// The score of a reply in [0, 1], the best over all references. `None` when the grader needs a reference
    /// and the case has none: the metric does not apply there.
    #[must_use]
    pub fn score(&self, reply: Reply<'_>, references: &[String]) -> Option<f64> {
        let output = reply.text;
        match self {
            Self::Live(rule) => Some(rule.score(output)),
            Self::Promptfoo(tests) => tests.score(reply, references),
            // No answer has such a score by itself.
            Self::ModelGraded(_) => None,
            Self::Not(grader) => {
                let score = grader.score(reply, references)?;
                Some(if reply.is_empty() { 0.0 } else { 1.0 - score })
            }
            Self::Exact(exact) => best(references, |reference| exact.score(output, reference)),
            Self::Text(text) => text.score(output, references),
            Self::Number(number) => best(references, |reference| number.score(output, reference)),
            Self::Choice(choice) => best(references, |reference| choice.score(output, reference)),
            Self::WordF1(words) => best(references, |reference| words.score(output, reference)),
            Self::Rouge(rouge, of) => best(references, |reference| rouge.score(*of, output, reference)),
            Self::Bleu(bleu) => (!references.is_empty()).then(|| bleu.score(output, references)),
            Self::Chrf => best(references, |reference| chrf::score(output, reference)),
            Self::Levenshtein => {
                best(references, |reference| strsim::normalized_levenshtein(output, reference))
            }
            Self::Cosine(embedder) => {
                let vector = embedder.embed(output);
                best(references, |reference| vector.cosine(&embedder.embed(reference)))
            }
            Self::JsonMatch => best(references, |reference| json_match::score(output, reference)),
            Self::ToolCall => best(references, |reference| tool_call::score(reply.tool_calls, reference)),
            Self::FinishReason(Some(finish)) => Some(truth(reply.finish == Some(*finish))),
            Self::FinishReason(None) => best(references, |reference| {
                truth(reply.finish.is_some_and(|finish| finish.as_str() == reference))
            }),
        }
    }

    /// Whether the reply holds anything to compare: a number, a letter, JSON. What does not cannot be right, and says little
    /// of what the model knows. `true` for graders that read every text.
    #[must_use]
    pub fn can_read(&self, reply: Reply<'_>) -> bool {
        match self {
            Self::Number(number) => number.find(reply.text).is_some(),
            Self::Choice(choice) => choice.chooses(reply.text),
            Self::JsonMatch => serde_json::from_str::<IgnoredAny>(reply.text).is_ok(),
            _ => true,
        }
    }

    /// The id that a report prints, where the suite asked for `asked`: what an option makes another measure has another id.
    pub(super) fn id(&self, asked: String) -> String {
        match self {
            Self::ModelGraded(graded) => graded.id(),
            Self::Rouge(_, RougeWords::Stemmed) => format!("{asked}-stemmed"),
            _ => asked,
        }
    }

    /// Whether [`Grader::can_read`] may say no.
    #[must_use]
    pub const fn may_find_nothing(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Choice(_) | Self::JsonMatch)
    }

    /// Whether it compares the answers of both arms, and scores none by itself.
    #[must_use]
    pub const fn compares(&self) -> bool {
        matches!(self, Self::ModelGraded(_))
    }

    /// The text of the file that it may name, a JSON Schema or a prompt: part of what a suite's digest covers.
    pub(super) fn file_text(&self) -> Option<&str> {
        match self {
            Self::Live(rule) => rule.schema(),
            Self::ModelGraded(graded) => Some(graded.template()),
            Self::Not(grader) => grader.file_text(),
            _ => None,
        }
    }

    /// What is wrong with a reference, when no answer at all could agree with it.
    #[must_use]
    pub fn fault(&self, reference: &str) -> Option<&'static str> {
        let (is_sound, rule) = match self {
            Self::Not(grader) => return grader.fault(reference),
            Self::JsonMatch => (serde_json::from_str::<IgnoredAny>(reference).is_ok(), "is no JSON"),
            Self::ToolCall => (
                tool_call::is_readable(reference),
                "is no call {\"name\": …, \"arguments\": {…}}, nor an array of them",
            ),
            Self::FinishReason(None) => (
                Finish::ALL.iter().any(|finish| finish.as_str() == reference),
                "is none of stop, length, tool_calls",
            ),
            _ => (true, ""),
        };
        (!is_sound).then_some(rule)
    }

    /// Whether scores are 0 or 1, so that pairs of answers can be counted as flips.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        match self {
            Self::Exact(_) | Self::Text(_) | Self::Number(_) | Self::Choice(_) | Self::Live(_) => true,
            Self::JsonMatch | Self::ToolCall | Self::FinishReason(_) | Self::Not(_) => true,
            Self::Promptfoo(tests) => tests.is_binary(),
            Self::WordF1(_) | Self::Rouge(..) | Self::Bleu(_) | Self::Chrf => false,
            Self::Levenshtein | Self::Cosine(_) | Self::ModelGraded(_) => false,
        }
    }
}

fn best(references: &[String], score: impl Fn(&str) -> f64) -> Option<f64> {
    references.iter().map(|reference| score(reference)).max_by(f64::total_cmp)
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests;
