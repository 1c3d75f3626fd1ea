//! How many requests one engine takes at once: one more a round while it answers, half as many when it refuses (AIMD;
//! Chiu & Jain 1989, Computer Networks and ISDN Systems 17:1).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::telemetry::Clock;

/// The longest that an engine may ask to wait. One that wants more is not there to be measured.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a request waits after its first refusal, where the engine does not say; twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(500);

/// So many requests in a row given up, and the engine serves nobody.
const GIVEN_UP_MAX: u32 = 10;

/// The flow of requests to one engine.
#[derive(Debug)]
pub(super) struct Flow {
    state: Mutex<State>,
    changed: Notify,
    most: f64,
}

#[derive(Debug)]
struct State {
    /// Requests that may be in flight, at least 1; its whole part counts.
    limit: f64,
    in_flight: u32,
    /// The engine asked for quiet until then.
    quiet_until_ms: f64,
    /// When `limit` was halved last: refusals of requests sent before say nothing new.
    halved_ms: f64,
    given_up: u32,
}

/// The right to have one request in flight; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Place<'f>(&'f Flow);

impl Flow {
    /// At most `most` requests at once, and so many until the first refusal.
    pub(super) fn new(most: usize) -> Self {
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        let never = f64::NEG_INFINITY;
        let state = State { limit: most, in_flight: 0, quiet_until_ms: never, halved_ms: never, given_up: 0 };
        Self { state: Mutex::new(state), changed: Notify::new(), most }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more request may be sent.
    pub(super) async fn enter(&self, clock: &dyn Clock) -> Place<'_> {
        loop {
            // Made before the look, so that no change between look and wait is missed.
            let changed = self.changed.notified();
            let quiet_ms = self.state().quiet_until_ms - clock.monotonic_ms();
            if quiet_ms > 0.0 {
                sleep(Duration::from_secs_f64(quiet_ms / 1_000.0)).await;
            } else if self.try_enter() {
                return Place(self);
            } else {
                changed.await;
            }
        }
    }

    fn try_enter(&self) -> bool {
        let mut state = self.state();
        let enters = f64::from(state.in_flight) < state.limit.floor();
        state.in_flight += u32::from(enters);
        enters
    }

    /// One request was refused at every try. Whether so many were, one after the other, that nothing is to be hoped for.
    pub(super) fn gave_up(&self) -> bool {
        let mut state = self.state();
        state.given_up += 1;
        state.given_up >= GIVEN_UP_MAX
    }
}

impl Place<'_> {
    /// The engine answered.
    pub(super) fn answered(self) {
        let mut state = self.0.state();
        state.limit = (state.limit + 1.0 / state.limit).min(self.0.most);
        state.given_up = 0;
    }

    /// The engine refused a request that left at `sent_ms` after `refused` earlier refusals, and asked for a `wait`. Gives
    /// how long to wait before the next try.
    pub(super) fn refused(
        self,
        sent_ms: f64,
        refused: u32,
        wait: Option<Duration>,
        clock: &dyn Clock,
    ) -> Duration {
        let now_ms = clock.monotonic_ms();
        let mut state = self.0.state();
        if sent_ms >= state.halved_ms {
            state.limit = (state.limit / 2.0).max(1.0);
            state.halved_ms = now_ms;
        }
        match wait.map(|wait| wait.min(WAIT_MAX)) {
            Some(wait) => {
                let until_ms = now_ms + wait.as_secs_f64() * 1_000.0;
                state.quiet_until_ms = state.quiet_until_ms.max(until_ms);
                wait
            }
            None => WAIT_FIRST * 2_u32.saturating_pow(refused),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::telemetry::RuntimeClock;

    #[tokio::test(start_paused = true)]
    async fn refusals_halve_what_is_in_flight_and_answers_add_one_a_round() {
        let (flow, clock) = (Flow::new(8), RuntimeClock::start(Timestamp::from_millis(0)));
        let limit = || flow.state().limit;
        let places = [flow.enter(&clock).await, flow.enter(&clock).await];
        sleep(Duration::from_millis(5)).await;
        let waits = places.map(|place| place.refused(0.0, 1, None, &clock));
        assert_eq!((limit(), waits), (4.0, [Duration::from_secs(1); 2]), "two refusals of one moment");
        flow.enter(&clock).await.refused(5.0, 0, None, &clock);
        assert_eq!(limit(), 2.0);
        for _ in 0..2 {
            flow.enter(&clock).await.answered();
        }
        assert!(limit() > 2.8 && limit() < 3.0, "{}", limit());
        for _ in 0..100 {
            flow.enter(&clock).await.answered();
        }
        assert_eq!(limit(), 8.0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_asks_for_quiet_gets_it_from_everybody() {
        let (flow, clock) = (Flow::new(1), RuntimeClock::start(Timestamp::from_millis(0)));
        let place = flow.enter(&clock).await;
        assert_eq!(place.refused(0.0, 0, Some(Duration::from_secs(7)), &clock), Duration::from_secs(7));
        let place = flow.enter(&clock).await;
        assert!(clock.monotonic_ms() >= 7_000.0);
        let second = flow.enter(&clock);
        assert!(tokio::time::timeout(Duration::from_secs(1), second).await.is_err(), "one place, and taken");
        drop(place);
        flow.enter(&clock).await.answered();
    }
}
