//! The differences themselves, kept small: what confidence sequences and what-ifs are computed from.

use super::wallet::difference;
use crate::stats::error::StatsError;
use crate::stats::nearest::nearest;

/// Distinct differences kept as they are. Event metrics have three, graders a few; beyond this the
/// history is a continuous one and is binned.
const DISTINCT_MAX: usize = 64;

/// Bins in a unit of d: the knots are k/32, so that −1, −½, 0, ½ and 1 stay exact.
const KNOTS_PER_UNIT: f64 = 32.0;

/// Knots from −1 to 1.
const KNOTS: usize = 65;

/// Fixed-point units of one pair in a bin: 2³² pairs fit, each split to 2·10⁻¹⁰.
const UNITS_PER_PAIR: f64 = (1_u64 << 32) as f64;

/// Fixed-point units of the sum of differences: a d in [−1, 1] fits an `i64`, and 2⁶⁴ of them an `i128`.
const SUM_UNITS: f64 = (1_u64 << 60) as f64;

/// Which differences were seen, and how often, in any order.
///
/// Up to 64 distinct values are counted exactly. Beyond that every pair is split over the two knots
/// beside it so that its mean stays: a wallet's log-wealth is concave in d, so by Jensen's inequality
/// whatever is computed from knots never exceeds the exact wealth, on either side, and intervals only
/// widen (by less than 1 % at a spread of 0.3). Serves display and what-ifs; a verdict uses wallets.
///
/// Which of the two forms it has depends on the set of values alone, so merging is exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Ascending by d; empty once there are bins.
    exact: Vec<(f64, u64)>,
    /// Weight of every knot in fixed-point units.
    bins: Option<Box<[u128; KNOTS]>>,
    pairs: u64,
    /// Sum of all differences in units of 2⁻⁶⁰: a mean that needs no walk over the values.
    sum: i128,
}

/// A difference and how many pairs had it; a fraction of a pair where pairs were split over knots.
pub(super) type Weighted = (f64, f64);

impl History {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one pair's difference.
    ///
    /// # Errors
    /// When `d` is not in [−1, 1]; nothing is changed.
    pub fn update(&mut self, d: f64) -> Result<(), StatsError> {
        let d = difference(d)? + 0.0; // minus zero is zero
        self.add(d, 1);
        self.pairs += 1;
        self.sum += i128::from(nearest(d * SUM_UNITS));
        Ok(())
    }

    /// Adds what another history saw.
    ///
    /// # Errors
    /// When the number of pairs overflows; nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.pairs = self.pairs.checked_add(other.pairs).ok_or(StatsError::Overflow { name: "pairs" })?;
        self.sum += other.sum;
        other.exact.iter().for_each(|&(d, count)| self.add(d, count));
        if let Some(theirs) = &other.bins {
            self.bins().iter_mut().zip(theirs.iter()).for_each(|(mine, weight)| *mine += weight);
        }
        Ok(())
    }

    /// Pairs seen.
    #[must_use]
    pub const fn pairs(&self) -> u64 {
        self.pairs
    }

    /// The mean difference; `None` without pairs.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.pairs > 0).then(|| self.sum as f64 / SUM_UNITS / self.pairs as f64)
    }

    /// The standard deviation of the differences; `None` with fewer than two pairs.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.mean().filter(|_| self.pairs > 1)?;
        let square = |(d, weight): (f64, f64)| weight * (d - mean) * (d - mean);
        let sum: f64 = self.weighted().into_iter().map(square).sum();
        Some((sum / (self.pairs - 1) as f64).sqrt())
    }

    /// Whether every value is still counted as it was, so that everything computed from it is exact.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.bins.is_none()
    }

    /// Differences with their weights, ascending, none of weight zero.
    pub(super) fn weighted(&self) -> Vec<Weighted> {
        let Some(bins) = &self.bins else {
            return self.exact.iter().map(|&(d, count)| (d, count as f64)).collect();
        };
        let knots = (0..).map(|knot| f64::from(knot) / KNOTS_PER_UNIT - 1.0);
        let used = knots.zip(bins.iter()).filter(|(_, weight)| **weight > 0);
        used.map(|(d, &weight)| (d, weight as f64 / UNITS_PER_PAIR)).collect()
    }

    fn add(&mut self, d: f64, count: u64) {
        if let Some(bins) = &mut self.bins {
            return split(bins, d, count);
        }
        match self.exact.binary_search_by(|(known, _)| known.total_cmp(&d)) {
            Ok(at) => self.exact[at].1 += count,
            Err(at) if self.exact.len() < DISTINCT_MAX => self.exact.insert(at, (d, count)),
            Err(_) => split(self.bins(), d, count),
        }
    }

    /// The bins, with the values counted so far moved into them.
    fn bins(&mut self) -> &mut [u128; KNOTS] {
        let bins = self.bins.get_or_insert_with(|| Box::new([0; KNOTS]));
        self.exact.drain(..).for_each(|(d, count)| split(bins, d, count));
        bins
    }
}

/// Splits `count` pairs over the knots beside `d`, keeping their mean.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "d in [-1, 1]: 0 to 64, 0 to 2^32"
)]
fn split(bins: &mut [u128; KNOTS], d: f64, count: u64) {
    let position = (d + 1.0) * KNOTS_PER_UNIT;
    let knot = position as usize;
    let right = nearest((position - knot as f64) * UNITS_PER_PAIR) as u64;
    let left = UNITS_PER_PAIR as u64 - right;
    bins[knot] += u128::from(count) * u128::from(left);
    if right > 0 {
        bins[knot + 1] += u128::from(count) * u128::from(right);
    }
}

#[cfg(test)]
mod tests;
