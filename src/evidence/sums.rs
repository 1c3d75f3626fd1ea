//! Sums that do not depend on the order of adding, and the latency histograms people read.

use hdrhistogram::{CreationError, Histogram};

use crate::stats::nearest;

/// Units in one: 2⁻⁴⁰ keeps values up to 10¹⁵ over 2⁶⁰ additions in an `i128`.
const UNITS: f64 = (1_u64 << 40) as f64;

/// Below it units fit an `i64`, as nearly all values do.
const FITS: f64 = (1_u64 << 62) as f64;

/// A sum of values in fixed point: exact under any order and any merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    units: i128,
    count: u64,
}

impl Sum {
    /// Adds a finite value below 10¹⁵ in size.
    #[expect(clippy::cast_possible_truncation, reason = "values of a metric are far below 2^86")]
    pub(super) fn add(&mut self, value: f64) {
        let units = value * UNITS;
        self.units += if units.abs() < FITS { i128::from(nearest(units)) } else { units.round() as i128 };
        self.count += 1;
    }

    pub(super) const fn merge(&mut self, other: &Self) {
        self.units += other.units;
        self.count += other.count;
    }

    /// Values added.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean; `None` of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean for people and for guesses")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.units as f64 / UNITS / self.count as f64)
    }
}

/// Microseconds in a millisecond: histograms count microseconds.
const US: f64 = 1_000.0;

/// A latency histogram in microseconds with three significant digits.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyHistogram(Histogram<u64>);

impl LatencyHistogram {
    pub(super) fn new() -> Result<Self, CreationError> {
        Histogram::new(3).map(Self)
    }

    /// Adds a latency in milliseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub(super) fn record(&mut self, latency_ms: f64) {
        // The histogram grows with its values; one that memory cannot hold is counted at the top.
        let latency_us = (latency_ms * US).round() as u64;
        if self.0.record(latency_us).is_err() {
            self.0.saturating_record(latency_us);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let _ = self.0.add(&other.0);
    }

    /// The value at a quantile in [0, 1], in milliseconds; `None` of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile) as f64 / US)
    }

    /// The values that count as one with the one at a quantile, in milliseconds: the least and the largest of them.
    #[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
    pub(super) fn equals_ms(&self, quantile: f64) -> Option<(f64, f64)> {
        let value = (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile))?;
        Some((self.0.lowest_equivalent(value) as f64 / US, self.0.highest_equivalent(value) as f64 / US))
    }

    /// Latencies counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The histogram itself, in microseconds.
    #[must_use]
    pub const fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}
