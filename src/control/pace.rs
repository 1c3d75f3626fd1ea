//! How fast evidence comes in a stage whose share of copies may change meanwhile.

use crate::domain::Timestamp;

/// Records a second, seen since a stage began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Records on hand when counting began.
    before: u64,
    /// The share that brings them, over the one at the beginning.
    factor: f64,
    /// Seconds before `since`, each counted by the factor of its time.
    weighed_s: f64,
    /// Since when the factor is what it is.
    since: Timestamp,
}

impl Pace {
    pub(super) const fn begin(records: u64, now: Timestamp) -> Self {
        Self { before: records, factor: 1.0, weighed_s: 0.0, since: now }
    }

    /// From now on evidence comes `factor` times as fast.
    pub(super) fn change(&mut self, factor: f64, now: Timestamp) {
        self.weighed_s = self.weighed_s_at(now);
        self.factor *= factor;
        self.since = now;
    }

    /// Records a second at the present share, with `records` on hand; not a number before any time has passed.
    #[expect(clippy::cast_precision_loss, reason = "counts of records")]
    pub(super) fn per_s(&self, records: u64, now: Timestamp) -> f64 {
        let seen = records.saturating_sub(self.before) as f64;
        self.factor * seen / self.weighed_s_at(now)
    }

    fn weighed_s_at(&self, now: Timestamp) -> f64 {
        self.weighed_s + self.factor * now.since(self.since).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_is_foreseen_to_bring_more() {
        let at = |seconds: u64| Timestamp::from_millis(1_000 * seconds);
        let mut pace = Pace::begin(100, at(0));
        assert!((pace.per_s(120, at(10)) - 2.0).abs() < 1e-12);
        pace.change(2.0, at(10));
        assert!((pace.per_s(120, at(10)) - 4.0).abs() < 1e-12);
        assert!((pace.per_s(160, at(20)) - 4.0).abs() < 1e-12);
        pace.change(0.5, at(20));
        assert!((pace.per_s(160, at(20)) - 2.0).abs() < 1e-12);
    }
}
