//! Stops asking what does not answer, and tries again after a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::CacheError;
use crate::telemetry::Clock;

/// Failures in a row before nothing is asked any more.
const FAILURES_MAX: u32 = 3;

/// Until one request may try again.
const REST: Duration = Duration::from_secs(1);

/// A breaker; time is an argument.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the next try may be made.
    rests_until: Duration,
}

impl Breaker {
    /// Whether to ask now. After a rest one asker is let through, and the next after another rest.
    pub(super) fn permits(&self, now: Duration) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failures < FAILURES_MAX {
            return true;
        }
        let rested = now >= state.rests_until;
        if rested {
            state.rests_until = now + REST;
        }
        rested
    }

    /// What came of it.
    pub(super) fn note(&self, worked: bool, now: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if worked {
            state.failures = 0;
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.rests_until = now + REST;
    }
}

/// Asks another process on behalf of a client: briefly, and not at all while it is known not to answer.
#[derive(Debug)]
pub(super) struct Patience {
    clock: Arc<dyn Clock>,
    limit: Duration,
    breaker: Breaker,
}

impl Patience {
    pub(super) fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { clock, limit, breaker: Breaker::default() }
    }

    /// Waits for `answer`, up to the limit.
    pub(super) async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        if !self.breaker.permits(self.clock.monotonic()) {
            return Err(CacheError::Unreachable("it did not answer before".to_owned()));
        }
        let answer = within(self.limit, answer).await;
        self.breaker.note(answer.is_ok(), self.clock.monotonic());
        answer
    }

    /// When to have ended what begins now and takes several answers.
    pub(super) fn deadline(&self) -> Duration {
        self.clock.monotonic() + self.limit
    }

    /// Whether it is too late for another answer.
    pub(super) fn is_over(&self, deadline: Duration) -> bool {
        self.clock.monotonic() >= deadline
    }
}

/// Waits for `answer`, up to `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, CacheError>>,
) -> Result<T, CacheError> {
    let late = |_| CacheError::Unreachable(format!("nothing came within {limit:?}"));
    timeout(limit, answer).await.map_err(late).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheOptions;
    use crate::domain::Timestamp;
    use crate::telemetry::ManualClock;

    /// On a clock that stands still between timers: what a busy machine adds is not the store's.
    #[tokio::test(start_paused = true)]
    async fn a_store_that_never_answers_costs_20_ms_three_times_and_then_nothing() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let patience = Patience::new(clock, CacheOptions::default().store_max);
        let mut waited = Vec::new();
        for _ in 0..=FAILURES_MAX {
            let begun = tokio::time::Instant::now();
            let answer = patience.wait(std::future::pending::<Result<(), CacheError>>()).await;
            assert!(matches!(answer, Err(CacheError::Unreachable(_))), "{answer:?}");
            waited.push(begun.elapsed());
        }
        assert!(waited[..3].iter().all(|one| (20..=21).contains(&one.as_millis())), "{waited:?}");
        assert_eq!(waited[3], Duration::ZERO);
    }

    #[test]
    fn after_three_failures_one_asker_a_second_tries() {
        let breaker = Breaker::default();
        let at = Duration::from_millis;
        for _ in 0..FAILURES_MAX {
            assert!(breaker.permits(at(0)));
            breaker.note(false, at(0));
        }
        assert!(!breaker.permits(at(999)));
        assert!(breaker.permits(at(1_000)) && !breaker.permits(at(1_001)));
        breaker.note(true, at(1_100));
        assert!(breaker.permits(at(1_100)) && breaker.permits(at(1_100)));
    }
}
