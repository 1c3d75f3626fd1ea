//! A seeded bootstrap: intervals for reports, where no formula fits.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::stats::Interval;
use crate::stats::error::{StatsError, open_unit};

/// Resamples above which an interval no longer moves visibly; more are refused, so that a report ends.
const RESAMPLES_MAX: usize = 100_000;

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Resamples to draw, 100 to 100,000.
    pub resamples: usize,
    /// Level of the interval, in (0, 1).
    pub level: f64,
    /// The same seed gives the same interval, on every machine.
    pub seed: u64,
}

/// The percentile interval of any statistic of independent rows (pairs stay together as one row).
///
/// *Promise.* Covers with about `level` for smooth statistics of many rows; for display, never for a
/// verdict. `None` when the statistic is undefined on the rows or on some resample.
///
/// # Errors
/// When there are fewer than two rows, or an option is outside its range.
///
/// Source: Efron (1979), Ann. Stat. 7:1; percentile interval: Efron & Tibshirani (1993), §13.3.
pub fn bootstrap_interval<T: Copy>(
    rows: &[T],
    statistic: impl Fn(&[T]) -> Option<f64>,
    options: Bootstrap,
) -> Result<Option<Interval>, StatsError> {
    let Bootstrap { resamples, level, seed } = options;
    if rows.len() < 2 {
        return Err(StatsError::TooFew { name: "rows", len: rows.len(), min: 2 });
    }
    if !(100..=RESAMPLES_MAX).contains(&resamples) {
        let rule = "between 100 and 100,000";
        return Err(StatsError::OutOfRange { name: "resamples", rule, value: resamples as f64 });
    }
    let tail = 0.5 * (1.0 - open_unit("level", level)?);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = rows.to_vec();
    let mut results = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        drawn.iter_mut().for_each(|row| *row = rows[index(&mut random, rows.len())]);
        match statistic(&drawn).filter(|value| value.is_finite()) {
            Some(value) => results.push(value),
            None => return Ok(None),
        }
    }
    results.sort_by(f64::total_cmp);
    Ok(Some(Interval { lower: at(&results, tail), upper: at(&results, 1.0 - tail), level }))
}

/// An index below `len`, drawn as 64 bits so that every machine draws the same.
#[expect(clippy::cast_possible_truncation, reason = "below a usize")]
fn index(random: &mut ChaCha8Rng, len: usize) -> usize {
    random.random_range(0..len as u64) as usize
}

/// The `share` quantile of sorted values, between the two nearest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position inside the slice")]
fn at(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - position.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::super::mean::average;
    use super::*;

    const OPTIONS: Bootstrap = Bootstrap { resamples: 2_000, level: 0.95, seed: 7 };

    fn mean(values: &[f64]) -> Option<f64> {
        Some(average(values))
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_another_nearly_so() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
        let one = bootstrap_interval(&values, mean, OPTIONS).unwrap().unwrap();
        assert_eq!(one, bootstrap_interval(&values, mean, OPTIONS).unwrap().unwrap());
        let other = bootstrap_interval(&values, mean, Bootstrap { seed: 8, ..OPTIONS }).unwrap().unwrap();
        assert!(one != other && (one.lower - other.lower).abs() < 1.0);
        let t = crate::stats::mean(&values).unwrap().interval(0.95).unwrap().unwrap();
        assert!((one.lower - t.lower).abs() < 0.5 && (one.upper - t.upper).abs() < 0.5, "{one:?} {t:?}");
    }

    #[test]
    fn an_undefined_statistic_has_no_interval() {
        let rows = [(1.0, 0.0), (2.0, 1.0), (3.0, 1.0)];
        let ratio = |rows: &[(f64, f64)]| {
            let (top, bottom) = rows.iter().fold((0.0, 0.0), |(a, b), row| (a + row.0, b + row.1));
            Some(top / bottom)
        };
        assert_eq!(bootstrap_interval(&rows, ratio, OPTIONS).unwrap(), None);
        assert_eq!(bootstrap_interval(&rows, |_| None, OPTIONS).unwrap(), None);
    }

    #[test]
    fn options_outside_their_range_are_refused() {
        assert!(bootstrap_interval(&[1.0], mean, OPTIONS).is_err());
        for options in [
            Bootstrap { resamples: 0, ..OPTIONS },
            Bootstrap { resamples: 1_000_000, ..OPTIONS },
            Bootstrap { level: 1.0, ..OPTIONS },
        ] {
            assert!(bootstrap_interval(&[1.0, 2.0], mean, options).is_err());
        }
    }
}
