//! A wait for a client that may not take too long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Ends one wait after the other. Its timer is made by the first wait and moved only when it fires early or would fire late:
/// a wait that ends in time costs one reading of the clock.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    /// `None` while nothing is waited for.
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// The wait is over.
    pub(super) const fn clear(&mut self) {
        self.at = None;
    }

    /// Whether the wait, which began with the first call since the last one was over, takes longer than `limit`.
    pub(super) fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<io::Error> {
        let at = *self.at.get_or_insert_with(|| Instant::now() + limit);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= at {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            timer.as_mut().reset(at);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_time_whatever_the_one_before_it_was() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut deadline = Deadline::default();
        // The long wait is left early, the short one is not.
        let early = poll_fn(|cx| deadline.poll(100 * second, cx));
        assert!(tokio::time::timeout(second, early).await.is_err());
        deadline.clear();
        poll_fn(|cx| deadline.poll(10 * second, cx)).await;
        assert_eq!(start.elapsed().as_secs(), 11);
        deadline.clear();
        poll_fn(|cx| deadline.poll(100 * second, cx)).await;
        assert_eq!(start.elapsed().as_secs(), 111);
    }
}
