//! The harness watches itself: a client that is held up measures itself and not an engine.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::judgment::ClientTimers;

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(10);

/// A timer that fires later than this was held up: an idle runtime needs a millisecond.
const LATE: Duration = Duration::from_millis(5);

/// Does `work`, and says how timers beside it ran meanwhile: on the threads that requests run on, not on the one that
/// grades their answers.
pub(super) async fn watched<T>(work: impl Future<Output = T>) -> (T, ClientTimers) {
    let (stop, stopped) = oneshot::channel();
    let mut watch = JoinSet::new();
    watch.spawn(look(stopped));
    let done = work.await;
    // Its end tells the watch to end; were it gone already, it would have nothing to say.
    drop(stop);
    let timers = watch.join_next().await.and_then(Result::ok);
    (done, timers.unwrap_or_default())
}

async fn look(mut stopped: oneshot::Receiver<()>) -> ClientTimers {
    let began = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut timers = ClientTimers::default();
    loop {
        tokio::select! {
            biased;
            due = ticks.tick() => {
                let late = due.elapsed();
                timers.late += if late > LATE { late } else { Duration::ZERO };
            }
            _ = &mut stopped => {
                timers.watched = began.elapsed();
                return timers;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_is_held_up_is_seen() {
        let (done, timers) = watched(async {
            for _ in 0..5 {
                tokio::time::sleep(TICK).await;
                std::thread::sleep(TICK * 3);
            }
            7
        })
        .await;
        assert_eq!(done, 7);
        assert!(timers.late >= TICK * 4 && timers.late < timers.watched, "{timers:?}");
    }
}
