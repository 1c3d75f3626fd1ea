//! What was found, as a table for people.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::{Page, Row};
use crate::simulation::{Rate, Times};

const LINES: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The page for people.
pub(super) fn text(page: &Page) -> String {
    let Page { runs, seed, pairs, policy, .. } = page;
    let mut text = format!(
        "{runs} rollouts a row, each watched for {pairs} pairs, seed {seed}; in brackets: what {runs} runs leave open, at 95 %\n\
         promised: a release within its margin is aborted at most {} % of the time, one that is worse by it promoted at most {} %\n\n",
        percent(policy.abort_alpha),
        percent(policy.promote_alpha),
    );
    text += &format!("{}\n", table(page));
    for note in notes(page) {
        text += &note;
    }
    text
}

fn table(page: &Page) -> Table {
    let mut table = Table::new();
    table.load_style(LINES).force_no_tty();
    table.set_header(["world", "worse by", "aborted", "promoted", "held", "pairs to abort", "to promote"]);
    for row in &page.rows {
        table.add_row([
            row.scenario.world.to_string(),
            worse_by(row),
            rate(row.found.aborted, row.abort_budget()),
            rate(row.found.promoted, row.promote_budget()),
            format!("{} %", percent(row.found.held.share())),
            times(row.found.to_abort),
            times(row.found.to_promote),
        ]);
    }
    for at in 1..7 {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

impl Row {
    /// The budget of aborts where they would be wrong and the promise covers this world.
    pub(super) fn abort_budget(&self) -> Option<f64> {
        let wrong =
            self.scenario.effect <= self.margins.abort && self.scenario.world.fails_rightly().is_none();
        wrong.then_some(self.scenario.policy.abort_alpha)
    }

    /// The same of promotions.
    pub(super) fn promote_budget(&self) -> Option<f64> {
        let wrong =
            self.scenario.effect >= self.margins.promote && self.scenario.world.passes_blindly().is_none();
        wrong.then_some(self.scenario.policy.promote_alpha)
    }

    /// What the promise leaves out in this world.
    pub(super) fn note(&self) -> Option<&'static str> {
        self.scenario.world.fails_rightly().or(self.scenario.world.passes_blindly())
    }

    fn is_latency(&self) -> bool {
        self.scenario.world.metric() != "error"
    }
}

fn worse_by(row: &Row) -> String {
    let unit = if row.is_latency() { "%" } else { "points" };
    let margin = if row.scenario.effect == row.margins.promote { "the margin: " } else { "" };
    format!("{margin}{} {unit}", percent(row.scenario.effect))
}

/// A rate with its interval; `!` where a promise is broken.
fn rate(rate: Rate, budget: Option<f64>) -> String {
    let interval = rate.interval().map_or_else(
        |_| String::new(),
        |interval| format!(" [{:.1}–{:.1}]", interval.lower * 100.0, interval.upper * 100.0),
    );
    let broken = budget.is_some_and(|budget| rate.exceeds(budget).unwrap_or(true));
    let wrong = match (budget, broken) {
        (Some(_), true) => "! wrongly ",
        (Some(_), false) => "wrongly ",
        (None, _) => "",
    };
    format!("{wrong}{} %{interval}", percent(rate.share()))
}

fn times(times: Times) -> String {
    match (times.median, times.p90) {
        (None, _) => "–".to_owned(),
        (Some(median), None) => format!("{median}"),
        (Some(median), Some(p90)) => format!("{median} ({p90})"),
    }
}

fn percent(fraction: f64) -> f64 {
    (fraction * 10_000.0).round() / 100.0
}

fn notes(page: &Page) -> Vec<String> {
    let mut notes = vec![
        "pairs: the median and, in brackets, nine in ten; – where fewer than half were decided so\n"
            .to_owned(),
    ];
    let mut told = Vec::new();
    for row in &page.rows {
        let world = row.scenario.world;
        if let Some(note) = row.note().filter(|_| !told.contains(&world)) {
            told.push(world);
            notes.push(format!("{world}: {note}\n"));
        }
    }
    notes
}
