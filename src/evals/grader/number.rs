//! `number@gsm8k-strict`, `number@gsm8k-flexible` and `number@mgsm`: the number an answer ends with.
//!
//! The first two follow lm-evaluation-harness, task `gsm8k`, version 3: a filter takes a number out of the answer, then number and
//! reference are compared without case, and without what the task ignores: commas, dollar signs, everything up to `#### `, a full
//! stop at the end. On the recorded answers in `datasets/gsm8k`, which end in `A: 26` and carry calculator annotations such
//! as `<<13*2=26>>`, the flexible filter agrees with the published label of every one of the 2,638 answers; the strict filter
//! finds nothing there, since none of them writes `####`.
//!
//! `number@mgsm` is the filter `flexible-extract` of the tasks `mgsm_direct_*` version 4 and `mgsm_*_cot_*` version 3. It finds
//! the same number and ignores more: all ASCII punctuation, so that `18.` is 18, and also `-5` is 5 and `3.5` is 35. It is meant
//! for MGSM's whole numbers.

use regex::{Error, Regex};

/// How the number is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFilter {
    /// The first number behind `#### `.
    Strict,
    /// The last number anywhere.
    Flexible,
    /// The last number anywhere, without its punctuation.
    Mgsm,
}

/// Compares the number of an answer with the reference.
#[derive(Clone, Debug)]
pub struct NumberMatch {
    filter: NumberFilter,
    number: Regex,
    ignored: Vec<Regex>,
}

const STRICT: &str = r"#### (-?[0-9.,]+)";
const FLEXIBLE: &str = r"(-?[$0-9.,]{2,})|(-?[0-9]+)";
const IGNORED: &[&str] = &[",", r"\$", r"(?s).*#### ", r"\.$"];
const IGNORED_MGSM: &[&str] = &["[[:punct:]]"];

impl NumberMatch {
    /// The grader with this filter.
    ///
    /// # Errors
    /// Never in practice: the patterns are constants, and a test compiles them.
    pub fn new(filter: NumberFilter) -> Result<Self, Error> {
        let (number, ignored) = match filter {
            NumberFilter::Strict => (STRICT, IGNORED),
            NumberFilter::Flexible => (FLEXIBLE, IGNORED),
            NumberFilter::Mgsm => (FLEXIBLE, IGNORED_MGSM),
        };
        let ignored: Result<_, Error> = ignored.iter().map(|pattern| Regex::new(pattern)).collect();
        Ok(Self { filter, number: Regex::new(number)?, ignored: ignored? })
    }

    /// 1 when the number in `output` is `reference`, else 0; 0 when there is no number.
    #[must_use]
    pub fn score(&self, output: &str, reference: &str) -> f64 {
        let found = self.find(output).map(|number| self.normalise(number));
        let found = found.filter(|number| !number.is_empty());
        if found.is_some_and(|number| number == self.normalise(reference)) { 1.0 } else { 0.0 }
    }

    /// The number as it is written in `output`.
    #[must_use]
    pub fn find<'t>(&self, output: &'t str) -> Option<&'t str> {
        let found = match self.filter {
            NumberFilter::Strict => self.number.captures(output)?.get(1),
            NumberFilter::Flexible | NumberFilter::Mgsm => self.number.find_iter(output).last(),
        };
        found.map(|number| number.as_str().trim())
    }

    fn normalise(&self, text: &str) -> String {
        let kept = self
            .ignored
            .iter()
            .fold(text.to_owned(), |text, ignored| ignored.replace_all(&text, "").into_owned());
        kept.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: NumberFilter, output: &str, reference: &str, expected: f64) {
        let grader = NumberMatch::new(filter).unwrap();
        assert_eq!(grader.score(output, reference), expected, "{output:?} against {reference:?}");
    }

    #[test]
    fn the_strict_filter_wants_the_mark_and_takes_the_first() {
        use NumberFilter::Strict;
        check(Strict, "so it is\n#### 18", "18", 1.0);
        check(Strict, "#### 1,800.", "1800", 1.0);
        check(Strict, "#### -3", "-3", 1.0);
        check(Strict, "#### 18 and #### 19", "18", 1.0);
        check(Strict, "A: 18", "18", 0.0);
        check(Strict, "#### $18", "18", 0.0);
    }

    #[test]
    fn the_flexible_filter_takes_the_last_number() {
        use NumberFilter::Flexible;
        check(Flexible, "13 * 2 = $<<13*2=26>>26\nA: 26", "26", 1.0);
        check(Flexible, "90,000 of 4", "4", 1.0);
        check(Flexible, "A: $1,450,000.", "1,450,000", 1.0);
        check(Flexible, "A: 8.00", "8", 0.0);
        check(Flexible, "A: -129025", "-129025", 1.0);
        check(Flexible, "first 18, then 19", "18", 0.0);
        check(Flexible, "18 ...", "18", 0.0);
    }

    /// Scores of the filter and `exact_match` of lm_eval 0.4.13.
    #[test]
    fn the_multilingual_filter_takes_the_last_number_without_its_punctuation() {
        use NumberFilter::Mgsm;
        check(Mgsm, "so 5 + 6 = 11. The answer is 11.", "11", 1.0);
        check(Mgsm, "A: $1,234", "1234", 1.0);
        check(Mgsm, "答えは1,080です。", "1080", 1.0);
        check(Mgsm, "it is 7", "7", 1.0);
        check(Mgsm, "A: 3.5", "35", 1.0);
        check(Mgsm, "-5", "5", 1.0);
        check(Mgsm, "8.00", "8", 0.0);
        check(Mgsm, "18 ...", "18", 0.0);
        check(Mgsm, "first 18 then 19", "18", 0.0);
        check(Mgsm, "२", "2", 0.0);
        check(Mgsm, "none", "18", 0.0);
        check(Mgsm, "...", "", 0.0);
    }

    #[test]
    fn no_number_is_a_wrong_answer_and_never_the_empty_reference() {
        check(NumberFilter::Flexible, "I do not know", "18", 0.0);
        check(NumberFilter::Flexible, "", "", 0.0);
        check(NumberFilter::Strict, "", "", 0.0);
    }
}
