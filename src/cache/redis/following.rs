//! Hearing what other replicas change, to free what is held of it.
//!
//! Nothing is believed of a message but that it came: then the record is read, as with every look-up, and whoever reads another
//! record than before frees what it closed. A look-up does the same, so that a replica in use needs no message.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSub;
use tokio::time::{sleep, timeout};
use tracing::{debug, info};

use super::{PREFIX, Redis, unreachable};
use crate::cache::breaker::within;
use crate::cache::{CacheError, Namespace, Standing};

/// For a subscription to stand.
const SUBSCRIBE_MAX: Duration = Duration::from_secs(5);

/// Without a message for so long the subscription is made anew: it may have died without a word.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Until the next try after a subscription was lost.
const REST: Duration = Duration::from_secs(1);

pub(super) fn channel() -> String {
    format!("{PREFIX}changes")
}

impl Redis {
    /// Frees what this replica holds of rooms that `standing` closes, and of those that something was purged in since the last
    /// time. What of them may be read still is in the server, and is read again when it is asked for.
    pub(super) fn free(&self, standing: &Standing) {
        let sequence = standing.sequence();
        let before = self.freed_to.swap(sequence, Ordering::AcqRel);
        if before != sequence {
            let is_open = |room: &Namespace| standing.namespace(&room.release).as_ref() == Some(room);
            self.vectors.retain(|room| is_open(room) && !standing.purges_in(&room.release, before));
            info!(sequence, "what the cache may read has changed, and what was held of it is freed");
        }
    }

    /// Hears of changes for as long as it is polled.
    pub(super) async fn hear_changes(&self) {
        loop {
            match within(SUBSCRIBE_MAX, self.subscribe()).await {
                Ok(subscription) => self.hear(subscription).await,
                Err(error) => debug!("no subscription to the cache's changes: {error}"),
            }
            sleep(REST).await;
        }
    }

    async fn subscribe(&self) -> Result<PubSub, CacheError> {
        let mut subscription = self.client.get_async_pubsub().await.map_err(|error| unreachable(&error))?;
        subscription.subscribe(channel()).await.map_err(|error| unreachable(&error))?;
        Ok(subscription)
    }

    /// Hears of changes until the subscription is lost, or silent for too long.
    async fn hear(&self, mut subscription: PubSub) {
        let mut messages = std::pin::pin!(subscription.on_message());
        loop {
            // At first, too: what was published while nobody listened.
            if let Err(error) = within(SUBSCRIBE_MAX, self.look(None)).await {
                debug!("a change of the cache was not read: {error}");
            }
            if !matches!(timeout(SILENCE_MAX, messages.next()).await, Ok(Some(_))) {
                return;
            }
        }
    }
}
