//! The null-drift test: does the baseline differ from itself?

use super::bets::{BetGrid, Side};
use super::wallet::Wallet;
use super::wealth::log_sum_exp;
use crate::stats::error::StatsError;

/// An e-process against "the mean difference between two answers of the *same* arm is 0".
///
/// *Promise.* While copies and originals are alike, P(ever E ≥ 1/α) ≤ α at any look. A rejection means
/// that the comparison itself is biased (order, load, cache), and no verdict may stand on it.
///
/// *Assumes* differences in [−1, 1], original minus copy, with conditional mean 0 given the past.
///
/// *Symbols.* E = ½ E_abort(0) + ½ E_promote(0), see [`Wallet`]. Merging is exact.
///
/// Source: the two-sided hedge of Waudby-Smith & Ramdas (2024), JRSS-B 86:1, §4.2.
#[derive(Clone, Debug, PartialEq)]
pub struct NullDrift {
    above: Wallet,
    below: Wallet,
}

impl NullDrift {
    /// An empty test, E = 1.
    ///
    /// # Errors
    /// Never in practice: a null mean of 0 is always allowed.
    pub fn new(grid: BetGrid) -> Result<Self, StatsError> {
        Ok(Self {
            above: Wallet::new(grid, Side::Abort, 0.0)?,
            below: Wallet::new(grid, Side::Promote, 0.0)?,
        })
    }

    /// Bets on one null pair's difference, both ways.
    ///
    /// # Errors
    /// When `d` is not in [−1, 1]; nothing is changed.
    pub fn update(&mut self, d: f64) -> Result<(), StatsError> {
        self.above.update(d)?;
        self.below.update(d)
    }

    /// Adds what another state saw.
    ///
    /// # Errors
    /// When the two bet differently; nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.above.merge(&other.above)?;
        self.below.merge(&other.below)
    }

    /// ln E now; 0 without evidence.
    #[must_use]
    pub fn log_e(&self) -> f64 {
        log_sum_exp([self.above.log_e(), self.below.log_e()]) - std::f64::consts::LN_2
    }

    /// Null pairs bet on.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.above.pairs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_e(stream: impl Iterator<Item = f64>) -> f64 {
        let mut drift = NullDrift::new(BetGrid::Uniform).unwrap();
        stream.for_each(|d| drift.update(d).unwrap());
        drift.log_e()
    }

    #[test]
    fn drift_is_found_either_way_and_noise_is_not() {
        let drifting = |d: f64| log_e((0..400).map(move |i| if i % 10 == 0 { d } else { 0.0 }));
        assert!(drifting(1.0) > 1_000_f64.ln());
        assert_eq!(drifting(1.0).to_bits(), drifting(-1.0).to_bits());
        assert!(log_e((0..400).map(|i| if i % 2 == 0 { 0.3 } else { -0.3 })) < 0.1);
        assert!(log_e(std::iter::empty()).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_a_difference_is_refused() {
        let mut drift = NullDrift::new(BetGrid::Uniform).unwrap();
        assert!(drift.update(f64::NAN).is_err() && drift.update(1.5).is_err());
        assert_eq!(drift.pairs(), 0);
    }
}
