//! `chrf@sacrebleu`: shared character n-grams, recall counting twice as much as precision.
//!
//! Popović, "chrF: character n-gram F-score", 2015, as `sacrebleu.sentence_chrf` computes it (chrF2): orders 1 to 6, no words,
//! white space left out, case kept, orders that either text lacks left out of the averages.

use super::tokens::{as_f64, counts, is_space, overlap, ratio};

const ORDER_MAX: usize = 6;
/// Recall counts β² as much as precision, with β = 2.
const RECALL_WEIGHT: f64 = 4.0;

/// chrF2 of `output` against `reference`, in [0, 1].
pub(super) fn score(output: &str, reference: &str) -> f64 {
    let [output, reference] =
        [output, reference].map(|text| text.chars().filter(|c| !is_space(*c)).collect::<Vec<char>>());
    let orders = ORDER_MAX.min(output.len()).min(reference.len());
    let (mut precision, mut recall) = (0.0, 0.0);
    for order in 1..=orders {
        let (output, reference) = (counts(output.windows(order)), counts(reference.windows(order)));
        let shared = overlap(&output, &reference);
        precision += ratio(shared, output.values().sum());
        recall += ratio(shared, reference.values().sum());
    }
    if precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / as_f64(orders), recall / as_f64(orders));
    (1.0 + RECALL_WEIGHT) * precision * recall / (RECALL_WEIGHT * precision + recall)
}

#[cfg(test)]
mod tests {
    /// Values of `sacrebleu.sentence_chrf`, version 2.6.0; with several references, the best.
    const CASES: [(&str, &[&str], f64); 9] = [
        ("The dog bit the man.", &["The dog bit the man.", "The dog had bit the man."], 1.0),
        (
            "It wasn't surprising.",
            &["It was not unexpected.", "No one was surprised."],
            0.353_463_530_142_529_1,
        ),
        (
            "The man had just bitten him.",
            &["The man bit him first.", "The man had bitten the dog."],
            0.518_774_079_950_477_9,
        ),
        ("cat sat", &["the cat sat on the mat"], 0.272_533_154_054_263_1),
        ("", &["cat"], 0.0),
        ("dog", &["cat"], 0.0),
        (
            "It costs $3.50, i.e. 1,000-fold (or \"more\")!",
            &["It costs $3.50 - i.e. 1,000 fold, or more!"],
            0.623_648_453_971_199_7,
        ),
        ("El niño comió 2-3 manzanas; ¿no?  ", &["El niño comió 2-3 peras ; ¿no?"], 0.716_293_551_795_912_6),
        ("x\x1cy z w", &["x y z w"], 1.0),
    ];

    #[test]
    fn answers_score_as_the_oracle_says() {
        for (output, references, expected) in CASES {
            let scores = references.iter().map(|reference| super::score(output, reference));
            let score = scores.fold(0.0, f64::max);
            assert!((score - expected).abs() < 1e-12, "{output:?}: {score}, not {expected}");
        }
    }
}
