//! Intervals for one rate: shown beside calibration results and single arms.

use crate::stats::Interval;
use crate::stats::error::{StatsError, open_unit};
use crate::stats::root::bracket;
use crate::stats::special::{ln_beta_reg, normal_quantile};

/// Wilson's score interval for a rate of `events` in `trials`.
///
/// *Promise.* Covers with about its level; *assumes* independent trials of one rate.
///
/// # Errors
/// When there is no trial, more events than trials, or `level` is not in (0, 1).
///
/// Source: Wilson (1927), JASA 22:209.
pub fn wilson(events: u64, trials: u64, level: f64) -> Result<Interval, StatsError> {
    check_counts(events, trials)?;
    let z = normal_quantile(0.5 * (1.0 + open_unit("level", level)?));
    let (n, p) = (trials as f64, events as f64 / trials as f64);
    let scale = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / scale;
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / scale;
    Ok(Interval { lower: (centre - half).max(0.0), upper: (centre + half).min(1.0), level })
}

/// Clopper and Pearson's exact interval for a rate of `events` in `trials`.
///
/// *Promise.* Covers with at least its level; *assumes* independent trials of one rate. Each end by
/// itself is a one-sided limit at (1 + `level`)/2: without events the upper one is 1 − α^(1/n).
///
/// # Errors
/// When there is no trial, more events than trials, or `level` is not in (0, 1).
///
/// Source: Clopper & Pearson (1934), Biometrika 26:404.
pub fn clopper_pearson(events: u64, trials: u64, level: f64) -> Result<Interval, StatsError> {
    check_counts(events, trials)?;
    let tail = (0.5 * (1.0 - open_unit("level", level)?)).ln();
    let (x, rest) = (events as f64, (trials - events) as f64);
    let middle = |a: f64, b: f64, excess: &dyn Fn(f64) -> f64, default: f64| {
        if a == 0.0 || b == 0.0 {
            return default;
        }
        bracket(excess, 1e-300, 1.0 - 1e-16, 1e-14).map_or(default, |(low, high)| 0.5 * (low + high))
    };
    Ok(Interval {
        lower: middle(x, rest + 1.0, &|p| ln_beta_reg(x, rest + 1.0, p).0 - tail, 0.0),
        upper: middle(x + 1.0, rest, &|p| ln_beta_reg(x + 1.0, rest, p).1 - tail, 1.0),
        level,
    })
}

fn check_counts(events: u64, trials: u64) -> Result<(), StatsError> {
    if trials == 0 {
        return Err(StatsError::TooFew { name: "trials", len: 0, min: 1 });
    }
    if events > trials {
        let rule = "at most the number of trials";
        return Err(StatsError::OutOfRange { name: "events", rule, value: events as f64 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_mirror_when_events_and_others_are_swapped() {
        for interval in [wilson, clopper_pearson] {
            let (one, other) = (interval(7, 120, 0.9).unwrap(), interval(113, 120, 0.9).unwrap());
            assert!((one.lower + other.upper - 1.0).abs() < 1e-12);
            assert!((one.upper + other.lower - 1.0).abs() < 1e-12);
            assert!(interval(0, 50, 0.9).unwrap().lower.abs() < 1e-15);
            assert!((interval(50, 50, 0.9).unwrap().upper - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn nothing_is_refused() {
        for interval in [wilson, clopper_pearson] {
            assert!(interval(0, 0, 0.9).is_err() && interval(2, 1, 0.9).is_err());
            assert!(interval(1, 2, f64::NAN).is_err());
        }
    }
}
