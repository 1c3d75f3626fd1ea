//! What several answers of one arm to one prompt say of noise.

use crate::stats::{RepeatedCase, repeated_mean};

/// A score from here on is a right answer.
const RIGHT: f64 = 0.5;

/// The noise of repeated answers; shown, and part of no test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepeatNoise {
    /// Share of the prompts whose score flips between two answers of the baseline (A against A); `None`: one answer each.
    pub flips_baseline: Option<f64>,
    /// The same of the candidate.
    pub flips_candidate: Option<f64>,
    /// Standard error of the mean difference that would remain if the prompts were all there are: sampling noise alone.
    pub within_standard_error: Option<f64>,
    /// Standard deviation of the true difference between prompts.
    pub between_deviation: Option<f64>,
}

impl RepeatNoise {
    /// The noise over `cases`, each the scores of the baseline's and of the candidate's answers. `None` for fewer than two
    /// cases, one without a score, or one answer each.
    ///
    /// *Symbols.* With r right ones of k answers to a prompt, 2r(k − r)/(k(k − 1)) of its pairs of answers flip; the share is
    /// the mean over prompts. Variances by Miller (2024), arXiv 2411.00640, §3 ([`repeated_mean`]).
    #[must_use]
    pub fn of(cases: &[(Vec<f64>, Vec<f64>)]) -> Option<Self> {
        let repeated: Vec<_> =
            cases.iter().map(|(baseline, candidate)| RepeatedCase { baseline, candidate }).collect();
        let repeats = repeated_mean(&repeated).ok()?;
        let flips_baseline = flips(cases.iter().map(|(baseline, _)| baseline));
        let flips_candidate = flips(cases.iter().map(|(_, candidate)| candidate));
        let noise = Self {
            flips_baseline,
            flips_candidate,
            within_standard_error: repeats.within_standard_error,
            between_deviation: repeats.between_variance.map(f64::sqrt),
        };
        flips_baseline.or(flips_candidate).map(|_| noise)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of answers and prompts")]
fn flips<'s>(arm: impl Iterator<Item = &'s Vec<f64>>) -> Option<f64> {
    let (mut sum, mut prompts) = (0.0, 0.0);
    for scores in arm {
        let (all, right) =
            (scores.len() as f64, scores.iter().filter(|score| **score >= RIGHT).count() as f64);
        if all < 2.0 {
            return None;
        }
        sum += 2.0 * right * (all - right) / (all * (all - 1.0));
        prompts += 1.0;
    }
    (prompts > 0.0).then(|| sum / prompts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_are_counted_over_pairs_of_answers_of_one_arm() {
        let cases = [
            (vec![1.0, 1.0], vec![1.0, 0.0]),
            (vec![0.0, 1.0], vec![0.0, 0.0]),
            (vec![1.0, 1.0], vec![0.0, 1.0]),
            (vec![1.0, 1.0], vec![1.0, 1.0]),
        ];
        let noise = RepeatNoise::of(&cases).unwrap();
        assert_eq!((noise.flips_baseline, noise.flips_candidate), (Some(0.25), Some(0.5)));
        // Each prompt with one flip has variance ½ of one answer, ¼ of a mean of two: three of them over four prompts.
        let within = (3.0_f64 * 0.25).sqrt() / 4.0;
        assert!((noise.within_standard_error.unwrap() - within).abs() < 1e-12);
        let third = RepeatNoise::of(&[(vec![1.0, 1.0, 0.0], vec![1.0]), (vec![1.0; 3], vec![1.0])]).unwrap();
        assert_eq!((third.flips_baseline, third.flips_candidate), (Some(1.0 / 3.0), None));
        assert_eq!((third.within_standard_error, third.between_deviation), (None, None));
    }

    #[test]
    fn one_answer_each_says_nothing_of_noise() {
        assert_eq!(RepeatNoise::of(&[(vec![1.0], vec![0.0]), (vec![1.0], vec![1.0])]), None);
        assert_eq!(RepeatNoise::of(&[]), None);
        assert_eq!(RepeatNoise::of(&[(vec![1.0, 0.0], vec![1.0, 0.0])]), None);
    }
}
