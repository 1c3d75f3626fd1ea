//! What many rollouts of one scenario come to.

use super::{Ended, Rate};
use crate::judgment::Opinion;

/// How often, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characteristics {
    /// Rolled back on a proven regression.
    pub aborted: Rate,
    /// Passed.
    pub promoted: Rate,
    /// Held, because the evidence could not be trusted.
    pub held: Rate,
    /// Rolled back with the second opinion that it lasted.
    pub sustained: Rate,
    /// Rolled back with the second opinion that it may have been a burst.
    pub burst: Rate,
    /// Records until the rollback.
    pub to_abort: Times,
    /// Records until the pass.
    pub to_promote: Times,
}

/// Quantiles over all runs; a run that was never decided so counts as longer than any. `None`: longer than was watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Half of the runs took no longer.
    pub median: Option<u64>,
    /// Nine in ten took no longer.
    pub p90: Option<u64>,
}

impl Characteristics {
    /// Sums up `runs`.
    #[must_use]
    pub fn of(runs: &[Ended]) -> Self {
        let rate = |when: fn(&Ended) -> bool| Rate {
            events: runs.iter().filter(|ended| when(ended)).count() as u64,
            runs: runs.len() as u64,
        };
        Self {
            aborted: rate(|ended| ended.aborted.is_some()),
            promoted: rate(|ended| ended.promoted.is_some()),
            held: rate(|ended| ended.held.is_some()),
            sustained: rate(|ended| ended.opinion == Some(Opinion::Sustained)),
            burst: rate(|ended| ended.opinion == Some(Opinion::Burst)),
            to_abort: Times::of(runs.iter().map(|ended| ended.aborted).collect()),
            to_promote: Times::of(runs.iter().map(|ended| ended.promoted).collect()),
        }
    }
}

impl Times {
    /// Quantiles of times, `None` where it never came.
    #[must_use]
    pub fn of(mut times: Vec<Option<u64>>) -> Self {
        times.sort_unstable_by_key(|time| time.unwrap_or(u64::MAX));
        let at = |tenths: usize| {
            times.get((times.len() * tenths).div_ceil(10).saturating_sub(1)).copied().flatten()
        };
        Self { median: at(5), p90: at(9) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_never_ends_is_longer_than_all() {
        let check = |times: &[Option<u64>], median, p90| {
            assert_eq!(Times::of(times.to_vec()), Times { median, p90 }, "{times:?}");
        };
        check(&[], None, None);
        check(&[Some(3)], Some(3), Some(3));
        check(&[None, Some(5), Some(3)], Some(5), None);
        check(&[None, None, Some(3)], None, None);
        let ten: Vec<_> = (1..=10).map(Some).collect();
        check(&ten, Some(5), Some(9));
    }

    #[test]
    fn rates_count_runs() {
        let runs = [
            Ended { aborted: Some(900), promoted: Some(450), held: None, opinion: Some(Opinion::Burst) },
            Ended { promoted: Some(500), ..Ended::default() },
            Ended::default(),
        ];
        let sum = Characteristics::of(&runs);
        assert_eq!((sum.aborted.events, sum.promoted.events, sum.held.events, sum.held.runs), (1, 2, 0, 3));
        assert_eq!((sum.sustained.events, sum.burst.events), (0, 1));
        assert_eq!(sum.to_promote, Times { median: Some(500), p90: None });
    }
}
