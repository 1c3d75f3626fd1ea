//! `f1@squad` and `f1@bag`: how many words an answer shares with the reference.
//!
//! Both are called F1 over words and differ in nearly everything else: SQuAD counts a word as often as it occurs, DROP once;
//! DROP splits at hyphens, reads numbers by value (`5` is `5.0`), wants one number of the reference in the answer, and rounds
//! to two places.

use std::collections::HashSet;

use regex::{Error, Regex};

use super::tokens::{as_f64, counts, f1, overlap, ratio, words};

/// Whose F1 it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum F1Rule {
    /// SQuAD 1.1, `evaluate-v1.1.py`.
    Squad,
    /// DROP, one span, as lm-evaluation-harness computes it (task `drop` version 3).
    Bag,
}

/// F1 over words.
#[derive(Clone, Debug)]
pub struct WordF1 {
    rule: F1Rule,
    articles: Regex,
}

impl WordF1 {
    /// The grader with this rule.
    ///
    /// # Errors
    /// Never in practice: the pattern is a constant, and a test compiles it.
    pub fn new(rule: F1Rule) -> Result<Self, Error> {
        Ok(Self { rule, articles: Regex::new(r"\b(a|an|the)\b")? })
    }

    /// F1 of the words of `output` against those of `reference`, in [0, 1].
    #[must_use]
    pub fn score(&self, output: &str, reference: &str) -> f64 {
        match self.rule {
            F1Rule::Squad => self.squad(output, reference),
            F1Rule::Bag => self.bag(output, reference),
        }
    }

    fn squad(&self, output: &str, reference: &str) -> f64 {
        let [output, reference] = [output, reference].map(|text| {
            let plain = without_punctuation(&text.to_lowercase());
            self.articles.replace_all(&plain, " ").into_owned()
        });
        let (output, reference) = (counts(words(&output)), counts(words(&reference)));
        let shared = overlap(&output, &reference);
        f1(ratio(shared, output.values().sum()), ratio(shared, reference.values().sum()))
    }

    fn bag(&self, output: &str, reference: &str) -> f64 {
        // The oracle passes over references without text.
        if words(reference).next().is_none() {
            return 0.0;
        }
        let (output, reference) = (self.bag_of(output), self.bag_of(reference));
        let has_number = reference.iter().any(|word| number(word).is_some());
        let shares_number = reference.intersection(&output).any(|word| number(word).is_some());
        if has_number && !shares_number {
            return 0.0;
        }
        let shared = as_f64(reference.intersection(&output).count());
        // An empty bag holds nothing wrong, says the oracle.
        let share = |bag: &HashSet<String>| if bag.is_empty() { 1.0 } else { shared / as_f64(bag.len()) };
        (f1(share(&output), share(&reference)) * 100.0).round_ties_even() / 100.0
    }

    fn bag_of(&self, text: &str) -> HashSet<String> {
        let tokens = text.split([' ', '-']).map(|token| {
            let token = token.to_lowercase();
            let plain = if number(&token).is_some() { token } else { without_punctuation(&token) };
            let fixed = number(&plain).map_or(plain, |value| format!("{value:?}"));
            self.articles.replace_all(&fixed, " ").into_owned()
        });
        tokens.flat_map(|token| words(&token).map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

fn without_punctuation(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_punctuation()).collect()
}

fn number(word: &str) -> Option<f64> {
    word.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answer, reference, and both scores: of SQuAD's functions as transformers 4.40.0 carries them (without the rule for
    /// questions without an answer, which version 1.1 lacks), and of lm_eval 0.4.13, `tasks/drop/utils.py`.
    const CASES: [(&str, &str, f64, f64); 13] = [
        ("The Amazon rainforest", "Amazon rainforest, in Brazil", 2.0 / 3.0, 0.67),
        ("a cat and the cat", "cat cat cat", 2.0 / 3.0, 0.67),
        ("in 1998, not 1999", "1998", 0.4, 0.4),
        ("3 dogs", "4 dogs", 0.5, 0.0),
        ("5", "5.0 points", 0.0, 0.67),
        ("well-known state-of-the-art", "well known state of art", 0.0, 1.0),
        ("", "the", 0.0, 1.0),
        ("Paris", "paris.", 1.0, 1.0),
        ("$1,000", "1000", 1.0, 1.0),
        ("the quick brown fox", "fox quick the brown brown", 6.0 / 7.0, 1.0),
        ("an apple\nfell down", "apple fell", 0.8, 0.8),
        ("don\u{2019}t", "dont", 0.0, 0.0),
        ("1e3 km", "1000 km", 0.5, 1.0),
    ];

    fn check(rule: F1Rule, output: &str, reference: &str, expected: f64) {
        let score = WordF1::new(rule).unwrap().score(output, reference);
        assert!(
            (score - expected).abs() < 1e-12,
            "{rule:?} {output:?} {reference:?}: {score}, not {expected}"
        );
    }

    #[test]
    fn both_rules_score_as_their_oracles() {
        for (output, reference, squad, bag) in CASES {
            check(F1Rule::Squad, output, reference, squad);
            check(F1Rule::Bag, output, reference, bag);
        }
    }

    #[test]
    fn a_reference_without_words_gives_nothing_away() {
        check(F1Rule::Squad, "", "", 0.0);
        check(F1Rule::Bag, "", " ", 0.0);
    }
}
