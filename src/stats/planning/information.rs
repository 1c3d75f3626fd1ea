//! How much one observation can tell: the bound that no valid sequential test beats on average.

use std::ops::Bound;

use crate::stats::Side;
use crate::stats::error::{StatsError, open_unit, unit, within};
use crate::stats::root::bracket;

/// One value a paired difference can take, and how likely it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutcomeChance {
    /// The difference d, in [−1, 1].
    pub d: f64,
    /// Its probability.
    pub chance: f64,
}

/// The information of one pair about a null mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KlInf {
    /// Nats a pair; 0 when the expected differences do not contradict the null hypothesis.
    pub nats: f64,
    /// The bet λ that collects it, per unit of d: factor 1 + λ (d − m), or 1 + λ (m − d).
    pub bet: f64,
}

/// KL_inf: the largest expected log-growth of any wallet against "mean ≤ m" (abort) or "≥ m" (promote).
///
/// *Promise.* No e-process needs fewer than ln(1/α)/nats pairs on average to reach 1/α, for small α.
///
/// *Assumes* independent pairs distributed as `outcomes`.
///
/// *Symbols.* max over λ in [0, 1/(1 + m)] of Σ chance · ln(1 + λ (d − m)); for promote d and m change
/// signs.
///
/// # Errors
/// When `m` is not in (−1, 1), a d not in [−1, 1], or the chances do not add up to 1 (within 10⁻⁹).
///
/// Source: Honda & Takemura (2010), COLT; Waudby-Smith, Sandoval & Jordan (2025), arXiv 2504.02818.
pub fn kl_inf(outcomes: &[OutcomeChance], side: Side, m: f64) -> Result<KlInf, StatsError> {
    check_outcomes(outcomes)?;
    let sign = side.sign();
    let null = sign * within("null mean", m, OPEN, "strictly between -1 and 1")?;
    let surpluses =
        || outcomes.iter().map(|o| (sign * o.d - null, o.chance)).filter(|(_, chance)| *chance > 0.0);
    let slope =
        |bet: f64| surpluses().map(|(surplus, chance)| chance * surplus / (1.0 + bet * surplus)).sum::<f64>();
    let growth =
        |bet: f64| surpluses().map(|(surplus, chance)| chance * (bet * surplus).ln_1p()).sum::<f64>();
    if slope(0.0) <= 0.0 {
        return Ok(KlInf { nats: 0.0, bet: 0.0 });
    }
    let most = 1.0 / (1.0 + null) * (1.0 - 1e-15);
    let bet = bracket(slope, 0.0, most, 1e-14).map_or(most, |(low, high)| 0.5 * (low + high));
    Ok(KlInf { nats: growth(bet), bet })
}

/// Kullback-Leibler divergence of Bernoulli(`p`) from Bernoulli(`q`), in nats.
///
/// # Errors
/// When `p` is not in [0, 1] or `q` not in (0, 1).
///
/// Source: Kullback & Leibler (1951), Ann. Math. Stat. 22:79.
pub fn kl_bernoulli(p: f64, q: f64) -> Result<f64, StatsError> {
    unit("p", p)?;
    open_unit("q", q)?;
    let part = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * (a / b).ln() };
    Ok((part(p, q) + part(1.0 - p, 1.0 - q)).max(0.0))
}

/// Information of one arrival of an unpaired split about "both arms have the same rate", in nats.
///
/// *Symbols.* π kl(p_candidate, p₀) + (1 − π) kl(p_baseline, p₀), p₀ = π p_candidate + (1 − π) p_baseline,
/// π the candidate's share.
///
/// # Errors
/// When `share` is not in (0, 1), a rate not in [0, 1], or both rates are 0 or both 1.
///
/// Source: the generalised likelihood ratio of two Bernoulli samples.
pub fn split_information(share: f64, candidate: f64, baseline: f64) -> Result<f64, StatsError> {
    open_unit("share", share)?;
    let pooled =
        share * unit("candidate rate", candidate)? + (1.0 - share) * unit("baseline rate", baseline)?;
    Ok(share * kl_bernoulli(candidate, pooled)? + (1.0 - share) * kl_bernoulli(baseline, pooled)?)
}

/// Wald's lower bound on the expected number of observations of any test with errors `alpha` and `beta`.
///
/// *Symbols.* ((1 − β) ln((1 − β)/α) + β ln(β/(1 − α)))/kl, kl > 0 the information in nats.
///
/// # Errors
/// When `alpha` or `beta` is not in (0, 1), or `kl` is not positive.
///
/// Source: Wald (1945), Ann. Math. Stat. 16:117, eq. (4.8).
pub fn wald_pairs(kl: f64, alpha: f64, beta: f64) -> Result<f64, StatsError> {
    open_unit("alpha", alpha)?;
    open_unit("beta", beta)?;
    within("information", kl, (Bound::Excluded(0.0), Bound::Unbounded), "positive")?;
    Ok(((1.0 - beta) * ((1.0 - beta) / alpha).ln() + beta * (beta / (1.0 - alpha)).ln()) / kl)
}

const OPEN: (Bound<f64>, Bound<f64>) = (Bound::Excluded(-1.0), Bound::Excluded(1.0));

/// Refuses what is no distribution of differences.
pub(super) fn check_outcomes(outcomes: &[OutcomeChance]) -> Result<(), StatsError> {
    let mut sum = 0.0;
    for outcome in outcomes {
        within("difference", outcome.d, -1.0..=1.0, "between -1 and 1")?;
        sum += unit("chance", outcome.chance)?;
    }
    if (sum - 1.0).abs() > 1e-9 {
        return Err(StatsError::OutOfRange { name: "sum of chances", rule: "1", value: sum });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(worse: f64, better: f64) -> Vec<OutcomeChance> {
        [(1.0, worse), (-1.0, better), (0.0, 1.0 - worse - better)]
            .map(|(d, chance)| OutcomeChance { d, chance })
            .to_vec()
    }

    #[test]
    fn no_contradiction_is_no_information() {
        let none = KlInf { nats: 0.0, bet: 0.0 };
        assert_eq!(kl_inf(&event(0.02, 0.02), Side::Abort, 0.01).unwrap(), none);
        assert_eq!(kl_inf(&event(0.05, 0.01), Side::Promote, 0.02).unwrap(), none);
        assert_eq!(kl_bernoulli(0.3, 0.3).unwrap(), 0.0);
    }

    #[test]
    fn certain_harm_takes_the_whole_stake() {
        let all = kl_inf(&event(1.0, 0.0), Side::Abort, 0.0).unwrap();
        assert!((all.nats - std::f64::consts::LN_2).abs() < 1e-12 && (all.bet - 1.0).abs() < 1e-12);
        assert!((kl_bernoulli(1.0, 0.5).unwrap() - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        assert!(kl_inf(&[], Side::Abort, 0.0).is_err());
        assert!(kl_inf(&event(0.5, 0.6), Side::Abort, 0.0).is_err());
        assert!(kl_inf(&event(0.5, 0.1), Side::Abort, f64::NAN).is_err());
        assert!(split_information(0.5, 0.0, 0.0).is_err());
        assert!(wald_pairs(0.0, 0.01, 0.1).is_err());
    }
}
