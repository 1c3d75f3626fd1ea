//! Graders: an answer and a reference in, a score in [0, 1] out.
//!
//! A grader is named by what it measures and by whose definition it follows, so that a changed definition is
//! another grader and never a silent change of scores.
//!
//! | id | score | oracle |
//! |---|---|---|
//! | `exact_match@lm-eval` | 1 when answer and reference are the same text, after the normalisations asked for | Hugging Face `evaluate`, metric `exact_match`, which lm-evaluation-harness ports |
//! | `number@gsm8k-strict` | 1 when the number after `####` is the reference | lm-evaluation-harness, task `gsm8k` version 3, filter `strict-match` |
//! | `number@gsm8k-flexible` | 1 when the last number is the reference | the same task, filter `flexible-extract` |
//! | `similarity@levenshtein` | 1 − edits / length of the longer text, in characters | `strsim::normalized_levenshtein` |
//! | `similarity@cosine` | cosine of the two embeddings of [`Embedder`] | this crate; the vectors are defined in `embedder.rs` |
//! | `non_empty@1` | 1 when the answer holds more than white space | – |
//! | `regex@1` | 1 when the pattern is found in the answer | the `regex` crate's syntax, see [`LiveGrader`] |

mod exact;
mod number;

use std::sync::Arc;

pub use exact::ExactMatch;
pub use number::{NumberFilter, NumberMatch};

use super::embedder::Embedder;
use crate::wire::LiveGrader;

/// Every grader there is.
#[derive(Clone, Debug)]
pub enum Grader {
    /// `exact_match@lm-eval`.
    Exact(ExactMatch),
    /// `number@gsm8k-strict` and `number@gsm8k-flexible`.
    Number(NumberMatch),
    /// `similarity@levenshtein`.
    Levenshtein,
    /// `similarity@cosine`.
    Cosine(Arc<Embedder>),
    /// `non_empty@1` and `regex@1`.
    Pattern(LiveGrader),
}

impl Grader {
    /// The ids of all graders, as suites write them.
    pub const IDS: [&str; 7] = [
        "exact_match@lm-eval",
        "number@gsm8k-strict",
        "number@gsm8k-flexible",
        "similarity@levenshtein",
        "similarity@cosine",
        "non_empty@1",
        "regex@1",
    ];

    /// The score of `output` in [0, 1], the best over all references. `None` when the grader needs a reference
    /// and the case has none: the metric does not apply there.
    #[must_use]
    pub fn score(&self, output: &str, references: &[String]) -> Option<f64> {
        match self {
            Self::Pattern(pattern) => Some(pattern.score(output)),
            Self::Exact(exact) => best(references, |reference| exact.score(output, reference)),
            Self::Number(number) => best(references, |reference| number.score(output, reference)),
            Self::Levenshtein => {
                best(references, |reference| strsim::normalized_levenshtein(output, reference))
            }
            Self::Cosine(embedder) => {
                let vector = embedder.embed(output);
                best(references, |reference| vector.cosine(&embedder.embed(reference)))
            }
        }
    }

    /// Whether scores are 0 or 1, so that pairs of answers can be counted as flips.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Exact(_) | Self::Number(_) | Self::Pattern(_))
    }
}

fn best(references: &[String], score: impl Fn(&str) -> f64) -> Option<f64> {
    references.iter().map(|reference| score(reference)).max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(grader: &Grader, output: &str, references: &[&str], expected: Option<f64>) {
        let references: Vec<String> = references.iter().map(ToString::to_string).collect();
        assert_eq!(grader.score(output, &references), expected, "{output:?} against {references:?}");
    }

    #[test]
    fn the_best_reference_counts_and_none_at_all_is_no_score() {
        check(&Grader::Levenshtein, "two", &["2", "two"], Some(1.0));
        check(&Grader::Levenshtein, "kitten", &["sitting"], Some(1.0 - 3.0 / 7.0));
        check(&Grader::Levenshtein, "two", &[], None);
        check(&Grader::Levenshtein, "", &["two"], Some(0.0));
        let pattern = LiveGrader::new("non_empty@1".into(), r"\S").unwrap();
        check(&Grader::Pattern(pattern), "two", &[], Some(1.0));
    }
}
