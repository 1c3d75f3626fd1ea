//! Copies that were dropped, against those that were sent: what is lost must be lost by chance.

use super::EvidenceError;
use super::strand::Pace;
use super::sums::LatencyHistogram;
use crate::stats::{BetGrid, NullDrift};

/// Copies sent before a dropped one is compared with them.
const SENT_MIN: u64 = 50;

/// Whether requests whose copies were dropped are longer, or shorter, than those whose copies were sent.
///
/// Every dropped request is compared with the median of those sent *before* it: above it or below it, by chance as
/// often one as the other. Merging is exact: replicas compare with what they are told of all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Drops {
    /// Sizes in bytes of the requests whose copies were sent.
    sent: LatencyHistogram,
    /// The sizes around the middle as a replica was told them last.
    told: Option<(f64, f64)>,
    pace: Pace,
    drift: NullDrift,
    dropped: u64,
}

impl Drops {
    pub(super) fn new(pace: Pace) -> Result<Self, EvidenceError> {
        let sent = LatencyHistogram::new().map_err(|error| EvidenceError::Histogram(error.to_string()))?;
        Ok(Self { sent, told: None, pace, drift: NullDrift::new(BetGrid::Uniform)?, dropped: 0 })
    }

    pub(super) fn sent(&mut self, bytes: f64) {
        self.sent.record(bytes);
    }

    pub(super) fn dropped(&mut self, bytes: f64) -> Result<(), EvidenceError> {
        self.dropped += 1;
        let middle = match self.pace {
            Pace::Own => self.middle(),
            Pace::Told => self.told,
        };
        let Some((low, high)) = middle else { return Ok(()) };
        let side = f64::from(u8::from(bytes > high)) - f64::from(u8::from(bytes < low));
        Ok(self.drift.update(side)?)
    }

    /// Sizes just below and just above the median: what lies between them is on neither side.
    fn middle(&self) -> Option<(f64, f64)> {
        let known = self.sent.count() >= SENT_MIN;
        // Sizes are counted in bins, and what lies in the bin of the middle is on neither side.
        let below = known.then(|| self.sent.equals_ms(0.49)).flatten()?;
        let above = self.sent.equals_ms(0.51)?;
        Some((below.0, above.1))
    }

    /// A snapshot of all replicas was taken: from here on each compares with what all of them sent.
    pub(super) fn hear(&mut self, all: &Self) {
        self.told = all.middle();
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), EvidenceError> {
        self.sent.merge(&other.sent);
        self.dropped += other.dropped;
        Ok(self.drift.merge(&other.drift)?)
    }

    /// Copies that were sent.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.sent.count()
    }

    /// Copies that were dropped.
    #[must_use]
    pub const fn dropped_copies(&self) -> u64 {
        self.dropped
    }

    /// ln E against "dropped requests are as long as the others".
    #[must_use]
    pub fn log_e(&self) -> f64 {
        self.drift.log_e()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln E after 2,000 requests of 100 to 1,099 bytes, of which `drops` says which are dropped.
    fn log_e(drops: impl Fn(u64, f64) -> bool) -> f64 {
        let mut all = Drops::new(Pace::Own).unwrap();
        for n in 0..2_000_u64 {
            let bytes = 100.0 + (n * 617 % 1_000) as f64;
            if drops(n, bytes) {
                all.dropped(bytes).unwrap();
            } else {
                all.sent(bytes);
            }
        }
        all.log_e()
    }

    #[test]
    fn requests_of_one_size_are_on_neither_side() {
        for bytes in [1.0, 400.0, 5_000.0, 1e6] {
            let mut all = Drops::new(Pace::Own).unwrap();
            (0..100).for_each(|_| all.sent(bytes));
            (0..100).for_each(|_| all.dropped(bytes).unwrap());
            assert!(all.log_e().abs() < 1e-12, "{bytes} bytes: {}", all.log_e());
        }
    }

    #[test]
    fn chance_is_no_drift_and_a_preference_is() {
        let alarm = 1_000_f64.ln();
        assert!(log_e(|n, _| n % 7 == 0) < alarm);
        assert!(log_e(|n, bytes| n % 3 == 0 && bytes > 800.0) > alarm);
        assert!(log_e(|n, bytes| n % 3 == 0 && bytes < 300.0) > alarm);
        assert!(log_e(|_, _| false).abs() < 1e-12);
    }
}
