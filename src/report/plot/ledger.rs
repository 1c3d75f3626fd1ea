//! The ledger of e-values over the evidence: how strongly each hypothesis was refuted, look by look.

use std::error::Error;

use plotters::prelude::*;

use super::canvas::{self, Caption, SERIES_MAX, SIZE, Series, framed};
use crate::judgment::{LedgerPoint, Policy};

/// Looks drawn; of a longer ledger every n-th look and the last one are.
const LOOKS_MAX: usize = 400;

/// Below one to a hundred an e-value only says "not at all"; the plot ends there.
const FLOOR: f64 = -2.0;

/// Which hypothesis the e-values speak against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Side {
    /// "Worse by at most the margin": at the threshold the rollout is aborted.
    Abort,
    /// "Worse by the margin or more": at the threshold a metric passes.
    Promote,
}

/// One side's plot with its legend.
pub(in crate::report) struct Ledger {
    pub(in crate::report) svg: String,
    pub(in crate::report) legend: Vec<Series>,
}

struct Line {
    name: String,
    /// Its colour: see [`canvas::series`].
    series: usize,
    /// Records and log₁₀ of the e-value.
    points: Vec<(f64, f64)>,
}

impl Ledger {
    /// The plot of `side`; `None` when there was no look.
    pub(in crate::report) fn draw(
        points: &[LedgerPoint],
        policy: Option<&Policy>,
        side: Side,
    ) -> Option<Self> {
        let looks = thinned(points);
        let last = looks.last()?;
        let lines = lines(&looks, last, side);
        let threshold = policy.map(|policy| -side.alpha(policy).log10()).filter(|t| t.is_finite());
        let mut drawing = String::new();
        draw(&mut drawing, &lines, threshold, side).ok()?;
        let named = lines.iter().filter(|line| line.series < SERIES_MAX);
        let legend = named.map(|line| Series::new(line.series, line.name.clone())).collect();
        let caption =
            Caption { id: side.id(), title: side.title(), description: &described(&lines, threshold) };
        Some(Self { svg: framed(&drawing, &caption)?, legend })
    }
}

impl Side {
    const fn alpha(self, policy: &Policy) -> f64 {
        match self {
            Self::Abort => policy.abort_alpha,
            Self::Promote => policy.promote_alpha,
        }
    }

    const fn pick(self, abort: f64, promote: f64) -> f64 {
        match self {
            Self::Abort => abort,
            Self::Promote => promote,
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Abort => "ledger-abort",
            Self::Promote => "ledger-promote",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Abort => "Evidence against the candidate, by pairs",
            Self::Promote => "Evidence for the candidate, by pairs",
        }
    }

    const fn threshold_colour(self) -> RGBColor {
        match self {
            Self::Abort => canvas::FAIL,
            Self::Promote => canvas::PASS,
        }
    }
}

fn thinned(points: &[LedgerPoint]) -> Vec<&LedgerPoint> {
    let every = points.len().div_ceil(LOOKS_MAX).max(1);
    let mut looks: Vec<_> = points.iter().step_by(every).collect();
    if let (Some(last), false) = (points.last(), points.len() % every == 1 || every == 1) {
        looks.push(last);
    }
    looks
}

/// The family's line, then the metrics in the policy's order: a metric has one colour in both plots.
fn lines(looks: &[&LedgerPoint], last: &LedgerPoint, side: Side) -> Vec<Line> {
    let family = (side == Side::Abort).then(|| Line {
        name: "all metrics, weighted".to_owned(),
        series: 0,
        points: looks.iter().filter_map(|look| point(look, look.log_e_abort)).collect(),
    });
    let metrics = last.metrics.iter().enumerate().map(|(index, (name, ..))| {
        let of = |look: &&LedgerPoint| {
            let (_, abort, promote) = look.metrics.iter().find(|metric| metric.0 == *name)?;
            point(look, side.pick(*abort, *promote))
        };
        Line { name: name.to_string(), series: index + 1, points: looks.iter().filter_map(of).collect() }
    });
    family.into_iter().chain(metrics).collect()
}

impl Line {
    /// The family's line is what decides, and so the broad one.
    const fn width(&self) -> u32 {
        if self.series == 0 { 3 } else { 2 }
    }
}

/// One look at one e-value, cut at the floor; `None` for a NaN, which is drawn nowhere.
#[expect(clippy::cast_precision_loss, reason = "a count of records on a plot's axis")]
fn point(look: &LedgerPoint, log_e: f64) -> Option<(f64, f64)> {
    (!log_e.is_nan()).then(|| (look.records as f64, (log_e / std::f64::consts::LN_10).clamp(FLOOR, 300.0)))
}

fn described(lines: &[Line], threshold: Option<f64>) -> String {
    let at = threshold
        .map_or_else(String::new, |t| format!("The decision falls at an e-value of {:.0}. ", 10_f64.powf(t)));
    let ends = lines
        .iter()
        .filter_map(|line| Some(format!("{} ends at 10 to the {:.1}", line.name, line.points.last()?.1)));
    format!("{at}{}.", ends.collect::<Vec<_>>().join("; "))
}

fn draw(svg: &mut String, lines: &[Line], threshold: Option<f64>, side: Side) -> Result<(), Box<dyn Error>> {
    let all = || lines.iter().flat_map(|line| &line.points);
    let x_max = all().map(|point| point.0).fold(1.0, f64::max);
    let y_max = all().map(|point| point.1).fold(threshold.unwrap_or(1.0), f64::max) + 0.4;
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_top(10)
        .margin_right(30)
        .x_label_area_size(26)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..x_max, FLOOR..y_max)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(canvas::GRID)
        .axis_style(canvas::GRID)
        .label_style(canvas::LABELS.into_font().color(&canvas::MUTED))
        .x_labels(6)
        .y_labels(7)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| odds(*y))
        .draw()?;
    chart.draw_series(LineSeries::new([(0.0, 0.0), (x_max, 0.0)], canvas::MUTED))?;
    for line in lines.iter().rev() {
        let colour = canvas::series(line.series);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(line.width())))?;
        chart.draw_series(line.points.last().map(|end| Circle::new(*end, 3, colour.filled())))?;
    }
    if let Some(t) = threshold {
        let dashes =
            DashedLineSeries::new([(0.0, t), (x_max, t)], 8, 5, side.threshold_colour().stroke_width(2));
        chart.draw_series(dashes)?;
    }
    area.present()?;
    Ok(())
}

/// The e-value at a whole power of ten; nothing between.
fn odds(log10: f64) -> String {
    if (log10 - log10.round()).abs() > 1e-9 {
        return String::new();
    }
    match log10 {
        x if x < -0.5 => format!("1/{:.0}", 10_f64.powf(-x)),
        x if x < 4.5 => format!("{:.0}", 10_f64.powf(x)),
        x => format!("1e{x:.0}"),
    }
}
