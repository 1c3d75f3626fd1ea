//! Many rollouts on several threads: numbered runs, so that threads change the time and nothing else.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::{Ended, Scenario, ScenarioError};

/// How often a scenario is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// Rollouts.
    pub runs: u64,
    /// What they are drawn from.
    pub seed: u64,
    /// Threads that share them.
    pub threads: NonZeroUsize,
}

impl Repeats {
    /// `runs` on all the cores there are.
    #[must_use]
    pub fn new(runs: u64, seed: u64) -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { runs, seed, threads }
    }
}

/// How each rollout ended, in their order. `done` hears of every one of them.
///
/// # Errors
/// The first error of a run.
pub fn repeat(
    scenario: &Scenario,
    repeats: Repeats,
    done: &(impl Fn() + Sync),
) -> Result<Vec<Ended>, ScenarioError> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut ended = Vec::new();
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= repeats.runs {
                return Ok(ended);
            }
            ended.push((run, scenario.run(repeats.seed, run)?));
            done();
        }
    };
    let all: Result<Vec<_>, ScenarioError> = thread::scope(|scope| {
        let threads: Vec<_> = (0..repeats.threads.get()).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|bug| std::panic::resume_unwind(bug)))
            .collect()
    });
    let mut all: Vec<_> = all?.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(run, _)| *run);
    Ok(all.into_iter().map(|(_, ended)| ended).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgment::Policy;
    use crate::simulation::World;

    #[test]
    fn threads_change_nothing() {
        let mut policy = Policy::default_live();
        policy.metrics.truncate(1);
        let scenario = Scenario { effect: 0.1, records: 200, ..Scenario::of(World::Bursts, policy) };
        let on = |threads| {
            let heard = AtomicU64::new(0);
            let repeats = Repeats { runs: 9, seed: 7, threads: NonZeroUsize::new(threads).unwrap() };
            let ended = repeat(&scenario, repeats, &|| _ = heard.fetch_add(1, Ordering::Relaxed)).unwrap();
            assert_eq!(heard.into_inner(), 9);
            ended
        };
        let one = on(1);
        assert_eq!(one.len(), 9);
        assert!(one.iter().any(|ended| ended.aborted.is_some()));
        assert_eq!(one, on(4));
    }
}
