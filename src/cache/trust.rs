//! How far the semantic tier may be trusted: an upper bound on its false hits, that holds whenever one looks.
//!
//! Some would-be hits are asked anyway, and the two answers compared. Until their bound lies within the budget, all of them are:
//! the tier earns its place and is not given it, and it loses it again by the same rule.

use crate::stats::{concentration_for, event_rate_sequence};

/// Error probability of the bound, over all looks.
const ALPHA: f64 = 0.05;

/// Audits near which the bound is tightest.
const AUDITS_USUAL: f64 = 300.0;

/// What the audits of one template's hits found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) audits: u64,
    pub(super) false_hits: u64,
    /// Hits that could have been served.
    pub(super) chances: u64,
}

/// What to do with a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Serve,
    Audit,
}

impl Trust {
    /// Upper bound on the rate of false hits: at all times at once with probability 1 − α. 1 without audits.
    ///
    /// Assumes that the audited hits are drawn without regard to what they hold. Source: [`event_rate_sequence`].
    pub(super) fn false_rate_max(&self) -> f64 {
        let concentration = concentration_for(AUDITS_USUAL, ALPHA).unwrap_or(1.0);
        event_rate_sequence(self.false_hits, self.audits, concentration, 1.0 - ALPHA)
            .map_or(1.0, |interval| interval.upper)
    }

    /// What to do with the next hit: `budget` is the largest rate of false hits, and every `audit_every`th hit is asked anyway.
    pub(super) fn next(&mut self, budget: f64, audit_every: u64) -> Use {
        self.chances += 1;
        let is_due = self.chances.is_multiple_of(audit_every.max(1));
        if !is_due && self.false_rate_max() <= budget { Use::Serve } else { Use::Audit }
    }

    pub(super) fn note(&mut self, is_false: bool) {
        self.audits += 1;
        self.false_hits += u64::from(is_false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(audits: u64, false_hits: u64) -> Trust {
        Trust { audits, false_hits, chances: 0 }
    }

    #[test]
    fn trust_is_earned_by_audits_and_lost_by_false_hits() {
        assert_eq!(after(0, 0).next(0.05, 10), Use::Audit);
        assert_eq!(after(20, 0).next(0.05, 10), Use::Audit);
        assert_eq!(after(300, 0).next(0.05, 10), Use::Serve);
        assert_eq!(after(300, 15).next(0.05, 10), Use::Audit);
    }

    #[test]
    fn a_share_is_asked_anyway() {
        let mut trust = after(1_000, 0);
        let served = (0..100).filter(|_| trust.next(0.05, 10) == Use::Serve).count();
        assert_eq!(served, 90);
    }

    #[test]
    fn the_bound_lies_above_the_rate_and_shrinks() {
        let bounds =
            [after(0, 0), after(50, 1), after(500, 10), after(5_000, 100)].map(|t| t.false_rate_max());
        assert!(bounds.windows(2).all(|two| two[0] > two[1]), "{bounds:?}");
        assert!(bounds[0] == 1.0 && bounds[3] > 0.02, "{bounds:?}");
    }
}
