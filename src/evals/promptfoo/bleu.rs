//! BLEU and GLEU as promptfoo computes them, which is not as sacrebleu does.

use std::collections::HashMap;

use crate::evals::grader::{as_f64, counts, overlap, ratio};

const ORDERS: usize = 4;
/// In place of a precision of 0.
const SMOOTHED: f64 = 1e-7;

/// `calculateBleuScore`: lower case, words at white space, all orders that the answer has with equal weight, the most that one
/// reference shares, the reference length nearest to the answer's (the shorter of two).
pub(super) fn bleu(output: &str, references: &[String]) -> f64 {
    let output = words(output);
    if output.is_empty() || references.is_empty() {
        return 0.0;
    }
    let references: Vec<Vec<String>> = references.iter().map(|text| words(text)).collect();
    let nearest = references.iter().map(|words| words.len().max(1));
    let nearest = nearest.min_by_key(|length| (length.abs_diff(output.len()), *length)).unwrap_or(1);
    let (mut log_sum, mut orders) = (0.0, 0.0);
    for order in (1..=ORDERS).take_while(|order| *order <= output.len()) {
        let grams = counts(output.windows(order));
        let shared = references.iter().map(|words| overlap(&grams, &counts(words.windows(order)))).max();
        let precision = ratio(shared.unwrap_or(0), output.len() + 1 - order);
        log_sum += if precision == 0.0 { SMOOTHED } else { precision }.ln();
        orders += 1.0;
    }
    let brevity = if output.len() > nearest { 0.0 } else { 1.0 - as_f64(nearest) / as_f64(output.len()) };
    (brevity + log_sum / orders).exp()
}

/// `calculateGleuScore`: the lesser of precision and recall over all n-grams of orders 1 to 4, words without stops at their
/// end; the best of the references.
pub(super) fn gleu(output: &str, references: &[String]) -> f64 {
    let plain = |text: &str| -> Vec<String> {
        words(text).into_iter().map(|word| word.trim_end_matches('.').to_owned()).collect()
    };
    let output = plain(output);
    let score = |reference: Vec<String>| {
        if output == reference && !output.is_empty() {
            return 1.0;
        }
        let (found, wanted) = (grams(&output), grams(&reference));
        let shared = overlap(&found, &wanted);
        ratio(shared, found.values().sum()).min(ratio(shared, wanted.values().sum()))
    };
    references.iter().map(|reference| score(plain(reference))).fold(0.0, f64::max)
}

fn grams(words: &[String]) -> HashMap<&[String], usize> {
    counts((1..=ORDERS).flat_map(|order| words.windows(order)))
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answer, reference, and both scores of the functions of promptfoo 0.121.20.
    const CASES: [(&str, &str, f64, f64); 7] = [
        ("The cat sat on the mat", "The cat sat on the mat.", 0.7598356856515925, 1.0),
        ("The cat sat on the mat.", "the cat sat on the mat.", 1.0, 1.0),
        ("the the the the", "the cat is on the mat", 0.000002868106410131918, 0.1111111111111111),
        ("It is a guide to action", "It is the guide to action that it follows", 0.006413280899757862, 0.3),
        ("short", "a much longer reference text here", 6.737946999085463e-10, 0.0),
        ("a b c d e f g", "a b c d x f g", 0.488923022434901, 0.5909090909090909),
        ("Bonjour le monde", "bonjour tout le monde", 0.0026397239179159187, 0.4),
    ];

    #[test]
    fn both_score_as_their_oracle() {
        for (output, reference, expected_bleu, expected_gleu) in CASES {
            let references = [reference.to_owned()];
            for (score, expected) in
                [(bleu(output, &references), expected_bleu), (gleu(output, &references), expected_gleu)]
            {
                assert!(
                    (score - expected).abs() < 1e-12,
                    "{output:?} {reference:?}: {score}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn several_references_count_as_they_do_there() {
        let references = ["a b c x", "d e", "b c d e f"].map(str::to_owned);
        assert!((bleu("a b c d", &references) - 0.012574334296829352).abs() < 1e-12);
        assert!((gleu("a b c d", &references) - 0.6).abs() < 1e-12);
        assert_eq!((bleu(" ", &references), gleu("", &references)), (0.0, 0.0));
    }
}
