//! Power of the tests that a golden suite uses.

use super::fixed_sample::{Discordance, ErrorRates};
use super::noncentral_t::noncentral_t_cdf;
use crate::stats::Alternative;
use crate::stats::error::{StatsError, finite, open_unit, within};
use crate::stats::root::bracket;
use crate::stats::special::{binomial_at_least, binomial_pmf, t_quantile};

/// Most pairs that a plan asks for; an effect that needs more is not found.
const PAIRS_MAX: f64 = 1e9;

/// Power of the paired t test on `pairs` differences whose mean is `effect` standard deviations.
///
/// *Promise.* Exact for normal differences. `pairs` may be fractional.
///
/// # Errors
/// When there are fewer than two pairs, `alpha` is not in (0, 1), or a value is not finite.
///
/// Source: the noncentral t with n − 1 degrees of freedom and noncentrality effect·√n.
pub fn t_test_power(
    effect: f64,
    pairs: f64,
    alpha: f64,
    alternative: Alternative,
) -> Result<f64, StatsError> {
    finite("effect", effect)?;
    within("pairs", pairs, 2.0..=PAIRS_MAX, "between 2 and 10⁹")?;
    let (degrees, delta) = (pairs - 1.0, effect * pairs.sqrt());
    let quantile = t_quantile(1.0 - alternative.tail_alpha(open_unit("alpha", alpha)?), degrees);
    let above = || 1.0 - noncentral_t_cdf(quantile, degrees, delta);
    let below = || noncentral_t_cdf(-quantile, degrees, delta);
    Ok(match alternative {
        Alternative::TwoSided => above() + below(),
        Alternative::Greater => above(),
        Alternative::Less => below(),
    })
}

/// Pairs with which the paired t test reaches this power, not rounded; `None` above 10⁹, and when the
/// effect lies on the side that is not tested.
///
/// # Errors
/// When `effect` is not finite, or a rate is not in (0, 1).
pub fn t_test_pairs(
    effect: f64,
    rates: ErrorRates,
    alternative: Alternative,
) -> Result<Option<f64>, StatsError> {
    let power = |pairs: f64| t_test_power(effect, pairs, rates.alpha, alternative);
    let wanted = open_unit("power", rates.power)?;
    if power(2.0)? >= wanted {
        return Ok(Some(2.0));
    }
    let (mut low, mut high) = (2.0, 4.0);
    while high < PAIRS_MAX && power(high)? < wanted {
        (low, high) = (high, 2.0 * high);
    }
    let excess = |pairs: f64| power(pairs).map_or(f64::NAN, |power| power - wanted);
    let found = bracket(excess, low, high.min(PAIRS_MAX), 1e-10 * high);
    Ok(found.map(|(below, above)| 0.5 * (below + above)))
}

/// Power of McNemar's one-sided exact test ("the candidate is worse") on `pairs` pairs, before the number
/// of discordant ones is known.
///
/// *Symbols.* Σ over d of Bin(d; n, ψ) · P(X ≥ crit(d)), X ~ Bin(d, worse/ψ), crit(d) the smallest count
/// with exact p ≤ α; ψ = worse + better. Discordant counts more unlikely than 10⁻¹⁶ are left out.
///
/// # Errors
/// When a probability lies outside its range.
///
/// Source: Duffy (1984), Biometrics 40:1005.
pub fn mcnemar_power(discordance: Discordance, pairs: u64, alpha: f64) -> Result<f64, StatsError> {
    let (psi, _) = discordance.checked()?;
    open_unit("alpha", alpha)?;
    if psi == 0.0 {
        return Ok(0.0);
    }
    let worse = discordance.worse / psi;
    let (mut critical, mut power) = (0, 0.0);
    for discordant in 0..=pairs {
        // The critical count never falls as discordant pairs are added.
        while binomial_at_least(critical, discordant, 0.5) > alpha {
            critical += 1;
        }
        let chance = if psi < 1.0 {
            binomial_pmf(discordant, pairs, psi)
        } else {
            f64::from(u8::from(discordant == pairs))
        };
        if critical <= discordant && chance > 1e-16 {
            power += chance * binomial_at_least(critical, discordant, worse);
        }
    }
    Ok(power.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_effect_power_is_alpha() {
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            assert!((t_test_power(0.0, 30.0, 0.05, alternative).unwrap() - 0.05).abs() < 1e-10);
        }
        let even = Discordance { worse: 0.1, better: 0.1 };
        assert!(mcnemar_power(even, 300, 0.05).unwrap() <= 0.05);
        assert_eq!(mcnemar_power(Discordance { worse: 0.0, better: 0.0 }, 300, 0.05).unwrap(), 0.0);
        let all = Discordance { worse: 1.0, better: 0.0 };
        assert!((mcnemar_power(all, 30, 0.05).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn pairs_and_power_are_inverse() {
        let rates = ErrorRates { alpha: 0.05, power: 0.9 };
        for effect in [0.01, 0.3, 2.0] {
            let pairs = t_test_pairs(effect, rates, Alternative::Greater).unwrap().unwrap();
            let power = t_test_power(effect, pairs, 0.05, Alternative::Greater).unwrap();
            assert!((power - 0.9).abs() < 1e-8, "{effect} {pairs} {power}");
        }
        assert_eq!(t_test_pairs(0.3, rates, Alternative::Less).unwrap(), None);
        assert_eq!(t_test_pairs(0.0, rates, Alternative::TwoSided).unwrap(), None);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(t_test_power(f64::NAN, 30.0, 0.05, Alternative::Less).is_err());
        assert!(t_test_power(0.1, 1.0, 0.05, Alternative::Less).is_err());
        assert!(mcnemar_power(Discordance { worse: 0.7, better: 0.7 }, 30, 0.05).is_err());
    }
}
