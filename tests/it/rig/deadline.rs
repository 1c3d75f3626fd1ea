//! Waiting: for a condition, never for a time.

use std::time::Duration;

/// The longest wait for anything. Unoptimised builds on a shared machine are slow; a hang is for ever.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `future` gives, or the end of the test.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("still waiting after {DEADLINE:?}: {what}"))
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(what, seen).await
}
