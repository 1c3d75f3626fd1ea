//! Many runs side by side: how each metric went from release to release, with intervals.
//!
//! A run with a verdict brings the verdict's own numbers. Stored evidence without one is added up: means, and the interval of a
//! fixed sample at 95 %, which shows and decides nothing. Releases stand in the order in which they were named.

mod page;
mod table;

#[cfg(test)]
mod tests;

pub use page::trend_html;

use crate::domain::MetricKind;
use crate::judgment::Verdict;
use crate::stats::MeanEstimate;
use crate::store::{MetricTotals, Moments};
use crate::wire::{MetricRecord, VerdictRecord};

/// The level of intervals that are computed here.
const LEVEL: f64 = 0.95;

/// Releases in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trend {
    /// One a run.
    pub releases: Vec<TrendRelease>,
}

/// One run: a candidate beside its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendRelease {
    /// Where it was read from.
    pub run: String,
    /// The candidate's name or digest; the run's own name where that is all there is.
    pub candidate: String,
    /// The baseline's, where it is known.
    pub baseline: Option<String>,
    /// The verdict, where there is one.
    pub verdict: Option<Verdict>,
    /// Its metrics.
    pub points: Vec<TrendPoint>,
}

/// One metric of one run; units as in a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendPoint {
    /// The metric.
    pub metric: String,
    /// What kind of number it is.
    pub kind: MetricKind,
    /// The verdict on it, where there is one.
    pub verdict: Option<Verdict>,
    /// Pairs.
    pub pairs: u64,
    /// Those with a missing half.
    pub missing: u64,
    /// The baseline's mean.
    pub baseline: Option<f64>,
    /// The candidate's.
    pub candidate: Option<f64>,
    /// Candidate − baseline, or ratio − 1.
    pub difference: Option<f64>,
    /// Interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// Its level.
    pub level: f64,
    /// The margin, where one was set.
    pub margin: Option<f64>,
}

impl TrendRelease {
    /// What a verdict says of its run.
    #[must_use]
    pub fn of_verdict(run: String, record: &VerdictRecord) -> Self {
        Self {
            run,
            candidate: record.candidate.clone(),
            baseline: Some(record.baseline.clone()),
            verdict: Some(record.verdict),
            points: record.metrics.iter().map(TrendPoint::from).collect(),
        }
    }

    /// What stored pairs come to.
    #[must_use]
    pub fn of_totals(run: String, candidate: String, totals: &[MetricTotals]) -> Self {
        let points = totals.iter().map(TrendPoint::from).collect();
        Self { run, candidate, baseline: None, verdict: None, points }
    }
}

impl Trend {
    /// The metrics in the order in which they first stand.
    #[must_use]
    pub fn metrics(&self) -> Vec<&str> {
        let mut metrics = Vec::new();
        for point in self.releases.iter().flat_map(|release| &release.points) {
            if !metrics.contains(&point.metric.as_str()) {
                metrics.push(&point.metric);
            }
        }
        metrics
    }

    /// A metric's points with their releases.
    pub fn of<'t>(&'t self, metric: &'t str) -> impl Iterator<Item = (&'t TrendRelease, &'t TrendPoint)> {
        self.releases.iter().filter_map(move |release| {
            Some((release, release.points.iter().find(|point| point.metric == metric)?))
        })
    }
}

impl From<&MetricRecord> for TrendPoint {
    fn from(metric: &MetricRecord) -> Self {
        Self {
            metric: metric.name.clone(),
            kind: metric.kind,
            verdict: Some(metric.verdict),
            pairs: metric.pairs,
            missing: metric.missing,
            baseline: metric.baseline,
            candidate: metric.candidate,
            difference: metric.difference,
            interval: metric.interval,
            level: metric.level,
            margin: Some(metric.margin),
        }
    }
}

impl From<&MetricTotals> for TrendPoint {
    fn from(totals: &MetricTotals) -> Self {
        let kind = kind(&totals.metric);
        let (moments, read): (Moments, fn(f64) -> f64) = if kind.is_ratio() {
            (totals.log_ratio, f64::exp_m1)
        } else {
            (totals.difference, |points| points)
        };
        let mean = |moments: Moments| (moments.count > 0).then_some(moments.mean);
        Self {
            metric: totals.metric.clone(),
            kind,
            verdict: None,
            pairs: totals.difference.count + totals.missing,
            missing: totals.missing,
            baseline: mean(totals.baseline),
            candidate: mean(totals.candidate),
            difference: mean(moments).map(read),
            interval: interval(moments).map(|(low, high)| (read(low), read(high))),
            level: LEVEL,
            margin: None,
        }
    }
}

/// The kind that a metric's name stands for: evidence holds names and values alone.
fn kind(metric: &str) -> MetricKind {
    match metric {
        "error" | "broken" | "sameness" => MetricKind::Event,
        "disagreement" => MetricKind::Disagreement,
        "length" => MetricKind::Length,
        name if name.ends_with("_ms") => MetricKind::Latency,
        _ => MetricKind::Score,
    }
}

/// Student's interval of the mean; none of values that do not vary.
#[expect(clippy::cast_precision_loss, reason = "a count of pairs fits into 52 bits")]
fn interval(moments: Moments) -> Option<(f64, f64)> {
    let degrees = moments.count.checked_sub(1)? as f64;
    let estimate = MeanEstimate { mean: moments.mean, standard_error: moments.standard_error(), degrees };
    let interval = estimate.interval(LEVEL).ok()??;
    Some((interval.lower, interval.upper))
}
