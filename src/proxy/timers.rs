//! How late timers of this process run: while they do, its clock readings tell how busy the machine is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::counters::Counters;

/// Between two looks at the clock. A timer of the runtime fires within a millisecond on an idle machine.
const TICK: Duration = Duration::from_millis(10);

/// Ticks after which the latest period begins anew: a second.
const PERIOD_TICKS: u32 = 100;

/// The largest lateness of the present and of the last period, in µs.
#[derive(Debug, Default)]
pub(super) struct Timers {
    present: AtomicU64,
    last: AtomicU64,
}

impl Timers {
    /// The largest lateness within the last one to two seconds, in µs.
    pub(super) fn late_us(&self) -> u64 {
        self.present.load(Ordering::Relaxed).max(self.last.load(Ordering::Relaxed))
    }

    /// The same in ms.
    #[expect(clippy::cast_precision_loss, reason = "an hour of lateness is far below 2^52 µs")]
    pub(super) fn late_ms(&self) -> f64 {
        self.late_us() as f64 / 1_000.0
    }

    fn saw(&self, late: Duration) {
        let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.present.fetch_max(late_us, Ordering::Relaxed);
    }

    fn begin(&self) {
        self.last.store(self.present.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Watches until it is dropped.
pub(super) async fn watch(counters: &Counters) {
    let timers = &counters.timers;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        for _ in 0..PERIOD_TICKS {
            timers.saw(ticks.tick().await.elapsed());
        }
        timers.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_late_is_forgotten_after_two_periods() {
        let timers = Timers::default();
        timers.saw(Duration::from_millis(30));
        timers.saw(Duration::from_millis(2));
        assert_eq!(timers.late_ms(), 30.0);
        timers.begin();
        timers.saw(Duration::from_millis(1));
        assert_eq!(timers.late_ms(), 30.0);
        timers.begin();
        assert_eq!(timers.late_us(), 1_000);
    }

    #[tokio::test]
    async fn a_thread_that_is_held_up_shows() {
        let counters = Counters::default();
        let held_up = async {
            tokio::time::sleep(TICK * 2).await;
            std::thread::sleep(Duration::from_millis(60));
            tokio::time::sleep(TICK * 2).await;
        };
        tokio::select! {
            () = watch(&counters) => {}
            () = held_up => {}
        }
        assert!(counters.timers.late_ms() > 30.0, "{} ms", counters.timers.late_ms());
    }
}
