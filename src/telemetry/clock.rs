//! Where time comes from: the one place of the project that reads a clock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Two readings of time: one for people and records, one for durations.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The moment, for records and for people. It may jump when the machine's clock is set.
    fn wall(&self) -> Timestamp;

    /// Time since this clock was made. It never goes backwards; differences are durations.
    fn monotonic(&self) -> Duration;

    /// [`Clock::monotonic`] in milliseconds.
    fn monotonic_ms(&self) -> f64 {
        self.monotonic().as_secs_f64() * 1_000.0
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn wall(&self) -> Timestamp {
        // A machine that is set before 1970 gets the epoch itself; durations do not come from here.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// The clock of the async runtime: on a paused runtime it moves only when nothing is left to do, so that
/// a run over real sockets takes the same times every time. Wall time counts from a given moment.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeClock {
    wall_start: Timestamp,
    origin: tokio::time::Instant,
}

impl RuntimeClock {
    /// A clock that shows `wall_start` now. It must be made inside the runtime whose time it shows.
    #[must_use]
    pub fn start(wall_start: Timestamp) -> Self {
        Self { wall_start, origin: tokio::time::Instant::now() }
    }
}

impl Clock for RuntimeClock {
    fn wall(&self) -> Timestamp {
        self.wall_start.plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still until it is moved: for tests and for replays.
#[derive(Debug)]
pub struct ManualClock {
    start_ms: u64,
    passed_us: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub const fn at(start: Timestamp) -> Self {
        Self { start_ms: start.as_millis(), passed_us: AtomicU64::new(0) }
    }

    /// Moves the clock on, in steps of a microsecond.
    pub fn advance(&self, by: Duration) {
        let by_us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.passed_us.fetch_add(by_us, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.start_ms).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.passed_us.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_both_readings_together_and_only_when_told() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000));
        assert_eq!((clock.wall(), clock.monotonic_ms()), (Timestamp::from_millis(1_000), 0.0));
        clock.advance(Duration::from_micros(2_500));
        assert_eq!((clock.wall(), clock.monotonic_ms()), (Timestamp::from_millis(1_002), 2.5));
    }

    #[tokio::test(start_paused = true)]
    async fn the_runtime_clock_moves_by_what_the_runtime_waited() {
        let clock = RuntimeClock::start(Timestamp::from_millis(5_000));
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!((clock.wall(), clock.monotonic_ms()), (Timestamp::from_millis(3_605_000), 3_600_000.0));
    }

    #[test]
    fn the_system_clock_lives_after_the_year_2020_and_does_not_go_back() {
        let clock = SystemClock::start();
        assert!(clock.wall().as_millis() > 1_577_836_800_000);
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
    }
}
