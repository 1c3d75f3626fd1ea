//! Paired and cluster-robust t: the mean of differences and how sure it is.

use std::collections::BTreeMap;

use crate::stats::error::{StatsError, all_finite, finite, open_unit};
use crate::stats::special::{t_quantile, t_sf};
use crate::stats::{Alternative, Interval};

/// Values whose spread is below this share of their size are constant: what differs is rounding.
const CONSTANT: f64 = 1e-12;

/// A mean with its standard error.
///
/// *Promise.* Tests and intervals hold exactly for normal differences and approximately for others from
/// some thirty independent values (or clusters) on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanEstimate {
    /// The mean, in the unit of the values.
    pub mean: f64,
    /// Its standard error; `None` when the values do not vary, so that nothing is known of their noise.
    pub standard_error: Option<f64>,
    /// Degrees of freedom: values − 1, or clusters − 1.
    pub degrees: f64,
}

impl MeanEstimate {
    /// Student's t against the mean `null`; `None` when the values do not vary.
    ///
    /// # Errors
    /// When `null` is not finite.
    pub fn t(&self, null: f64) -> Result<Option<f64>, StatsError> {
        finite("null mean", null)?;
        Ok(self.standard_error.map(|error| (self.mean - null) / error))
    }

    /// The p-value of that t; `None` when the values do not vary.
    ///
    /// # Errors
    /// When `null` is not finite.
    pub fn p_value(&self, null: f64, alternative: Alternative) -> Result<Option<f64>, StatsError> {
        Ok(self.t(null)?.map(|t| alternative.p_value(t, |t| t_sf(t, self.degrees))))
    }

    /// The two-sided interval; each end by itself is a one-sided limit at (1 + `level`)/2. `None` when the
    /// values do not vary.
    ///
    /// # Errors
    /// When `level` is not strictly between 0 and 1.
    pub fn interval(&self, level: f64) -> Result<Option<Interval>, StatsError> {
        let quantile = t_quantile(0.5 * (1.0 + open_unit("level", level)?), self.degrees);
        Ok(self.standard_error.map(|error| {
            let half = quantile * error;
            Interval { lower: self.mean - half, upper: self.mean + half, level }
        }))
    }
}

/// The mean of independent differences: the paired t test.
///
/// # Errors
/// When there are fewer than two values, or one is not finite.
///
/// Source: Student (1908), Biometrika 6:1.
pub fn mean(differences: &[f64]) -> Result<MeanEstimate, StatsError> {
    all_finite("differences", differences, 2)?;
    let n = differences.len() as f64;
    let mean = average(differences);
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    let standard_error = varies(differences).then(|| (squares / (n - 1.0) / n).sqrt());
    Ok(MeanEstimate { mean, standard_error, degrees: n - 1.0 })
}

/// The mean of differences that may depend on each other within a cluster (one document, one template).
///
/// *Symbols.* se² = C/(C − 1) · Σ over clusters (Σ within (dᵢ − d̄))²/n², t with C − 1 degrees of freedom,
/// n values in C clusters, clusters independent.
///
/// # Errors
/// When lengths differ, there are fewer than two clusters, or a value is not finite.
///
/// Source: Miller (2024), arXiv 2411.00640, §2.2, with the small-sample factor C/(C − 1) (CR1).
pub fn clustered_mean<K: Ord>(differences: &[f64], clusters: &[K]) -> Result<MeanEstimate, StatsError> {
    all_finite("differences", differences, 2)?;
    if differences.len() != clusters.len() {
        return Err(StatsError::Lengths { name: "clusters", left: differences.len(), right: clusters.len() });
    }
    let mean = average(differences);
    let mut sums = BTreeMap::new();
    for (cluster, d) in clusters.iter().zip(differences) {
        *sums.entry(cluster).or_insert(0.0) += d - mean;
    }
    if sums.len() < 2 {
        return Err(StatsError::TooFew { name: "clusters", len: sums.len(), min: 2 });
    }
    let degrees = sums.len() as f64 - 1.0;
    let squares: f64 = sums.values().map(|sum: &f64| sum.powi(2)).sum();
    let error = (squares * (degrees + 1.0) / degrees).sqrt() / differences.len() as f64;
    let standard_error = (varies(differences) && error > 0.0).then_some(error);
    Ok(MeanEstimate { mean, standard_error, degrees })
}

pub(super) fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Whether the values differ by more than rounding.
fn varies(values: &[f64]) -> bool {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    high - low > CONSTANT * low.abs().max(high.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_differences_have_no_test_and_no_interval() {
        for d in [vec![0.0; 9], vec![0.1; 7], vec![0.3, 0.1 + 0.2, 0.3]] {
            let estimate = mean(&d).unwrap();
            assert_eq!(estimate.standard_error, None, "{d:?}");
            assert_eq!(estimate.p_value(0.02, Alternative::Less).unwrap(), None);
            assert_eq!(estimate.interval(0.95).unwrap(), None);
        }
    }

    #[test]
    fn clusters_of_one_are_the_paired_t() {
        let d = [0.1, -0.2, 0.4, 0.0, 0.3];
        let (plain, clustered) = (mean(&d).unwrap(), clustered_mean(&d, &[3, 1, 4, 0, 5]).unwrap());
        assert_eq!(plain.degrees, clustered.degrees);
        let ratio = plain.standard_error.unwrap() / clustered.standard_error.unwrap();
        assert!((ratio - 1.0).abs() < 1e-12);
    }

    #[test]
    fn copies_of_a_case_do_not_count_as_more_cases() {
        let d = [0.1, -0.2, 0.4, 0.0, 0.3];
        let five_times: Vec<f64> = d.iter().copied().cycle().take(25).collect();
        let clusters: Vec<usize> = (0..25).map(|i| i % 5).collect();
        let clustered = clustered_mean(&five_times, &clusters).unwrap().standard_error.unwrap();
        assert!((clustered / mean(&d).unwrap().standard_error.unwrap() - 1.0).abs() < 1e-12);
        assert!(mean(&five_times).unwrap().standard_error.unwrap() < 0.5 * clustered);
    }

    #[test]
    fn too_little_and_not_numbers_are_refused() {
        assert!(mean(&[]).is_err() && mean(&[1.0]).is_err());
        assert!(mean(&[1.0, f64::NAN]).is_err() && mean(&[1.0, f64::INFINITY]).is_err());
        assert!(clustered_mean(&[1.0, 2.0], &[1]).is_err());
        assert!(clustered_mean(&[1.0, 2.0], &["a", "a"]).is_err());
        assert!(mean(&[1.0, 2.0]).unwrap().t(f64::NAN).is_err());
    }

    #[test]
    fn scaling_the_unit_changes_no_p_value() {
        let seconds = [0.21, 0.19, 0.35, 0.02];
        let millis = seconds.map(|s| s * 1_000.0);
        let p = |d: &[f64]| mean(d).unwrap().p_value(0.0, Alternative::TwoSided).unwrap().unwrap();
        assert!((p(&seconds) - p(&millis)).abs() < 1e-12);
    }
}
