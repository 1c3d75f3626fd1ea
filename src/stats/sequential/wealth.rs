//! Log-wealths as exact sums: the state that wallets add, and that replicas merge.

use super::bets::{BETS, Increments, Stakes, UNITS_PER_NAT};
use crate::stats::error::StatsError;

/// Sixteen log-wealths over some set of pairs.
///
/// Every pair adds an integer per bet, so any order, any split over replicas and any order of merging
/// gives the same bits. The differences −1, 0 and +1 are kept as counts and cost one addition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wealth {
    /// Pairs with d = −1, 0, +1.
    common: [u64; 3],
    /// Pairs with any other d, and ramp scores.
    others: u64,
    /// Increments of `others`, per bet, in fixed-point units.
    sums: [i128; BETS],
}

impl Wealth {
    /// Adds one pair; d must lie in [−1, 1].
    #[inline]
    pub(super) fn add_pair(&mut self, stakes: &Stakes, d: f64) {
        match common_index(d) {
            Some(index) => self.common[index] += 1,
            None => self.add(&stakes.of_pair(d)),
        }
    }

    /// Adds one update with these increments.
    pub(super) fn add(&mut self, increments: &Increments) {
        self.others += 1;
        for (sum, &increment) in self.sums.iter_mut().zip(increments) {
            *sum += i128::from(increment);
        }
    }

    /// Adds everything that `other` holds; both must have the same stakes.
    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        let sum = |a: u64, b: u64| a.checked_add(b).ok_or(StatsError::Overflow { name: "pairs" });
        let mut merged = self.clone();
        for (mine, &theirs) in merged.common.iter_mut().zip(&other.common) {
            *mine = sum(*mine, theirs)?;
        }
        merged.others = sum(merged.others, other.others)?;
        for (mine, theirs) in merged.sums.iter_mut().zip(&other.sums) {
            *mine = mine.checked_add(*theirs).ok_or(StatsError::Overflow { name: "log-wealth" })?;
        }
        *self = merged;
        Ok(())
    }

    /// Pairs and keys added.
    pub(super) fn pairs(&self) -> u64 {
        self.common.iter().fold(self.others, |sum, &count| sum.saturating_add(count))
    }

    /// The log-wealth of each bet, in fixed-point units.
    pub(super) fn totals(&self, stakes: &Stakes) -> [i128; BETS] {
        let mut totals = self.sums;
        for (&count, increments) in self.common.iter().zip(stakes.common()) {
            for (total, &increment) in totals.iter_mut().zip(increments) {
                *total += i128::from(count) * i128::from(increment);
            }
        }
        totals
    }
}

/// ln of the mean wealth, from log-wealths in fixed-point units.
pub(super) fn log_mean(totals: &[i128; BETS]) -> f64 {
    log_sum_exp(totals.map(|total| total as f64 / UNITS_PER_NAT)) - (BETS as f64).ln()
}

/// ln Σ exp(xᵢ) without overflow; −∞ for nothing at all.
pub(in crate::stats) fn log_sum_exp(terms: impl AsRef<[f64]>) -> f64 {
    let terms = terms.as_ref();
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + terms.iter().map(|term| (term - top).exp()).sum::<f64>().ln()
}

fn common_index(d: f64) -> Option<usize> {
    if d == 0.0 {
        Some(1)
    } else if d == 1.0 {
        Some(2)
    } else if d == -1.0 {
        Some(0)
    } else {
        None
    }
}
