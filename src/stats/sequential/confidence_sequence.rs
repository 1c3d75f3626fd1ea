//! Confidence sequences: every null mean that neither wallet refutes.

use super::bets::{BETS, BetGrid, Side};
use super::history::{History, Weighted};
use super::wealth::{NEGLIGIBLE, log_sum_exp};
use crate::stats::Interval;
use crate::stats::error::{StatsError, open_unit, within};
use crate::stats::root::bracket;
use std::ops::Bound;

/// Width of the final bracket in units of d. The refuted end is reported, so rounding only widens.
const TOLERANCE: f64 = 1e-12;

impl History {
    /// An interval for the mean difference that holds at all times at once.
    ///
    /// *Promise.* P(at any look the interval misses the mean) ≤ 1 − `level`.
    ///
    /// *Assumes* differences in [−1, 1] with the same conditional mean given the past; where it drifts,
    /// the promise holds for each one-sided test and not for the interval.
    ///
    /// *Computed* as all m in [−1, 1] with E_abort(m) < 2/α and E_promote(m) < 2/α, α = 1 − `level`, by
    /// root finding: E_abort falls and E_promote rises with m. No running intersection, so that merged
    /// states need no memory of looks. [−1, 1] without pairs.
    ///
    /// # Errors
    /// When `level` is not strictly between 0 and 1.
    ///
    /// Source: Waudby-Smith & Ramdas (2024), JRSS-B 86:1, theorem 3 and §4.4.
    pub fn confidence_sequence(&self, grid: BetGrid, level: f64) -> Result<Interval, StatsError> {
        open_unit("level", level)?;
        let threshold = (2.0 / (1.0 - level)).ln();
        let bets = grid.bets();
        let right = self.weighted();
        let left: Vec<Weighted> = right.iter().rev().map(|&(d, weight)| (-d, weight)).collect();
        Ok(Interval {
            lower: lower_end(&right, &bets, threshold),
            upper: -lower_end(&left, &bets, threshold),
            level,
        })
    }

    /// ln E of a wallet that had seen this history: for what-ifs at other margins, bets or sides.
    ///
    /// *Promise and assumptions* are those of [`super::Wallet`] if grid, side and `m` were chosen before
    /// the data. Within rounding of the wallet's own while [`History::is_exact`], and never above it after.
    ///
    /// # Errors
    /// When `m` is not strictly between −1 and 1.
    pub fn log_e(&self, grid: BetGrid, side: Side, m: f64) -> Result<f64, StatsError> {
        let open = (Bound::Excluded(-1.0), Bound::Excluded(1.0));
        within("null mean", m, open, "strictly between -1 and 1")?;
        let sign = side.sign();
        let points: Vec<Weighted> = self.weighted().iter().map(|&(d, weight)| (sign * d, weight)).collect();
        Ok(log_e_abort(&points, &grid.bets(), sign * m))
    }
}

/// The largest refuted m, or −1 when none is.
fn lower_end(points: &[Weighted], bets: &[f64; BETS], threshold: f64) -> f64 {
    let excess = |m: f64| log_e_abort(points, bets, m) - threshold;
    let (sum, weight) = points.iter().fold((0.0, 0.0), |(sum, all), &(d, w)| (sum + d * w, all + w));
    // Wealth is unbounded towards m = −1 as soon as one d lies above it, and at most 1 at the mean (Jensen).
    let (low, mean) = (-1.0 + TOLERANCE, if weight > 0.0 { sum / weight } else { 1.0 });
    bracket(excess, low, mean.max(low), TOLERANCE).map_or(-1.0, |(refuted, _)| refuted)
}

/// ln E_abort(m) = ln (1/16) Σₖ exp Σ w ln(1 + cₖ (d − m)/(1 + m)).
fn log_e_abort(points: &[Weighted], bets: &[f64; BETS], m: f64) -> f64 {
    let log_wealth =
        |c: f64| points.iter().map(|&(d, weight)| weight * (c * (d - m) / (1.0 + m)).ln_1p()).sum::<f64>();
    let mut log_wealths = [f64::NEG_INFINITY; BETS];
    let mut top = f64::NEG_INFINITY;
    for (value, &c) in log_wealths.iter_mut().zip(bets) {
        *value = log_wealth(c);
        // Concave in c, and the bets ascend: all that follow are lower still.
        if *value < top + NEGLIGIBLE {
            break;
        }
        top = top.max(*value);
    }
    log_sum_exp(log_wealths) - (BETS as f64).ln()
}

#[cfg(test)]
mod tests;
