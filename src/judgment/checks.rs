//! Trust checks: whether the evidence may be believed at all.

use super::{Check, CheckState, Policy};
use crate::evidence::Snapshot;

/// Pairs before a share of missing halves means anything.
const MISSING_FROM_PAIRS: u64 = 100;

/// All checks, in the order they are shown.
pub(super) fn all(snapshot: &Snapshot, policy: &Policy) -> Vec<Check> {
    vec![Check { name: "missing", state: missing(snapshot, policy) }]
}

/// More than `missing_max` of a metric's pairs lack a half.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn missing(snapshot: &Snapshot, policy: &Policy) -> CheckState {
    if snapshot.pairs() < MISSING_FROM_PAIRS {
        return CheckState::Unknown(format!("{} of {MISSING_FROM_PAIRS} pairs", snapshot.pairs()));
    }
    let worst = snapshot
        .metrics()
        .iter()
        .filter(|metric| metric.pairs() >= MISSING_FROM_PAIRS)
        .find(|metric| metric.missing() as f64 > policy.missing_max * metric.pairs() as f64);
    worst.map_or(CheckState::Ok, |metric| {
        CheckState::Alarm(format!(
            "{} of {} pairs of {} lack a half, more than {} %",
            metric.missing(),
            metric.pairs(),
            metric.spec().name,
            policy.missing_max * 100.0
        ))
    })
}
