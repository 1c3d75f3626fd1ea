//! Several answers to each prompt: what is noise of sampling, and what differs between prompts.

use super::mean::{MeanEstimate, average, mean};
use crate::stats::error::{StatsError, all_finite};

/// All answers to one prompt.
#[derive(Clone, Copy, Debug)]
pub struct RepeatedCase<'a> {
    /// Scores of the baseline's answers.
    pub baseline: &'a [f64],
    /// Scores of the candidate's answers.
    pub candidate: &'a [f64],
}

/// The mean difference over prompts, and where its variance comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeats {
    /// Candidate − baseline, each prompt's answers averaged first.
    pub difference: MeanEstimate,
    /// Standard error that would remain if the prompts were the whole population: sampling noise alone.
    /// `None` when an arm answered some prompt only once.
    pub within_standard_error: Option<f64>,
    /// Estimated variance of the true difference between prompts, at least 0; `None` as above.
    pub between_variance: Option<f64>,
}

/// The mean paired difference with repeats averaged within each prompt.
///
/// *Promise and assumptions* are those of [`mean`] over prompts; prompts independent, answers independent
/// within a prompt and arm.
///
/// *Symbols.* Within a prompt the variance of its mean difference is s²_candidate/k + s²_baseline/k
/// (k − 1 denominators); within standard error √Σ/n; between variance = max(0, variance of prompt means −
/// mean of the within variances).
///
/// # Errors
/// When there are fewer than two prompts, a prompt has no answer in an arm, or a score is not finite.
///
/// Source: Miller (2024), arXiv 2411.00640, §3 (law of total variance).
pub fn repeated_mean(cases: &[RepeatedCase<'_>]) -> Result<Repeats, StatsError> {
    let mut means = Vec::with_capacity(cases.len());
    let mut within = Some(0.0);
    for case in cases {
        all_finite("baseline scores", case.baseline, 1)?;
        all_finite("candidate scores", case.candidate, 1)?;
        means.push(average(case.candidate) - average(case.baseline));
        let noise = variance_of_mean(case.candidate).zip(variance_of_mean(case.baseline));
        within = within.zip(noise).map(|(sum, (candidate, baseline))| sum + candidate + baseline);
    }
    let difference = mean(&means)?;
    let n = means.len() as f64;
    let total = difference.standard_error.map_or(0.0, |error| error.powi(2) * n);
    Ok(Repeats {
        difference,
        within_standard_error: within.map(|sum: f64| sum.sqrt() / n),
        between_variance: within.map(|sum| (total - sum / n).max(0.0)),
    })
}

fn variance_of_mean(scores: &[f64]) -> Option<f64> {
    let k = scores.len() as f64;
    let centre = average(scores);
    let squares: f64 = scores.iter().map(|score| (score - centre).powi(2)).sum();
    (scores.len() > 1).then(|| squares / (k - 1.0) / k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_each_is_the_paired_mean() {
        let rows = [([0.2], [0.4]), ([0.9], [0.7]), ([0.5], [0.6])];
        let cases: Vec<_> =
            rows.iter().map(|(baseline, candidate)| RepeatedCase { baseline, candidate }).collect();
        let repeats = repeated_mean(&cases).unwrap();
        assert_eq!(repeats.difference, mean(&[0.2, 0.7 - 0.9, 0.6 - 0.5]).unwrap());
        assert_eq!((repeats.within_standard_error, repeats.between_variance), (None, None));
    }

    #[test]
    fn missing_answers_are_refused() {
        let full = RepeatedCase { baseline: &[1.0], candidate: &[1.0] };
        assert!(repeated_mean(&[]).is_err() && repeated_mean(&[full]).is_err());
        assert!(repeated_mean(&[full, RepeatedCase { candidate: &[], ..full }]).is_err());
        assert!(repeated_mean(&[full, RepeatedCase { baseline: &[f64::NAN], ..full }]).is_err());
    }
}
