//! A trend as a page: one plot a metric, difference and interval from release to release.

use minijinja::Environment;
use serde::Serialize;

use super::{Trend, TrendPoint, TrendRelease};
use crate::domain::MetricKind;
use crate::report::html::{PageError, STYLE};
use crate::report::number;

const TEMPLATE: &str = include_str!("trend.html");

/// The plot's own units.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 190.0;
const EDGE: f64 = 18.0;

/// The page: one file, no script, nothing to fetch.
///
/// # Errors
/// Only for a fault in the template itself.
pub fn trend_html(trend: &Trend) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.add_template("trend.html", TEMPLATE)?; // the name's end turns escaping on
    let plots: Vec<Plot> = trend.metrics().into_iter().map(|metric| Plot::of(trend, metric)).collect();
    let first = trend.releases.first().map(|release| release.candidate.as_str());
    let last = trend.releases.last().map(|release| release.candidate.as_str());
    let page = Page {
        style: STYLE,
        plots,
        releases: trend.releases.len(),
        first,
        last,
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(environment.get_template("trend.html")?.render(page)?)
}

#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    plots: Vec<Plot<'a>>,
    releases: usize,
    first: Option<&'a str>,
    last: Option<&'a str>,
    version: &'static str,
}

#[derive(Serialize)]
struct Plot<'a> {
    metric: &'a str,
    zero: f64,
    /// Where the last margin stands; none was set, none is drawn.
    margin: Option<f64>,
    /// The differences at the drawing's upper and lower edge.
    top: String,
    bottom: String,
    points: Vec<Mark>,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Mark {
    x: f64,
    y: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    verdict: &'static str,
    title: String,
}

#[derive(Serialize)]
struct Row<'a> {
    candidate: &'a str,
    /// The last part of where it was read from.
    run: &'a str,
    verdict: &'static str,
    baseline: String,
    mean: String,
    difference: String,
    interval: String,
    pairs: String,
}

impl<'a> Plot<'a> {
    fn of(trend: &'a Trend, metric: &'a str) -> Self {
        let points: Vec<(&TrendRelease, &TrendPoint)> = trend.of(metric).collect();
        let margin = points.iter().rev().find_map(|(_, point)| Some(harmful(point.kind, point.margin?)));
        let ends = points.iter().flat_map(|(_, point)| {
            let interval = point.interval.map(|(low, high)| [low, high]).into_iter().flatten();
            interval.chain(point.difference)
        });
        let all: Vec<f64> = ends.chain(margin).chain([0.0]).filter(|value| value.is_finite()).collect();
        let (low, high) =
            all.iter().fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
        let y = move |value: f64| {
            let room = (high - low).max(f64::MIN_POSITIVE);
            half(EDGE + (HEIGHT - 2.0 * EDGE) * (1.0 - (value.clamp(low, high) - low) / room))
        };
        let last = points.len().saturating_sub(1).max(1);
        let marks = points.iter().enumerate().map(|(at, (release, point))| Mark {
            x: half(EDGE + (WIDTH - 2.0 * EDGE) * fraction(at, last)),
            y: point.difference.map(y),
            low: point.interval.map(|(low, _)| y(low)),
            high: point.interval.map(|(_, high)| y(high)),
            verdict: point.verdict.map_or("unknown", |verdict| verdict.as_str()),
            title: format!(
                "{}: {} ({})",
                release.candidate,
                number::difference_or_nothing(point.kind, point.difference),
                number::interval(point.kind, point.interval)
            ),
        });
        Self {
            metric,
            zero: y(0.0),
            margin: margin.map(y),
            top: points.first().map_or_else(String::new, |(_, point)| number::difference(point.kind, high)),
            bottom: points.first().map_or_else(String::new, |(_, point)| number::difference(point.kind, low)),
            points: marks.collect(),
            rows: points.iter().map(|(release, point)| Row::of(release, point)).collect(),
        }
    }
}

impl<'a> Row<'a> {
    fn of(release: &'a TrendRelease, point: &TrendPoint) -> Self {
        let mean = |value: Option<f64>| value.map_or_else(|| number::NOTHING.to_owned(), number::digits);
        Self {
            candidate: &release.candidate,
            run: release.run.trim_end_matches('/').rsplit('/').next().unwrap_or(&release.run),
            verdict: point.verdict.map_or("", |verdict| verdict.as_str()),
            baseline: mean(point.baseline),
            mean: mean(point.candidate),
            difference: number::difference_or_nothing(point.kind, point.difference),
            interval: number::interval(point.kind, point.interval),
            pairs: number::count(point.pairs),
        }
    }
}

/// The margin on the side where it hurts.
fn harmful(kind: MetricKind, margin: f64) -> f64 {
    if kind == MetricKind::Score { -margin } else { margin }
}

#[expect(clippy::cast_precision_loss, reason = "a count of releases")]
fn fraction(at: usize, last: usize) -> f64 {
    at as f64 / last as f64
}

fn half(value: f64) -> f64 {
    (value * 2.0).round() / 2.0
}
