//! The load an arm worked at: what a latency may be compared at.

use super::sums::LatencyHistogram;
use crate::domain::Arm;

/// Where an arm's load lay most of the time, in requests in flight at its endpoint.
///
/// From the 10th to the 90th percentile: every arm is idle once in a while, and ranges from least to most
/// would always meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadRange {
    /// 10th percentile.
    pub low: f64,
    /// 90th percentile.
    pub high: f64,
}

impl LoadRange {
    /// Whether the two ranges share a load.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// Loads at which the halves of pairs were sent, per arm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loads {
    baseline: LatencyHistogram,
    candidate: LatencyHistogram,
}

impl Loads {
    pub(super) fn new() -> Result<Self, hdrhistogram::CreationError> {
        Ok(Self { baseline: LatencyHistogram::new()?, candidate: LatencyHistogram::new()? })
    }

    pub(super) fn record(&mut self, arm: Arm, in_flight: f64) {
        match arm {
            Arm::Baseline => self.baseline.record(in_flight),
            Arm::Candidate => self.candidate.record(in_flight),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.baseline.merge(&other.baseline);
        self.candidate.merge(&other.candidate);
    }

    /// `None` when no load was seen.
    pub(super) fn range(&self, arm: Arm) -> Option<LoadRange> {
        let loads = match arm {
            Arm::Baseline => &self.baseline,
            Arm::Candidate => &self.candidate,
        };
        let requests = |quantile| loads.quantile_ms(quantile).map(f64::round);
        Some(LoadRange { low: requests(0.1)?, high: requests(0.9)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(baseline: &[f64], candidate: &[f64], expected: bool) {
        let mut loads = Loads::new().unwrap();
        baseline.iter().for_each(|load| loads.record(Arm::Baseline, *load));
        candidate.iter().for_each(|load| loads.record(Arm::Candidate, *load));
        let ranges = (loads.range(Arm::Baseline).unwrap(), loads.range(Arm::Candidate).unwrap());
        assert_eq!(ranges.0.overlaps(ranges.1), expected, "{ranges:?}");
        assert_eq!(ranges.1.overlaps(ranges.0), expected, "{ranges:?}");
    }

    #[test]
    fn one_idle_moment_does_not_make_loads_comparable() {
        let busy: Vec<f64> = std::iter::once(1.0).chain((0..19).map(|n| 30.0 + f64::from(n))).collect();
        check(&busy, &[1.0, 1.0, 2.0, 2.0, 3.0], false);
        check(&busy, &[20.0, 25.0, 32.0, 35.0], true);
        check(&[2.0], &[2.0], true);
    }
}
