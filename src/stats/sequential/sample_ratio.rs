//! The sequential sample-ratio test: does the split send the candidate its share?

use super::bernoulli::log_mixture;
use crate::stats::error::{StatsError, finite, open_unit};

/// Concentration of the prior around the configured share: its standard deviation is
/// √(π(1 − π)/10,001), half a point at π = ½, the scale on which a broken split shows.
pub const SAMPLE_RATIO_CONCENTRATION: f64 = 10_000.0;

/// ln 1000: at this log Bayes factor the split is called broken. False alarms stay below one in a
/// thousand over the whole rollout, because a false one stops everything.
pub const SAMPLE_RATIO_ALARM: f64 = 6.907_755_278_982_137;

/// ln of the Bayes factor against "each key goes to the candidate with probability `share`".
///
/// *Promise.* With a right split, P(ever ≥ ln(1/α)) ≤ α at any look.
///
/// *Assumes* sticky keys counted once, each assigned independently: `assigned` of `keys` to the
/// candidate. Where the share changes, count the keys first seen under each share apart and add the
/// results: the product of successive e-processes is one.
///
/// *Symbols.* ln B(πc + x, (1 − π)c + n − x) − ln B(πc, (1 − π)c) − x ln π − (n − x) ln(1 − π), with x
/// assigned of n keys, share π and `concentration` c.
///
/// # Errors
/// When more keys are assigned than seen, `share` is not in (0, 1), or `concentration` not positive.
///
/// Source: Lindon & Malek (2022), NeurIPS, "Anytime-valid inference for multinomial count data".
pub fn sample_ratio_log_bayes_factor(
    assigned: u64,
    keys: u64,
    share: f64,
    concentration: f64,
) -> Result<f64, StatsError> {
    if assigned > keys {
        let rule = "at most the number of keys";
        return Err(StatsError::OutOfRange { name: "assigned keys", rule, value: assigned as f64 });
    }
    if finite("concentration", concentration)? <= 0.0 {
        let rule = "positive";
        return Err(StatsError::OutOfRange { name: "concentration", rule, value: concentration });
    }
    Ok(log_mixture(assigned as f64, keys as f64, open_unit("share", share)?, concentration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_split_alarms_and_a_right_one_does_not() {
        let log_bf =
            |x, n, share| sample_ratio_log_bayes_factor(x, n, share, SAMPLE_RATIO_CONCENTRATION).unwrap();
        assert!(log_bf(2_600, 10_000, 0.25) < SAMPLE_RATIO_ALARM);
        assert!(log_bf(2_500, 10_000, 0.25) < 0.0);
        assert!(log_bf(3_000, 10_000, 0.25) > SAMPLE_RATIO_ALARM);
        assert!(log_bf(0, 2_000, 0.01) > 0.0);
        assert_eq!(log_bf(0, 0, 0.5), 0.0);
        assert!((SAMPLE_RATIO_ALARM - 1_000_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn swapping_the_arms_changes_nothing() {
        let one = sample_ratio_log_bayes_factor(130, 1_000, 0.125, 10_000.0).unwrap();
        let other = sample_ratio_log_bayes_factor(870, 1_000, 0.875, 10_000.0).unwrap();
        assert!((one - other).abs() < 1e-9);
    }

    #[test]
    fn impossible_counts_and_shares_are_refused() {
        assert!(sample_ratio_log_bayes_factor(2, 1, 0.5, 1.0).is_err());
        assert!(sample_ratio_log_bayes_factor(1, 2, 1.0, 1.0).is_err());
        assert!(sample_ratio_log_bayes_factor(1, 2, f64::NAN, 1.0).is_err());
        assert!(sample_ratio_log_bayes_factor(1, 2, 0.5, 0.0).is_err());
    }
}
