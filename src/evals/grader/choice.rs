//! `choice@mmlu` and `choice@mmlu-pro`: the letter of a multiple-choice answer.
//!
//! Both follow lm-evaluation-harness: a filter takes the letter out of the answer, and letter and reference are compared
//! without case and ASCII punctuation. They want different answers: the one nothing but the letter on its first line, the
//! other a sentence that says `answer is (C)`.

use regex::{Error, Regex};

use super::exact::ExactMatch;

/// How the letter is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceFilter {
    /// The whole first line: tasks `mmlu_*_generative` version 3, filter `get_response`.
    FirstLine,
    /// The letter from A to J behind the first `answer is `: task `mmlu_pro` version 3.1, filter `custom-extract`.
    AnswerIs,
}

/// Compares the chosen letter with the reference.
#[derive(Clone, Debug)]
pub struct ChoiceMatch {
    filter: ChoiceFilter,
    answer_is: Regex,
    exact: ExactMatch,
}

impl ChoiceMatch {
    /// The grader with this filter.
    ///
    /// # Errors
    /// Never in practice: the pattern is a constant, and a test compiles it.
    pub fn new(filter: ChoiceFilter) -> Result<Self, Error> {
        let exact = ExactMatch { ignore_case: true, ignore_punctuation: true, ..ExactMatch::default() };
        Ok(Self { filter, answer_is: Regex::new(r"answer is \(?([ABCDEFGHIJ])\)?")?, exact })
    }

    /// 1 when `output` chooses `reference`, else 0; 0 when it chooses nothing.
    #[must_use]
    pub fn score(&self, output: &str, reference: &str) -> f64 {
        self.find(output).map_or(0.0, |choice| self.exact.score(choice, reference))
    }

    /// Whether `output` chooses anything: one letter, and signs around it.
    #[must_use]
    pub fn chooses(&self, output: &str) -> bool {
        let letters = |choice: &str| choice.chars().filter(|sign| sign.is_alphanumeric()).count();
        self.find(output).is_some_and(|choice| letters(choice) == 1)
    }

    fn find<'t>(&self, output: &'t str) -> Option<&'t str> {
        match self.filter {
            ChoiceFilter::FirstLine => output.split('\n').next().map(str::trim),
            ChoiceFilter::AnswerIs => Some(self.answer_is.captures(output)?.get(1)?.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answer, reference, and the score from the filters and `exact_match` of lm_eval 0.4.13.
    const FIRST_LINE: [(&str, &str, f64); 9] = [
        (" B", "B", 1.0),
        ("B.", "B", 1.0),
        ("(B)", "B", 1.0),
        ("b\nbecause", "B", 1.0),
        ("**B**  ", "B", 1.0),
        ("B. Paris", "B", 0.0),
        ("\nB", "B", 0.0),
        ("The answer is B", "B", 0.0),
        ("", "B", 0.0),
    ];
    const ANSWER_IS: [(&str, &str, f64); 8] = [
        ("The answer is (C).", "C", 1.0),
        ("so the answer is C because", "C", 1.0),
        ("The answer is C, no, the answer is (D)", "C", 1.0),
        ("the answer is Always", "A", 1.0),
        ("The answer is (c).", "C", 0.0),
        ("Answer: C", "C", 0.0),
        ("answer is (K)", "K", 0.0),
        ("the answer is \n(C)", "C", 0.0),
    ];

    #[test]
    fn letters_are_found_as_the_oracle_finds_them() {
        let cases = FIRST_LINE.map(|case| (ChoiceFilter::FirstLine, case)).into_iter();
        for (filter, (output, reference, expected)) in
            cases.chain(ANSWER_IS.map(|case| (ChoiceFilter::AnswerIs, case)))
        {
            let score = ChoiceMatch::new(filter).unwrap().score(output, reference);
            assert_eq!(score, expected, "{filter:?} {output:?}");
        }
    }
}
