//! E-values of several metrics as one.

use super::wealth::log_sum_exp;
use crate::stats::error::{StatsError, finite, unit};

/// ln of the weighted mean of e-values, given as (ln E, weight).
///
/// *Promise.* If every E is an e-process for its own null hypothesis, so is the mean for "all of them
/// hold", however the metrics depend on each other: P(ever mean ≥ 1/α) ≤ α.
///
/// *Assumes* weights fixed in advance, none negative, that add up to 1 (within 10⁻⁹).
///
/// # Errors
/// When there are no terms, a value is not finite, or the weights are not as above.
///
/// Source: Vovk & Wang (2021), Ann. Stat. 49:1736, prop. 3.1.
pub fn weighted_mean_log_e(terms: &[(f64, f64)]) -> Result<f64, StatsError> {
    let mut sum = 0.0;
    for &(log_e, weight) in terms {
        finite("log e-value", log_e)?;
        sum += unit("weight", weight)?;
    }
    if (sum - 1.0).abs() > 1e-9 {
        return Err(StatsError::OutOfRange { name: "sum of weights", rule: "1", value: sum });
    }
    let logs: Vec<f64> = terms.iter().map(|(log_e, weight)| log_e + weight.ln()).collect();
    Ok(log_sum_exp(logs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_huge_value_carries_its_weight() {
        let log_e = weighted_mean_log_e(&[(1_000.0, 0.5), (-2_000.0, 0.5)]).unwrap();
        assert!((log_e - (1_000.0 - std::f64::consts::LN_2)).abs() < 1e-12);
        assert_eq!(weighted_mean_log_e(&[(3.0, 1.0), (9.0, 0.0)]).unwrap(), 3.0);
    }

    #[test]
    fn weights_must_be_a_distribution() {
        for terms in [&[][..], &[(0.0, 0.5)], &[(0.0, 0.7), (0.0, 0.7)], &[(0.0, 1.5), (0.0, -0.5)]] {
            assert!(weighted_mean_log_e(terms).is_err(), "{terms:?}");
        }
        assert!(weighted_mean_log_e(&[(f64::NAN, 1.0)]).is_err());
    }
}
