//! `number@gsm8k-strict` and `number@gsm8k-flexible`: the number an answer ends with.
//!
//! Both follow lm-evaluation-harness, task `gsm8k`, version 3: a filter takes a number out of the answer, then number and
//! reference are compared without case, and without what the task ignores: commas, dollar signs, everything up to `#### `, a full
//! stop at the end. On the recorded answers in `datasets/gsm8k`, which end in `A: 26` and carry calculator annotations such
//! as `<<13*2=26>>`, the flexible filter agrees with the published label of every one of the 2,638 answers; the strict filter
//! finds nothing there, since none of them writes `####`.

use regex::{Error, Regex};

/// How the number is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFilter {
    /// The first number behind `#### `.
    Strict,
    /// The last number anywhere.
    Flexible,
}

/// Compares the number of an answer with the reference.
#[derive(Clone, Debug)]
pub struct NumberMatch {
    filter: NumberFilter,
    number: Regex,
    ignored: [Regex; 4],
}

const STRICT: &str = r"#### (-?[0-9.,]+)";
const FLEXIBLE: &str = r"(-?[$0-9.,]{2,})|(-?[0-9]+)";
const IGNORED: [&str; 4] = [",", r"\$", r"(?s).*#### ", r"\.$"];

impl NumberMatch {
    /// The grader with this filter.
    ///
    /// # Errors
    /// Never in practice: the patterns are constants, and a test compiles them.
    pub fn new(filter: NumberFilter) -> Result<Self, Error> {
        let number = match filter {
            NumberFilter::Strict => STRICT,
            NumberFilter::Flexible => FLEXIBLE,
        };
        let [comma, dollar, lead, stop] = IGNORED;
        let ignored = [Regex::new(comma)?, Regex::new(dollar)?, Regex::new(lead)?, Regex::new(stop)?];
        Ok(Self { filter, number: Regex::new(number)?, ignored })
    }

    /// 1 when the number in `output` is `reference`, else 0; 0 when there is no number.
    #[must_use]
    pub fn score(&self, output: &str, reference: &str) -> f64 {
        let found = self.find(output).map(|number| self.normalise(number));
        if found.is_some_and(|number| number == self.normalise(reference)) { 1.0 } else { 0.0 }
    }

    /// The number as it is written in `output`.
    #[must_use]
    pub fn find<'t>(&self, output: &'t str) -> Option<&'t str> {
        let found = match self.filter {
            NumberFilter::Strict => self.number.captures(output)?.get(1),
            NumberFilter::Flexible => self.number.find_iter(output).last(),
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

    #[test]
    fn no_number_is_a_wrong_answer_and_never_the_empty_reference() {
        check(NumberFilter::Flexible, "I do not know", "18", 0.0);
        check(NumberFilter::Flexible, "", "", 0.0);
        check(NumberFilter::Strict, "", "", 0.0);
    }
}
