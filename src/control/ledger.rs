//! The ledger of a rollout: one point a look, thinned so that it stays small for ever.

use crate::judgment::LedgerPoint;
use crate::rollout::Stage;

/// Points kept. More than a screen has pixels; a day of looks does not fit, so old ones are thinned.
const POINTS_MAX: usize = 2_000;

/// One look that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The stage it was made in.
    pub stage: Stage,
    /// Where every e-value stood.
    pub point: LedgerPoint,
}

/// Points of all looks, evenly thinned: when it is full, every second point is dropped and from then on
/// only every second look is kept, and so on. The latest look is always there.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    kept: Vec<Look>,
    /// Looks so far.
    looks: usize,
    /// Doublings of the distance between kept looks.
    thinned: u32,
    /// Whether the last point is there only because it is the latest.
    provisional: bool,
}

impl Ledger {
    pub(super) fn push(&mut self, look: Look) {
        if self.provisional {
            self.kept.pop();
        }
        if self.kept.len() >= POINTS_MAX {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.thinned += 1;
        }
        self.provisional = !self.looks.is_multiple_of(1 << self.thinned);
        self.kept.push(look);
        self.looks += 1;
    }

    pub(super) fn kept(&self) -> &[Look] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(looks: u64, len_max: usize, distance: u64) {
        let mut ledger = Ledger::default();
        for records in 0..looks {
            let point = LedgerPoint { records, log_e_abort: 0.0, metrics: Vec::new() };
            ledger.push(Look { stage: Stage::Mirror, point });
        }
        let records: Vec<_> = ledger.kept().iter().map(|look| look.point.records).collect();
        assert!(records.len() <= len_max, "{}", records.len());
        assert_eq!((records.first(), records.last()), (Some(&0), Some(&(looks - 1))));
        let body = &records[..records.len() - 1];
        assert!(body.windows(2).all(|pair| pair[1] - pair[0] == distance), "evenly thinned");
    }

    #[test]
    fn it_keeps_first_and_latest_and_thins_evenly() {
        check(2, 2, 1);
        check(2_000, 2_000, 1);
        check(2_001, 2_000, 2);
        check(2_002, 2_000, 2);
        check(50_001, 2_000, 32);
    }
}
