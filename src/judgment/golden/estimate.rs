//! The interval of a mean difference from one look, by the method that suits the differences.

use super::differences::Differences;
use crate::stats::{Interval, StatsError, Tango, clopper_pearson, clustered_mean};

/// Below this number of independent cases nobody knows whether a t interval holds.
const FEW: usize = 30;

/// A sum that is this close to a whole number is that number.
const ROUNDING: f64 = 1e-12;

/// A mean difference and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// The mean of the differences.
    pub(super) mean: f64,
    /// Its interval at `1 − 2·alpha`: each end by itself is a one-sided limit at `1 − alpha`.
    pub(super) interval: (f64, f64),
}

/// The estimate of these differences. Where several methods apply, the wider end of each side counts:
///
/// * right-or-wrong answers: Tango's score interval and, for its blind spot, the exact one;
/// * everything else: the t interval, robust to clusters where cases share one; beside it the first,
///   scaled, where most cases tie, and the limit of what was not seen, where cases are few or all alike.
///
/// # Errors
/// When there are fewer than two independent cases, or `alpha` is not in (0, ½).
pub(super) fn estimate(differences: &Differences, alpha: f64) -> Result<Estimate, StatsError> {
    let level = 1.0 - 2.0 * alpha;
    let spread = clustered_mean(&differences.values, &differences.clusters)?;
    let mut ends = Vec::new();
    if let Some(t) = spread.interval(level)?
        && (differences.are_clustered() || !differences.are_flips())
    {
        ends.push((t.lower, t.upper));
        if differences.units() < FEW && !differences.are_flips() {
            ends.push(unseen(spread.mean, differences, level)?);
        }
    }
    if differences.are_mostly_ties() || differences.are_flips() {
        ends.push(flips(differences, level)?);
    }
    if spread.standard_error.is_none() {
        ends.push(unseen(spread.mean, differences, level)?);
    }
    let interval = ends.into_iter().fold((spread.mean, spread.mean), hull);
    Ok(Estimate { mean: spread.mean, interval })
}

/// The interval of cases that are better, worse or alike, in units of the largest difference.
///
/// Differences in between count by their size, rounded to whole cases against whoever gains from it: the
/// variance of a difference is largest when it is all or nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of cases, not below 0")]
fn flips(differences: &Differences, level: f64) -> Result<(f64, f64), StatsError> {
    let (worse, better) = differences.weights();
    let (up, down) = (|w: f64| (w * (1.0 - ROUNDING)).ceil() as u64, |w: f64| (w * (1.0 + ROUNDING)) as u64);
    let scale = differences.largest();
    let cases = differences.values.len() as u64;
    let (_, upper) = net(up(worse), down(better), cases, level)?;
    let (lower, _) = net(down(worse), up(better), cases, level)?;
    Ok((scale * lower, scale * upper))
}

/// Tango's limits and, for pairs that flip one way only, where they promise a little too much, the exact
/// limits of the surplus.
fn net(worse: u64, better: u64, cases: u64, level: f64) -> Result<(f64, f64), StatsError> {
    let score = Tango::new(worse, better, cases)?.interval(level)?;
    let Interval { lower, upper, .. } = clopper_pearson(worse.abs_diff(better), cases, level)?;
    let exact = match worse.cmp(&better) {
        std::cmp::Ordering::Greater => (lower, upper),
        std::cmp::Ordering::Equal => (-upper, upper),
        std::cmp::Ordering::Less => (-upper, -lower),
    };
    Ok(hull((score.lower, score.upper), exact))
}

/// What cases that were not seen could change: the exact limit of their share when none was, each as far
/// away as can be.
fn unseen(mean: f64, differences: &Differences, level: f64) -> Result<(f64, f64), StatsError> {
    let share = clopper_pearson(0, differences.units() as u64, level)?.upper;
    let room = |toward: f64| (differences.reach - toward * mean).max(0.0);
    Ok((mean - share * room(-1.0), mean + share * room(1.0)))
}

fn hull(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}
