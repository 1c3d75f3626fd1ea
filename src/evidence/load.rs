//! The load an arm worked at: what a latency may be compared at.

use super::sums::LatencyHistogram;
use crate::domain::Arm;

/// Where an arm's load lay most of the time, in requests in flight at its endpoint or in tokens to read.
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
    /// Whether the two have values in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// Loads up to this ratio, and [`LOAD_SLACK`] requests, apart count as the same. Where an engine's times double at 32 in
/// flight, what the load does within that is below 5 %, which is the default margin: (0.05 n + 1)/(32 + n) at n in flight.
const LOAD_RATIO: f64 = 1.05;

/// Requests by which small loads may differ besides: one and two in flight are alike.
const LOAD_SLACK: f64 = 1.0;

/// Prompts up to this ratio, and [`PROMPT_SLACK`] tokens, apart take about as long to read.
const PROMPT_RATIO: f64 = 1.1;

/// Tokens by which prompts may differ besides: a few blocks of a prefix cache.
const PROMPT_SLACK: f64 = 64.0;

/// What a latency may speak for at the loads it was seen at: decided before its outcome is seen, so that each
/// side's e-process stays one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparable {
    /// The candidate was loaded at least about as much as the baseline: a fast answer counts for it.
    pub(super) promote: bool,
    /// The candidate was loaded at most about as much: a slow answer counts against it.
    pub(super) abort: bool,
}

impl Comparable {
    /// Nothing is known of the loads, or they are alike.
    pub(super) const BOTH: Self = Self { promote: true, abort: true };

    /// The clocks cannot be believed.
    pub(super) const NEITHER: Self = Self { promote: false, abort: false };

    /// What the loads of the two arms allow.
    pub(super) fn at_loads(baseline: Option<f64>, candidate: Option<f64>) -> Self {
        Self::where_alike(baseline, candidate, |one, other| one <= LOAD_RATIO * other + LOAD_SLACK)
    }

    /// What the prompt tokens that the two arms had to read allow.
    pub(super) fn at_prompts(baseline: Option<f64>, candidate: Option<f64>) -> Self {
        Self::where_alike(baseline, candidate, |one, other| one <= PROMPT_RATIO * other + PROMPT_SLACK)
    }

    fn where_alike(
        baseline: Option<f64>,
        candidate: Option<f64>,
        at_most: impl Fn(f64, f64) -> bool,
    ) -> Self {
        let (Some(baseline), Some(candidate)) = (baseline, candidate) else { return Self::BOTH };
        Self { promote: at_most(baseline, candidate), abort: at_most(candidate, baseline) }
    }

    /// What both allow.
    pub(super) const fn and(self, other: Self) -> Self {
        Self { promote: self.promote && other.promote, abort: self.abort && other.abort }
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

    #[test]
    fn a_fast_answer_counts_under_load_and_a_slow_one_without() {
        let at = |baseline, candidate| {
            let Comparable { promote, abort } = Comparable::at_loads(Some(baseline), Some(candidate));
            (promote, abort)
        };
        assert_eq!(at(40.0, 1.0), (false, true), "an idle candidate that is slow is slow");
        assert_eq!(at(40.0, 39.0), (true, true));
        assert_eq!(at(25.0, 75.0), (true, false), "a crowded candidate that is fast is fast");
        assert_eq!(at(1.0, 2.0), (true, true));
        assert_eq!(Comparable::at_loads(None, Some(9.0)), Comparable::BOTH);
    }

    #[test]
    fn what_the_load_does_between_loads_that_are_alike_is_within_the_default_margin() {
        let time = |load: f64| 1.0 + load / 32.0;
        for baseline in 0..1_000 {
            let baseline = f64::from(baseline);
            let alike = |load: &u32| Comparable::at_loads(Some(baseline), Some(f64::from(*load))).abort;
            let most = f64::from((0..2_000).filter(alike).max().unwrap());
            assert!(time(most) / time(baseline) <= 1.05, "{baseline} and {most} in flight");
        }
    }

    fn check(baseline: &[f64], candidate: &[f64], expected: (f64, f64)) {
        let mut loads = Loads::new().unwrap();
        baseline.iter().for_each(|load| loads.record(Arm::Baseline, *load));
        candidate.iter().for_each(|load| loads.record(Arm::Candidate, *load));
        let range = loads.range(Arm::Baseline).unwrap();
        assert_eq!((range.low, range.high), expected);
        assert_eq!(loads.range(Arm::Candidate).is_some(), !candidate.is_empty());
    }

    #[test]
    fn one_idle_moment_does_not_widen_a_range() {
        let busy: Vec<f64> = std::iter::once(1.0).chain((0..19).map(|n| 30.0 + f64::from(n))).collect();
        check(&busy, &[1.0, 1.0], (30.0, 46.0));
        check(&[2.0], &[], (2.0, 2.0));
    }
}
