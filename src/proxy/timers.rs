//! How late timers of this process run: while they do, its clock readings tell how busy the machine is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::counters::Counters;

/// Between two looks at the clock. A timer of the runtime fires within a millisecond on an idle machine.
const TICK: Duration = Duration::from_millis(10);

/// Ticks after which a period ends: a second.
const PERIOD_TICKS: u32 = 100;

/// Periods that are remembered. An answer that takes longer, a quarter of an hour, is told of the latest of them.
const PERIODS_KEPT: usize = 1_024;

/// Upper ends of the histogram's buckets, in seconds. Beyond 5 ms latencies are no evidence.
const BUCKETS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// The largest lateness of the latest periods, in µs.
#[derive(Debug)]
pub(super) struct Timers {
    late: [AtomicU64; PERIODS_KEPT],
    /// The number of the present period.
    period: AtomicUsize,
    /// When watching began; empty before.
    origin: OnceLock<Instant>,
    /// When the next tick should come, in µs since then.
    due_us: AtomicU64,
    drift: Histogram,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            late: [const { AtomicU64::new(0) }; PERIODS_KEPT],
            period: AtomicUsize::new(0),
            origin: OnceLock::new(),
            due_us: AtomicU64::new(0),
            drift: Histogram::new(BUCKETS),
        }
    }
}

impl Timers {
    /// The present period, for [`Timers::late_ms_since`].
    pub(super) fn period(&self) -> usize {
        self.period.load(Ordering::Relaxed)
    }

    /// The largest lateness within the last one to two seconds, in µs.
    pub(super) fn late_us(&self) -> u64 {
        self.late_us_since(self.period())
    }

    /// The largest lateness from the period before `period` until now, in ms.
    #[expect(clippy::cast_precision_loss, reason = "an hour of lateness is far below 2^52 µs")]
    pub(super) fn late_ms_since(&self, period: usize) -> f64 {
        self.late_us_since(period) as f64 / 1_000.0
    }

    pub(super) fn drift(&self) -> Histogram {
        self.drift.clone()
    }

    fn late_us_since(&self, period: usize) -> u64 {
        let now = self.period();
        let first = period.saturating_sub(1).max((now + 1).saturating_sub(PERIODS_KEPT));
        let seen = (first..=now).map(|period| self.slot(period).load(Ordering::Relaxed)).max();
        // What held up an answer just now may hold up the tick that would tell of it.
        seen.unwrap_or(0).max(self.since_origin_us().saturating_sub(self.due_us.load(Ordering::Relaxed)))
    }

    const fn slot(&self, period: usize) -> &AtomicU64 {
        &self.late[period % PERIODS_KEPT]
    }

    fn since_origin_us(&self) -> u64 {
        self.origin.get().map_or(0, |origin| in_us(origin.elapsed()))
    }

    fn saw(&self, late: Duration) {
        self.slot(self.period()).fetch_max(in_us(late), Ordering::Relaxed);
        self.drift.observe(late.as_secs_f64());
        self.due_us.store(self.since_origin_us() + in_us(TICK), Ordering::Relaxed);
    }

    fn begin(&self) {
        let next = self.period() + 1;
        self.slot(next).store(0, Ordering::Relaxed);
        self.period.store(next, Ordering::Relaxed);
    }
}

fn in_us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Watches until it is dropped.
pub(super) async fn watch(counters: &Counters) {
    let timers = &counters.timers;
    let begun = Instant::now();
    timers.origin.get_or_init(|| begun);
    timers.due_us.store(timers.since_origin_us() + in_us(TICK), Ordering::Relaxed);
    let mut ticks = interval_at(begun + TICK, TICK);
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
    fn what_was_late_is_forgotten_after_two_periods_except_by_those_who_came_before() {
        let timers = Timers::default();
        let placed = timers.period();
        timers.saw(Duration::from_millis(30));
        timers.saw(Duration::from_millis(2));
        assert_eq!(timers.late_us(), 30_000);
        timers.begin();
        timers.saw(Duration::from_millis(1));
        assert_eq!(timers.late_us(), 30_000);
        timers.begin();
        assert_eq!((timers.late_us(), timers.late_ms_since(placed)), (1_000, 30.0));
        (0..PERIODS_KEPT).for_each(|_| timers.begin());
        assert_eq!((timers.late_us(), timers.late_ms_since(placed)), (0, 0.0));
    }

    #[tokio::test]
    async fn a_thread_that_is_held_up_shows() {
        let counters = Counters::default();
        let held_up = async {
            tokio::time::sleep(TICK * 2).await;
            std::thread::sleep(Duration::from_millis(60));
            // Before the watch had its turn, and after it.
            assert!(counters.timers.late_us() > 30_000, "{} µs", counters.timers.late_us());
            tokio::time::sleep(TICK * 2).await;
        };
        tokio::select! {
            () = watch(&counters) => {}
            () = held_up => {}
        }
        assert!(counters.timers.late_us() > 30_000, "{} µs", counters.timers.late_us());
        let mut page = prometheus_client::registry::Registry::default();
        page.register("drift", "how late", counters.timer_drift());
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &page).unwrap();
        let below = |end: &str| {
            let line = text.lines().find(|line| line.contains(&format!("le=\"{end}\""))).unwrap();
            line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
        };
        assert!(below("0.02") < below("+Inf"), "{text}");
    }
}
