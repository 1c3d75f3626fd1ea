//! Intervals for a quantile from order statistics: a p99 from 150 samples has no upper end, and says so.

use crate::stats::error::{StatsError, open_unit};
use crate::stats::special::binomial_cdf;

/// Which sorted values bound a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileRanks {
    /// 1-based rank of the lower end; `None` when the sample is too small to have one.
    pub lower: Option<u64>,
    /// 1-based rank of the upper end; `None` when the sample is too small to have one.
    pub upper: Option<u64>,
    /// Probability with which the interval covers; at least the level asked for.
    pub coverage: f64,
}

/// Ranks of the sorted values between which the `quantile` lies.
///
/// *Promise.* [x₍lower₎, x₍upper₎] covers with at least `level`, each side missed by at most (1 − level)/2,
/// whatever the distribution. *Assumes* `values` independent values from it.
///
/// # Errors
/// When `quantile` or `level` is not in (0, 1), or there are no values.
///
/// Source: David & Nagaraja (2003), Order Statistics, §7.1; the count below is Binomial(n, quantile).
pub fn quantile_ranks(values: u64, quantile: f64, level: f64) -> Result<QuantileRanks, StatsError> {
    open_unit("quantile", quantile)?;
    let tail = 0.5 * (1.0 - open_unit("level", level)?);
    if values == 0 {
        return Err(StatsError::TooFew { name: "values", len: 0, min: 1 });
    }
    let below = |rank: u64| if rank == 0 { 0.0 } else { binomial_cdf(rank - 1, values, quantile) };
    // `below` rises with rank: the last rank with at most `tail` below it, the first with at most above.
    let lower = first(values + 1, |rank| below(rank) > tail) - 1;
    let upper = first(values + 1, |rank| 1.0 - below(rank) <= tail);
    let missed = |rank: u64| if rank > values { 1.0 } else { below(rank) };
    Ok(QuantileRanks {
        lower: (lower > 0).then_some(lower),
        upper: (upper <= values).then_some(upper),
        coverage: missed(upper) - below(lower),
    })
}

/// Values needed before a `quantile` has a finite one-sided upper limit at error rate `alpha`:
/// ⌈ln α/ln quantile⌉.
///
/// # Errors
/// When `quantile` or `alpha` is not in (0, 1).
///
/// Source: Wilks (1941), Ann. Math. Stat. 12:91.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; saturates when huge")]
pub fn values_for_upper_limit(quantile: f64, alpha: f64) -> Result<u64, StatsError> {
    Ok((open_unit("alpha", alpha)?.ln() / open_unit("quantile", quantile)?.ln()).ceil() as u64)
}

/// The first rank from 1 to `end` that satisfies a condition which, once true, stays true; `end` if none.
fn first(end: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p99_from_150_samples_has_no_upper_end() {
        let ranks = quantile_ranks(150, 0.99, 0.95).unwrap();
        assert_eq!(ranks.upper, None);
        assert!(ranks.lower.is_some() && ranks.coverage >= 0.95);
        assert_eq!(quantile_ranks(1, 0.5, 0.95).unwrap().lower, None);
    }

    #[test]
    fn a_median_of_many_is_nearly_symmetric() {
        let ranks = quantile_ranks(1_000_001, 0.5, 0.95).unwrap();
        assert_eq!(ranks.lower.unwrap() + ranks.upper.unwrap(), 1_000_002);
        assert!(ranks.coverage >= 0.95 && ranks.coverage < 0.951);
    }

    #[test]
    fn nothing_and_not_a_number_are_refused() {
        assert!(quantile_ranks(0, 0.5, 0.95).is_err() && quantile_ranks(9, 1.0, 0.95).is_err());
        assert!(quantile_ranks(9, 0.5, f64::NAN).is_err() && values_for_upper_limit(f64::NAN, 0.05).is_err());
    }
}
