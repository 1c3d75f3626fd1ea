//! The sentences of a rollout: what happened, the number against its margin, what is next.

use super::waiting::span;
use super::{Hold, Plan, Rollout, Stage, StageVerdict, State};
use crate::domain::{Slot, Timestamp};

/// Reasons shown in one sentence; the verdict holds them all.
const REASONS_SHOWN_MAX: usize = 3;

/// The decisive reasons as one sentence.
pub(super) fn reasons(said: &StageVerdict) -> String {
    let shown: Vec<_> = said.reasons.iter().take(REASONS_SHOWN_MAX).map(ToString::to_string).collect();
    match said.reasons.len().saturating_sub(REASONS_SHOWN_MAX) {
        _ if shown.is_empty() => format!("the judge says {}", said.verdict),
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

/// A move onward.
pub(super) fn moved(plan: &Plan, from: Stage, to: Stage, why: &str) -> String {
    format!("{} → {}: {why}", plan.label(from), plan.label(to))
}

/// A move back.
pub(super) fn rolled_back(plan: &Plan, from: Stage, origin: Slot, why: &str) -> String {
    format!("{} → rolled back: {why}; all clients on {origin}", plan.label(from))
}

impl Rollout {
    /// Why the stage moves on by itself.
    pub(super) fn because(&self, now: Timestamp) -> String {
        let State::Live(live) = &self.parts.state else { return String::new() };
        let elapsed = span(live.clock.elapsed(now));
        match (live.stage, live.verdict()) {
            (Stage::Prepare, _) => "the candidate is ready".to_owned(),
            (Stage::Drain, _) => "the old baseline has finished its requests, or its time is over".to_owned(),
            (Stage::KeepWarm, _) => format!("kept warm for {elapsed}"),
            (Stage::Gate, Some(said)) => reasons(said),
            (_, Some(said)) => format!("{} after {elapsed}: {}", said.verdict, reasons(said)),
            (_, None) => format!("after {elapsed}"),
        }
    }

    /// Why the stage does not move on.
    pub(super) fn undecided_because(&self, hold: Hold, now: Timestamp) -> String {
        let State::Live(live) = &self.parts.state else { return String::new() };
        let elapsed = span(live.clock.elapsed(now));
        let said = live.verdict().map_or_else(|| "no evidence came".to_owned(), reasons);
        match hold {
            Hold::Inconclusive => format!("not decided after {elapsed}: {said}"),
            Hold::Invalid => format!("the evidence cannot be trusted: {said}"),
        }
    }
}
