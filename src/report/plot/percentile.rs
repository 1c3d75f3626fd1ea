//! Latency by percentile, on the axis that gives each nine the same room: x = log₁₀ 1/(1 − p).

use std::error::Error;

use hdrhistogram::Histogram;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;

use super::canvas::{self, Caption, SIZE, framed};
use crate::report::number;

/// Points along a curve; more cannot be told apart at the plot's width.
const POINTS: u32 = 160;

/// Both arms of one metric.
pub(in crate::report) struct Arms<'a> {
    pub(in crate::report) metric: &'a str,
    pub(in crate::report) baseline: Option<&'a Histogram<u64>>,
    pub(in crate::report) candidate: Option<&'a Histogram<u64>>,
}

/// The plot of one metric; `None` when neither arm has a value.
pub(in crate::report) fn percentiles(arms: &Arms<'_>) -> Option<String> {
    let (baseline, candidate) = (curve(arms.baseline), curve(arms.candidate));
    let points = || baseline.iter().chain(&candidate);
    let x_max = points().map(|point| point.0).fold(1.0, f64::max);
    let y_max = points().map(|point| point.1).fold(0.0, f64::max) * 1.05;
    if points().next().is_none() || !y_max.is_finite() {
        return None;
    }
    let mut drawing = String::new();
    let lines = [(&baseline, canvas::BASELINE), (&candidate, canvas::CANDIDATE)];
    draw(&mut drawing, (x_max, y_max.max(1e-3)), &lines).ok()?;
    let title = format!("{} by percentile", arms.metric);
    let description =
        format!("{} {}", described("Baseline", arms.baseline), described("Candidate", arms.candidate));
    let id = format!("plot-{}", arms.metric.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    framed(&drawing, &Caption { id: &id, title: &title, description: &description })
}

/// Points `(log₁₀ 1/(1 − p), milliseconds)` up to the last percentile the sample supports: 1 − 1/n.
fn curve(histogram: Option<&Histogram<u64>>) -> Vec<(f64, f64)> {
    let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) else { return Vec::new() };
    #[expect(clippy::cast_precision_loss, reason = "a count of requests, shown on a logarithmic axis")]
    let x_max = (histogram.len() as f64).log10().max(0.3);
    (0..=POINTS)
        .map(|step| {
            let x = x_max * f64::from(step) / f64::from(POINTS);
            (x, milliseconds(histogram, 1.0 - 10_f64.powf(-x)))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a request fit into 52 bits")]
pub(in crate::report) fn milliseconds(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1000.0
}

fn described(arm: &str, histogram: Option<&Histogram<u64>>) -> String {
    let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) else {
        return format!("{arm}: nothing measured.");
    };
    let [p50, p99] = [0.5, 0.99].map(|p| number::digits(milliseconds(histogram, p)));
    format!("{arm}: {} requests, median {p50} ms, 99th percentile {p99} ms.", number::count(histogram.len()))
}

type Line<'a> = (&'a Vec<(f64, f64)>, RGBColor);

fn draw(svg: &mut String, (x_max, y_max): (f64, f64), lines: &[Line<'_>]) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_top(10)
        .margin_right(30)
        .x_label_area_size(26)
        .y_label_area_size(66)
        .build_cartesian_2d(Nines(x_max), 0.0..y_max)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(canvas::GRID)
        .axis_style(canvas::GRID)
        .label_style(canvas::LABELS.into_font().color(&canvas::MUTED))
        .y_labels(6)
        .y_label_formatter(&|y| format!("{} ms", number::digits(*y)))
        .draw()?;
    for (points, colour) in lines {
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
    }
    area.present()?;
    Ok(())
}

/// The axis from 0 to `log₁₀ 1/(1 − p)` of the last percentile, labelled at the percentiles people name.
struct Nines(f64);

impl Ranged for Nines {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let place = f64::from(end - start) * value / self.0;
        #[expect(clippy::cast_possible_truncation, reason = "a place within the plot's few hundred units")]
        let place = place.round() as i32;
        start + place
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        let named = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].map(|p: f64| -(1.0 - p).log10());
        named.into_iter().filter(|x| *x <= self.0).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..self.0
    }
}

impl ValueFormatter<f64> for Nines {
    /// `p50`, `p99.9` …
    fn format(x: &f64) -> String {
        let percent = format!("{:.3}", (1.0 - 10_f64.powf(-x)) * 100.0);
        format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
    }
}
