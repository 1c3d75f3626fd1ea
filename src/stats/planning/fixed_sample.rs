//! Pairs that a fixed sample needs, and the effect it can find, by normal approximation.

use std::ops::Bound;

use crate::stats::Alternative;
use crate::stats::error::{StatsError, open_unit, unit, within};
use crate::stats::special::normal_quantile;

/// The two error rates of a planned test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorRates {
    /// Probability of rejecting a true null hypothesis, in (0, 1).
    pub alpha: f64,
    /// Probability of rejecting it when the planned effect is real, in (0, 1).
    pub power: f64,
}

/// How often the arms disagree about a 0/1 outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discordance {
    /// Probability that only the candidate fails.
    pub worse: f64,
    /// Probability that only the baseline fails.
    pub better: f64,
}

/// Where the variance of a paired score difference comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectVariance {
    /// Variance of the true difference between prompts, ω².
    pub between: f64,
    /// Variance of one candidate answer's score within a prompt, σ²_A.
    pub candidate: f64,
    /// Variance of one baseline answer's score within a prompt, σ²_B.
    pub baseline: f64,
    /// Candidate answers to each prompt, K_A.
    pub candidate_answers: u32,
    /// Baseline answers to each prompt, K_B.
    pub baseline_answers: u32,
}

/// Pairs with which McNemar's test finds this difference; `None` when there is none to find.
///
/// *Symbols.* ((z_α √ψ + z_β √(ψ − D²))/D)², ψ = worse + better, D = worse − better. Not rounded.
///
/// # Errors
/// When a probability lies outside its range, or the two discordances exceed 1 together.
///
/// Source: Connor (1987), Biometrics 43:207.
pub fn pairs_for_difference(
    discordance: Discordance,
    rates: ErrorRates,
    alternative: Alternative,
) -> Result<Option<f64>, StatsError> {
    let (psi, difference) = discordance.checked()?;
    let (z_alpha, z_beta) = rates.quantiles(alternative)?;
    let root = z_alpha * psi.sqrt() + z_beta * (psi - difference.powi(2)).sqrt();
    Ok((difference != 0.0).then(|| (root / difference).powi(2)))
}

/// Pairs with which a one-sided test shows "not worse by `margin`" when the true discordance is this;
/// `None` when the true difference reaches the margin.
///
/// *Symbols.* (z_α + z_β)² (ψ − D²)/(margin − D)². Not rounded.
///
/// # Errors
/// When a probability or the margin lies outside (0, 1).
///
/// Source: Liu et al. (2002), Stat. Med. 21:231, unrestricted variance.
pub fn pairs_for_noninferiority(
    discordance: Discordance,
    margin: f64,
    rates: ErrorRates,
) -> Result<Option<f64>, StatsError> {
    let (psi, difference) = discordance.checked()?;
    let slack = open_unit("margin", margin)? - difference;
    let (z_alpha, z_beta) = rates.quantiles(Alternative::Less)?;
    Ok((slack > 0.0).then(|| ((z_alpha + z_beta) / slack).powi(2) * (psi - difference.powi(2))))
}

/// The smallest mean score difference that a two-sided test on `pairs` prompts finds.
///
/// *Symbols.* (z_{α/2} + z_β) √((ω² + σ²_A/K_A + σ²_B/K_B)/n).
///
/// # Errors
/// When `pairs` is 0, a variance negative, a number of answers 0, or a rate outside (0, 1).
///
/// Source: Miller (2024), arXiv 2411.00640, eq. (10).
pub fn detectable_effect(variance: EffectVariance, pairs: u64, rates: ErrorRates) -> Result<f64, StatsError> {
    let n = within("pairs", pairs as f64, 1.0.., "at least 1")?;
    let (z_alpha, z_beta) = rates.quantiles(Alternative::TwoSided)?;
    Ok((z_alpha + z_beta) * (variance.total()? / n).sqrt())
}

/// Prompts with which a two-sided test finds a mean score difference of `effect`. Not rounded.
///
/// # Errors
/// When `effect` is not positive, or as in [`detectable_effect`], whose inverse this is.
///
/// Source: Miller (2024), arXiv 2411.00640, eq. (9).
pub fn pairs_for_effect(variance: EffectVariance, effect: f64, rates: ErrorRates) -> Result<f64, StatsError> {
    within("effect", effect, (Bound::Excluded(0.0), Bound::Unbounded), "positive")?;
    let (z_alpha, z_beta) = rates.quantiles(Alternative::TwoSided)?;
    Ok(((z_alpha + z_beta) / effect).powi(2) * variance.total()?)
}

impl ErrorRates {
    /// (z of α in the tested tails, z of power).
    fn quantiles(self, alternative: Alternative) -> Result<(f64, f64), StatsError> {
        let alpha = alternative.tail_alpha(open_unit("alpha", self.alpha)?);
        Ok((normal_quantile(1.0 - alpha), normal_quantile(open_unit("power", self.power)?)))
    }
}

impl Discordance {
    /// (ψ = worse + better, D = worse − better).
    pub(super) fn checked(self) -> Result<(f64, f64), StatsError> {
        unit("worse", self.worse)?;
        unit("better", self.better)?;
        Ok((unit("worse + better", self.worse + self.better)?, self.worse - self.better))
    }
}

impl EffectVariance {
    fn total(self) -> Result<f64, StatsError> {
        let variance = |name, value| within(name, value, 0.0.., "at least 0");
        let answers = |name, value: u32| within(name, f64::from(value), 1.0.., "at least 1");
        Ok(variance("variance between prompts", self.between)?
            + variance("candidate's variance", self.candidate)?
                / answers("candidate's answers", self.candidate_answers)?
            + variance("baseline's variance", self.baseline)?
                / answers("baseline's answers", self.baseline_answers)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: ErrorRates = ErrorRates { alpha: 0.05, power: 0.8 };

    #[test]
    fn nothing_to_find_needs_no_number() {
        let even = Discordance { worse: 0.02, better: 0.02 };
        assert_eq!(pairs_for_difference(even, RATES, Alternative::TwoSided).unwrap(), None);
        let worse = Discordance { worse: 0.05, better: 0.02 };
        assert_eq!(pairs_for_noninferiority(worse, 0.03, RATES).unwrap(), None);
        assert!(pairs_for_noninferiority(worse, 0.04, RATES).unwrap().unwrap() > 1_000.0);
    }

    #[test]
    fn effect_and_pairs_are_inverse() {
        let variance = EffectVariance {
            between: 0.1,
            candidate: 0.2,
            baseline: 0.1,
            candidate_answers: 4,
            baseline_answers: 2,
        };
        let effect = detectable_effect(variance, 500, RATES).unwrap();
        assert!((pairs_for_effect(variance, effect, RATES).unwrap() - 500.0).abs() < 1e-9);
        assert!(detectable_effect(variance, 0, RATES).is_err());
        assert!(detectable_effect(EffectVariance { baseline_answers: 0, ..variance }, 9, RATES).is_err());
        assert!(detectable_effect(EffectVariance { between: f64::NAN, ..variance }, 9, RATES).is_err());
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let most = Discordance { worse: 0.6, better: 0.6 };
        assert!(pairs_for_difference(most, RATES, Alternative::TwoSided).is_err());
        let some = Discordance { worse: 0.1, better: 0.0 };
        let rates = ErrorRates { alpha: f64::NAN, power: 0.8 };
        assert!(pairs_for_difference(some, rates, Alternative::TwoSided).is_err());
    }
}
