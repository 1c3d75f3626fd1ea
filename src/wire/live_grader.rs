//! A grader that needs no reference: a pattern that a good answer matches.

use regex::{Regex, RegexBuilder};

use crate::domain::MetricName;

/// Memory a compiled pattern may take. Larger ones are refused: a pattern runs on every mirrored answer.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Scores an answer by whether a pattern is found in it. Linear in the length of the answer, whatever the pattern.
#[derive(Clone, Debug)]
pub struct LiveGrader {
    name: MetricName,
    pattern: Regex,
}

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no usable pattern: {text}")]
pub struct LiveGraderError {
    /// The pattern.
    pub pattern: String,
    /// What the regex engine said, on one line.
    pub text: String,
}

impl LiveGrader {
    /// A grader whose metric is called `name`.
    ///
    /// # Errors
    /// When `pattern` is no regular expression of the `regex` crate, or compiles to more than 1 MiB.
    pub fn new(name: MetricName, pattern: &str) -> Result<Self, LiveGraderError> {
        match RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(pattern) => Ok(Self { name, pattern }),
            Err(error) => Err(LiveGraderError { pattern: pattern.to_owned(), text: last_line(&error) }),
        }
    }

    /// The metric it feeds.
    #[must_use]
    pub const fn name(&self) -> &MetricName {
        &self.name
    }

    /// 1 when the pattern is found in `answer`, else 0. The empty answer is no answer and scores 0, even
    /// under a pattern that matches nothing at all.
    #[must_use]
    pub fn score(&self, answer: &str) -> f64 {
        if !answer.is_empty() && self.pattern.is_match(answer) { 1.0 } else { 0.0 }
    }
}

/// The regex engine draws the pattern over several lines; the last one says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, answer: &str, expected: f64) {
        let grader = LiveGrader::new("answer_line".into(), pattern).unwrap();
        assert_eq!(grader.score(answer), expected, "{pattern} in {answer:?}");
    }

    #[test]
    fn an_answer_scores_by_what_is_found_in_it() {
        check(r"(?m)^A: -?[\d,.]+$", "so 2+2\nA: 4", 1.0);
        check(r"(?m)^A: -?[\d,.]+$", "please give me a question", 0.0);
        check(r"\S", " \n\t", 0.0);
        check(r"\S", "é", 1.0);
    }

    #[test]
    fn an_empty_answer_never_scores() {
        check(".*", "", 0.0);
        check("^$", "", 0.0);
    }

    #[test]
    fn a_bad_pattern_says_what_is_wrong_with_it() {
        let error = LiveGrader::new("x".into(), "(a").unwrap_err();
        assert_eq!(error.to_string(), "\"(a\" is no usable pattern: unclosed group");
        assert!(LiveGrader::new("x".into(), r"(\pL{99}){99}").is_err());
    }
}
