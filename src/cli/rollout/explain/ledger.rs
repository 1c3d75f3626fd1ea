//! The ledger as people read it: a dozen looks, and when each e-value reached what decides.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde::Deserialize;

use crate::admin::AlphasRecord;
use crate::domain::MetricName;
use crate::judgment::LedgerPoint;
use crate::report::{crossing_line, crossings, e_value};
use crate::wire::VerdictRecord;

/// Looks in the table, evenly chosen, the first and the latest among them.
const LOOKS_SHOWN: usize = 12;

const LINES: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// One look, as the API tells it. `null` stands for what JSON cannot say: minus infinity.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Look {
    /// Absent in what an older server tells.
    #[serde(default)]
    stage: String,
    records: u64,
    log_e_abort: Option<f64>,
    metrics: Vec<(String, Option<f64>, Option<f64>)>,
}

impl Look {
    pub(super) fn log_e_abort(&self) -> f64 {
        self.log_e_abort.unwrap_or(f64::NEG_INFINITY)
    }

    fn point(&self) -> LedgerPoint {
        let log = |log_e: Option<f64>| log_e.unwrap_or(f64::NEG_INFINITY);
        let metrics = self.metrics.iter();
        let metrics =
            metrics.map(|(name, abort, promote)| (MetricName::from(&**name), log(*abort), log(*promote)));
        LedgerPoint { records: self.records, log_e_abort: self.log_e_abort(), metrics: metrics.collect() }
    }
}

/// A dozen of `looks` as a table: the evidence against the candidate, and for each of `metrics` the evidence for it, with
/// what they must reach.
pub(super) fn table(
    looks: &[Look],
    metrics: &[&str],
    alphas: AlphasRecord,
    label: impl Fn(&str) -> String,
) -> String {
    let mut table = Table::new();
    table.load_style(LINES).force_no_tty();
    let of = |name: &str, alpha: f64| format!("{name} (of {})", e_value(-alpha.ln()));
    let mut header = vec!["records".to_owned(), "stage".to_owned(), of("against", alphas.abort)];
    header.extend(metrics.iter().map(|name| of(name, alphas.promote)));
    let columns = header.len();
    table.set_header(header);
    for look in chosen(looks) {
        let mut row = vec![look.records.to_string(), label(&look.stage), e_value(look.log_e_abort())];
        row.extend(metrics.iter().map(|name| {
            let found = look.metrics.iter().find(|(known, ..)| known == name);
            found.map_or_else(String::new, |(_, _, promote)| e_value(promote.unwrap_or(f64::NEG_INFINITY)))
        }));
        table.add_row(row);
    }
    for at in (0..columns).filter(|at| *at != 1) {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n", table.trim_fmt())
}

/// What moved when, a line each.
pub(super) fn moved(looks: &[Look], said: &VerdictRecord) -> Vec<String> {
    let points: Vec<_> = looks.iter().map(Look::point).collect();
    crossings(&points, said).iter().map(crossing_line).collect()
}

/// [`LOOKS_SHOWN`] of all, evenly, with both ends.
fn chosen(looks: &[Look]) -> Vec<&Look> {
    let shown = looks.len().min(LOOKS_SHOWN);
    let at = |index: usize| index * (looks.len() - 1) / (shown - 1).max(1);
    (0..shown).map(|index| &looks[at(index)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dozen_looks_are_chosen_evenly_with_both_ends() {
        let look = |records| Look { stage: String::new(), records, log_e_abort: None, metrics: Vec::new() };
        let check = |count: u64, expected: &[u64]| {
            let looks: Vec<_> = (1..=count).map(look).collect();
            assert_eq!(chosen(&looks).iter().map(|look| look.records).collect::<Vec<_>>(), expected);
        };
        check(0, &[]);
        check(1, &[1]);
        check(3, &[1, 2, 3]);
        check(111, &[1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 101, 111]);
    }
}
