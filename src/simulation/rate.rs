//! How often something happened, with what chance leaves open.

use crate::stats::{Interval, StatsError, clopper_pearson, wilson};

/// Level of the interval that is shown.
const LEVEL: f64 = 0.95;

/// A budget counts as exceeded when chance alone would show as much less than once in two thousand times.
const ALARM_LEVEL: f64 = 0.999;

/// Events in a number of independent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Runs in which it happened.
    pub events: u64,
    /// All runs, at least one.
    pub runs: u64,
}

impl Rate {
    /// The share of the runs, in [0, 1].
    #[must_use]
    pub fn share(self) -> f64 {
        self.events as f64 / self.runs as f64
    }

    /// Wilson's interval at 95 %: the Monte-Carlo error.
    ///
    /// # Errors
    /// When there is no run.
    pub fn interval(self) -> Result<Interval, StatsError> {
        wilson(self.events, self.runs, LEVEL)
    }

    /// Whether the rate lies above `budget` by more than Monte-Carlo error: Clopper and Pearson's lower limit does, at
    /// 1 in 2,000 a side.
    ///
    /// # Errors
    /// When there is no run.
    pub fn exceeds(self, budget: f64) -> Result<bool, StatsError> {
        Ok(clopper_pearson(self.events, self.runs, ALARM_LEVEL)?.lower > budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(events: u64, runs: u64, budget: f64, exceeds: bool) {
        assert_eq!(Rate { events, runs }.exceeds(budget).unwrap(), exceeds, "{events} of {runs}, {budget}");
    }

    #[test]
    fn a_budget_is_exceeded_only_beyond_chance() {
        check(0, 100, 0.01, false);
        check(6, 300, 0.01, false);
        check(12, 300, 0.01, true);
        check(60, 1_000, 0.05, false);
        check(90, 1_000, 0.05, true);
        assert!(Rate { events: 0, runs: 0 }.exceeds(0.5).is_err());
    }
}
