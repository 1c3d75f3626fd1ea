//! What the graders that count words have in common.

use std::collections::HashMap;
use std::hash::Hash;

/// Whether Python's `str.split()` splits there: Unicode white space and the four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The words of a text, as Python's `str.split()` gives them.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// How often each item occurs.
pub(in crate::evals) fn counts<T: Eq + Hash>(items: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// How many items two collections share, each as often as it occurs in both.
pub(in crate::evals) fn overlap<T: Eq + Hash>(left: &HashMap<T, usize>, right: &HashMap<T, usize>) -> usize {
    left.iter().map(|(item, count)| right.get(item).map_or(0, |other| *count.min(other))).sum()
}

/// `part / whole`, and 0 of nothing.
pub(in crate::evals) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { as_f64(part) / as_f64(whole) }
}

/// The harmonic mean of precision and recall; 0 when both are.
pub(super) fn f1(precision: f64, recall: f64) -> f64 {
    let sum = precision + recall;
    if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 }
}

/// A count of words; texts are far too short to lose one.
pub(in crate::evals) const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_the_oracles_split_them() {
        let split: Vec<&str> = words(" a\tb\u{a0}c\x1fd\u{2003}e\n").collect();
        assert_eq!(split, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn an_item_is_shared_as_often_as_both_have_it() {
        assert_eq!(overlap(&counts("aab".chars()), &counts("abba".chars())), 3);
        assert_eq!((ratio(0, 0), f1(0.0, 0.0), f1(1.0, 0.5)), (0.0, 0.0, 2.0 / 3.0));
    }
}
