//! `exact_match@lm-eval`: the same text, after what is to be ignored was taken out.

use regex::Regex;

/// Exact match with the options of its oracle, all off by default. They are applied in this order: patterns, case,
/// punctuation, digits.
#[derive(Clone, Debug, Default)]
pub struct ExactMatch {
    /// Whatever these match is taken out of both texts first. They see the original case.
    pub regexes_to_ignore: Vec<Regex>,
    /// Both texts are lower-cased.
    pub ignore_case: bool,
    /// ASCII punctuation is taken out of both texts.
    pub ignore_punctuation: bool,
    /// ASCII digits are taken out of both texts.
    pub ignore_numbers: bool,
}

impl ExactMatch {
    /// 1 when the texts are the same, else 0. Texts of which nothing is left count as the same only if they were so
    /// from the start: that normalisation removed everything is no evidence of a right answer.
    #[must_use]
    pub fn score(&self, output: &str, reference: &str) -> f64 {
        let (left, right) = (self.normalise(output), self.normalise(reference));
        let same = left == right && (!left.is_empty() || output == reference);
        if same { 1.0 } else { 0.0 }
    }

    fn normalise(&self, text: &str) -> String {
        let kept = self
            .regexes_to_ignore
            .iter()
            .fold(text.to_owned(), |text, regex| regex.replace_all(&text, "").into_owned());
        let cased = if self.ignore_case { kept.to_lowercase() } else { kept };
        let dropped = |c: char| {
            (self.ignore_punctuation && c.is_ascii_punctuation())
                || (self.ignore_numbers && c.is_ascii_digit())
        };
        cased.chars().filter(|c| !dropped(*c)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the oracle's own page.
    const OUTPUTS: [&str; 4] = ["cat?", "theater", "yelling", "agent"];
    const REFERENCES: [&str; 4] = ["the cat", "theater", "YELLING", "agent007"];

    fn check(exact: &ExactMatch, expected: f64) {
        let sum: f64 =
            OUTPUTS.iter().zip(REFERENCES).map(|(output, reference)| exact.score(output, reference)).sum();
        assert_eq!(sum / 4.0, expected, "{exact:?}");
    }

    fn ignoring(patterns: &[&str]) -> ExactMatch {
        let regexes_to_ignore = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
        ExactMatch { regexes_to_ignore, ignore_case: true, ignore_punctuation: true, ignore_numbers: false }
    }

    #[test]
    fn the_examples_of_the_oracle_hold() {
        check(&ExactMatch::default(), 0.25);
        check(&ignoring(&["the ", "yell"]), 0.5);
        check(&ignoring(&["the ", "yell", "YELL"]), 0.75);
        check(&ExactMatch { ignore_numbers: true, ..ignoring(&["the ", "yell", "YELL"]) }, 1.0);
    }

    #[test]
    fn swapping_answer_and_reference_changes_nothing() {
        let exact = ExactMatch { ignore_numbers: true, ..ignoring(&["the "]) };
        for (output, reference) in OUTPUTS.iter().zip(REFERENCES) {
            assert_eq!(
                exact.score(output, reference),
                exact.score(reference, output),
                "{output} {reference}"
            );
        }
    }

    #[test]
    fn two_texts_that_were_normalised_away_are_not_alike() {
        let exact = ExactMatch { ignore_numbers: true, ..ExactMatch::default() };
        assert_eq!(exact.score("17", "18"), 0.0);
        assert_eq!(exact.score("", "18"), 0.0);
        assert_eq!(exact.score("18", "18"), 1.0);
    }
}
