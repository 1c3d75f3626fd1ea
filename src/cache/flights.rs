//! One request at a time for the same answer: the others wait for it, for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// The longest that a request waits for another one's answer before it asks by itself.
const FOLLOW_MAX: Duration = Duration::from_secs(10);

/// Answers under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<[u8; 32], watch::Receiver<()>>>>);

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// This request asks; others wait until the leader is dropped.
    Lead(Leader),
    /// Another one asked: its answer is worth a look now.
    Followed,
}

/// The right to ask for the others. Dropping it wakes them.
#[derive(Debug)]
pub struct Leader {
    flights: Flights,
    digest: [u8; 32],
    waiting: watch::Sender<()>,
}

impl Flights {
    /// Leads, or waits for the one who does.
    pub(super) async fn turn(&self, digest: [u8; 32]) -> Turn {
        match self.join(digest) {
            Err(leader) => Turn::Lead(leader),
            Ok(mut leads) => {
                // Nothing is ever sent: the leader's end closes the channel.
                let _ = timeout(FOLLOW_MAX, leads.changed()).await;
                Turn::Followed
            }
        }
    }

    fn join(&self, digest: [u8; 32]) -> Result<watch::Receiver<()>, Leader> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leads) = flights.get(&digest) {
            return Ok(leads.clone());
        }
        let (waiting, receiver) = watch::channel(());
        flights.insert(digest, receiver);
        Err(Leader { flights: self.clone(), digest, waiting })
    }
}

impl Leader {
    /// Whether somebody waits for the answer.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        // One receiver stands in the map.
        self.waiting.receiver_count() > 1
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn followers_wait_for_the_leader_and_not_for_ever() {
        let flights = Flights::default();
        let Turn::Lead(leader) = flights.turn([1; 32]).await else { panic!("the first one leads") };
        assert!(!leader.is_followed());
        assert!(matches!(flights.turn([2; 32]).await, Turn::Lead(_)), "another answer");
        let begun = tokio::time::Instant::now();
        assert!(matches!(flights.turn([1; 32]).await, Turn::Followed));
        assert_eq!(begun.elapsed(), FOLLOW_MAX);
        let follow = flights.turn([1; 32]);
        let end = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(leader.is_followed());
            drop(leader);
        };
        let begun = tokio::time::Instant::now();
        let (turn, ()) = tokio::join!(follow, end);
        assert!(matches!(turn, Turn::Followed) && begun.elapsed() < Duration::from_secs(2));
        assert!(matches!(flights.turn([1; 32]).await, Turn::Lead(_)));
    }
}
