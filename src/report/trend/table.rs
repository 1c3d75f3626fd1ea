//! A trend as a table: for people, for pull requests, for other programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Trend, TrendPoint, TrendRelease};
use crate::report::markdown::escaped;
use crate::report::number;
use crate::store::{TableColumn, table_bytes};

/// The columns of every table, in order.
const COLUMNS: [&str; 15] = [
    "run",
    "candidate",
    "baseline",
    "run_verdict",
    "metric",
    "kind",
    "verdict",
    "pairs",
    "missing",
    "baseline_mean",
    "candidate_mean",
    "difference",
    "low",
    "high",
    "margin",
];

impl Trend {
    /// Every point with its release, metric by metric.
    fn rows(&self) -> Vec<(&TrendRelease, &TrendPoint)> {
        self.metrics().into_iter().flat_map(|metric| self.of(metric).collect::<Vec<_>>()).collect()
    }

    /// For a terminal: one block a metric, one line a release.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let names =
            longest(&mut self.releases.iter().map(|release| release.candidate.chars().count())).min(44);
        for metric in self.metrics() {
            // Writing to a String cannot fail; so below.
            let _ = writeln!(out, "{metric}");
            for (release, point) in self.of(metric) {
                let name: String = release.candidate.chars().take(names).collect();
                let _ = writeln!(
                    out,
                    "  {name:<names$}  {:>12}  {:>24}  {:>10} pairs  {}",
                    number::difference_or_nothing(point.kind, point.difference),
                    number::interval(point.kind, point.interval),
                    number::count(point.pairs),
                    point.verdict.map_or("", |verdict| verdict.as_str()),
                );
            }
        }
        out
    }

    /// For a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::from(
            "| metric | release | baseline | candidate | difference | interval | pairs | verdict |\n",
        );
        out.push_str("|---|---|--:|--:|--:|--:|--:|---|\n");
        for (release, point) in self.rows() {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                escaped(&point.metric),
                escaped(&release.candidate),
                point.baseline.map_or_else(|| number::NOTHING.to_owned(), number::digits),
                point.candidate.map_or_else(|| number::NOTHING.to_owned(), number::digits),
                number::difference_or_nothing(point.kind, point.difference),
                number::interval(point.kind, point.interval),
                number::count(point.pairs),
                point.verdict.map_or(number::NOTHING, |verdict| verdict.as_str()),
            );
        }
        out
    }

    /// For programs: an array of objects, one a point, whose keys are the table's columns.
    #[must_use]
    pub fn json(&self) -> Value {
        let object = |cells: [Value; COLUMNS.len()]| {
            COLUMNS.into_iter().map(str::to_owned).zip(cells).collect::<serde_json::Map<_, _>>()
        };
        self.rows().into_iter().map(|(release, point)| Value::Object(object(cells(release, point)))).collect()
    }

    /// The same as comma-separated values.
    ///
    /// # Errors
    /// Never in practice: it is written into memory.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        for (release, point) in self.rows() {
            writer.write_record(cells(release, point).map(|cell| match cell {
                Value::Null => String::new(),
                Value::String(text) => text,
                other => other.to_string(),
            }))?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }

    /// The same as Parquet.
    ///
    /// # Errors
    /// Never in practice: all columns are of one length.
    pub fn parquet(&self) -> Result<Vec<u8>, String> {
        let rows = self.rows();
        let columns = COLUMNS.into_iter().enumerate().map(|(at, name)| {
            let cells = rows.iter().map(|(release, point)| cells(release, point)[at].clone());
            let column = match name {
                "pairs" | "missing" => {
                    TableColumn::Count(cells.map(|cell| cell.as_u64().unwrap_or(0)).collect())
                }
                "baseline_mean" | "candidate_mean" | "difference" | "low" | "high" | "margin" => {
                    TableColumn::Number(cells.map(|cell| cell.as_f64()).collect())
                }
                _ => TableColumn::Text(cells.map(|cell| cell.as_str().map(str::to_owned)).collect()),
            };
            (name, column)
        });
        table_bytes(columns.collect())
    }
}

fn cells(release: &TrendRelease, point: &TrendPoint) -> [Value; COLUMNS.len()] {
    [
        json!(release.run),
        json!(release.candidate),
        json!(release.baseline),
        json!(release.verdict.map(|verdict| verdict.as_str())),
        json!(point.metric),
        json!(point.kind.as_str()),
        json!(point.verdict.map(|verdict| verdict.as_str())),
        json!(point.pairs),
        json!(point.missing),
        json!(point.baseline),
        json!(point.candidate),
        json!(point.difference),
        json!(point.interval.map(|(low, _)| low)),
        json!(point.interval.map(|(_, high)| high)),
        json!(point.margin),
    ]
}
