//! What was found, as JSON.

use serde_json::{Value, json};

use super::{Page, Row};
use crate::simulation::{Rate, Times};

/// The page as one document.
pub(super) fn json(page: &Page) -> Value {
    json!({
        "schema": "goldgate/simulation/1",
        "runs": page.runs,
        "seed": page.seed,
        "pairs": page.pairs,
        "abort_alpha": page.policy.abort_alpha,
        "promote_alpha": page.policy.promote_alpha,
        "rows": page.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let (found, scenario) = (&row.found, &row.scenario);
    json!({
        "world": scenario.world.as_str(),
        "metric": scenario.world.metric(),
        "margin": row.margins.promote,
        "abort_margin": row.margins.abort,
        "effect": scenario.effect,
        "aborted": rate(found.aborted, row.abort_budget()),
        "promoted": rate(found.promoted, row.promote_budget()),
        "held": rate(found.held, None),
        "pairs_to_abort": times(found.to_abort),
        "pairs_to_promote": times(found.to_promote),
        "note": row.note(),
    })
}

/// A rate; with a budget where it is one of wrong decisions.
fn rate(rate: Rate, budget: Option<f64>) -> Value {
    let interval = rate.interval().ok();
    json!({
        "share": rate.share(),
        "interval": interval.map(|interval| [interval.lower, interval.upper]),
        "level": interval.map(|interval| interval.level),
        "budget": budget,
        "exceeds": budget.and_then(|budget| rate.exceeds(budget).ok()),
    })
}

fn times(times: Times) -> Value {
    json!({"median": times.median, "p90": times.p90})
}
