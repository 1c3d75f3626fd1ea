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

    /// The log-wealth of each bet in nats. Read from the exact sums by one fixed sequence of roundings, so
    /// that equal states say the same bits.
    pub(super) fn nats(&self, stakes: &Stakes) -> [f64; BETS] {
        let mut units = [0.0; BETS];
        if self.others > 0 {
            units.iter_mut().zip(&self.sums).for_each(|(units, &sum)| *units = to_f64(sum));
        }
        let [less, same, more] = self.common.map(|count| count as f64);
        let [of_less, of_same, of_more] = stakes.common();
        for (k, units) in units.iter_mut().enumerate() {
            // The two outer ones first, so that a mirrored wallet rounds alike.
            *units += less * of_less[k] as f64 + more * of_more[k] as f64;
            *units += same * of_same[k] as f64;
        }
        units.map(|units| units / UNITS_PER_NAT)
    }
}

/// `sum as f64` by its two halves, off by at most two units in the last place: a conversion of the processor's
/// in place of a call.
#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
fn to_f64(sum: i128) -> f64 {
    const HIGH: f64 = 18_446_744_073_709_551_616.0; // 2⁶⁴
    let magnitude = sum.unsigned_abs();
    let size = (magnitude >> 64) as u64 as f64 * HIGH + magnitude as u64 as f64;
    if sum < 0 { -size } else { size }
}

/// ln of the mean wealth, from log-wealths in nats.
pub(super) fn log_mean(nats: &[f64; BETS]) -> f64 {
    log_sum_exp(nats) - LN_BETS
}

/// ln 16.
const LN_BETS: f64 = 2.772_588_722_239_781;

/// e⁻⁴⁰ is below the last bit of one, for all terms of a sum together: what lies so far below the largest
/// term is not worth its exponential.
pub(super) const NEGLIGIBLE: f64 = -40.0;

/// ln Σ exp(xᵢ) without overflow; −∞ for nothing at all.
pub(in crate::stats) fn log_sum_exp(terms: impl AsRef<[f64]>) -> f64 {
    let terms = terms.as_ref();
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    let share = |term: &f64| if term - top < NEGLIGIBLE { 0.0 } else { (term - top).exp() };
    top + terms.iter().map(share).sum::<f64>().ln()
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
