//! The interval of each metric against its margin, drawn inside its row of the table.
//!
//! Metrics have different units, so each row is scaled by its own margin: zero and the margin stand
//! at the same place in every row, and to the right is worse, whatever the metric counts.

use serde::Serialize;

use crate::domain::MetricKind;
use crate::wire::MetricRecord;

/// Margins shown to either side of zero; what lies beyond is cut, and ends in an arrow.
const MARGINS_MAX: f64 = 2.5;

/// Half the drawing's width in its own units.
const HALF: f64 = 100.0;

/// Where things stand in a drawing of 200 by 20 units; whole and half units, for short files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Forest {
    low: f64,
    high: f64,
    /// Whether the ends lie inside the drawing.
    low_capped: bool,
    high_capped: bool,
    point: Option<f64>,
    margin: f64,
    /// The other margin, of metrics that may err in both directions.
    margin_below: Option<f64>,
}

impl Forest {
    /// The drawing of a metric's row; `None` without an interval.
    pub(super) fn of(metric: &MetricRecord) -> Option<Self> {
        Self::of_part(metric, metric.interval, metric.difference)
    }

    /// The drawing of a part of the metric's pairs, on the same scale.
    pub(super) fn of_part(
        metric: &MetricRecord,
        interval: Option<(f64, f64)>,
        difference: Option<f64>,
    ) -> Option<Self> {
        let (low, high) = interval?;
        let (a, b) = (margins(metric, low), margins(metric, high));
        let (low, high) = (a.min(b), a.max(b));
        Some(Self {
            low: place(low),
            high: place(high),
            low_capped: inside(&low),
            high_capped: inside(&high),
            point: difference.map(|difference| margins(metric, difference)).filter(inside).map(place),
            margin: place(1.0),
            margin_below: (metric.kind == MetricKind::Length).then(|| place(-1.0)),
        })
    }
}

/// A difference as a multiple of the margin, positive for worse.
fn margins(metric: &MetricRecord, difference: f64) -> f64 {
    let harm = if metric.kind == MetricKind::Score { -difference } else { difference };
    if harm == 0.0 { 0.0 } else { harm / metric.margin.max(f64::MIN_POSITIVE) }
}

fn inside(margins: &f64) -> bool {
    margins.abs() < MARGINS_MAX
}

fn place(margins: f64) -> f64 {
    let x = HALF + HALF * margins.clamp(-MARGINS_MAX, MARGINS_MAX) / MARGINS_MAX;
    (x * 2.0).round() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{VerdictRecord, fixture};

    fn row(kind: MetricKind, interval: (f64, f64), margin: f64) -> Forest {
        let metric = VerdictRecord::from(&fixture::judgment()).metrics.remove(0);
        let metric =
            MetricRecord { kind, interval: Some(interval), margin, difference: Some(interval.0), ..metric };
        Forest::of(&metric).unwrap()
    }

    #[test]
    fn zero_is_in_the_middle_and_the_margin_at_its_place() {
        let drawn = row(MetricKind::Event, (0.0, 0.01), 0.01);
        assert_eq!((drawn.low, drawn.high, drawn.margin), (100.0, 140.0, 140.0));
    }

    #[test]
    fn a_lost_score_points_to_the_right_like_every_harm() {
        assert_eq!(
            row(MetricKind::Score, (-0.02, 0.0), 0.02).high,
            row(MetricKind::Event, (0.0, 0.02), 0.02).high
        );
    }

    #[test]
    fn far_ends_are_cut_without_a_cap_and_a_zero_margin_is_no_crash() {
        let drawn = row(MetricKind::Event, (-1.0, 1.0), 0.0);
        assert_eq!((drawn.low, drawn.high, drawn.low_capped, drawn.high_capped), (0.0, 200.0, false, false));
        assert_eq!(row(MetricKind::Event, (0.0, 0.0), 0.0).high, 100.0);
    }
}
