//! One request at a time for the same answer: the others read along while it comes in.
//!
//! What came so far stands in a window: all of it, or of a long answer the latest part. Whoever joins reads it from the
//! beginning, so that all readers get the same bytes. Nobody waits for a slow reader: one that falls behind the window has lost
//! the answer, and a newcomer to an answer whose beginning has left the window asks by itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::Shape;

/// The longest that a request waits for another one's answer before it asks by itself.
const FOLLOW_MAX: Duration = Duration::from_secs(10);

/// What is asked for, and the [`super::Standing::sequence`] that it is asked under: what was purged since is not read along.
pub(super) type FlightKey = ([u8; 32], u64);

/// Answers under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<FlightKey, watch::Sender<Growing>>>>);

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// This request asks, for itself and for those who come while it does.
    Lead(Feed),
    /// Another one asked.
    Follow(Follower),
}

/// How an answer that others may read along is described.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The headers that describe it.
    pub headers: HeaderMap,
    /// Its shape.
    pub shape: Shape,
}

/// An answer on its way.
#[derive(Debug, Default)]
pub(super) struct Growing {
    head: Option<Head>,
    /// The engine has answered, well or badly.
    is_answered: bool,
    pieces: VecDeque<Bytes>,
    /// Pieces that have left the window.
    gone: usize,
    bytes: usize,
    is_whole: bool,
}

/// Where an answer is put down while it comes in. Dropping it wakes those who wait.
#[derive(Debug)]
pub struct Feed {
    growing: watch::Sender<Growing>,
    bytes_max: usize,
    /// Where others find it.
    listed: Option<(Flights, FlightKey)>,
}

/// Reads along.
#[derive(Debug)]
pub struct Follower {
    growing: watch::Receiver<Growing>,
    next: usize,
}

/// What became of the wish to read along.
#[derive(Clone, Debug, PartialEq)]
pub enum Joined {
    /// The answer comes in, in this shape.
    Along(Head),
    /// It has ended, or this took too long: what was stored is worth a look now.
    Ended,
    /// The client that asked left before anything came: somebody else must ask.
    Abandoned,
}

/// The rest of the answer will not come: it broke off, or this reader was too slow for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer that was read along is lost")]
pub struct Lost;

impl Flights {
    /// Leads, with a window of so many bytes, or follows.
    pub(super) fn turn(&self, key: FlightKey, bytes_max: usize) -> Turn {
        let mut flights = self.lock();
        if let Some(growing) = flights.get(&key) {
            return Turn::Follow(Follower { growing: growing.subscribe(), next: 0 });
        }
        let mut feed = Feed::alone(bytes_max);
        feed.listed = Some((self.clone(), key));
        flights.insert(key, feed.growing.clone());
        Turn::Lead(feed)
    }

    /// Lets nobody join `growing` any more, unless somebody has: says whether nobody has.
    fn close(&self, key: FlightKey, growing: &watch::Sender<Growing>) -> bool {
        let mut flights = self.lock();
        // Whoever joins does so under the same lock.
        let is_alone = growing.receiver_count() == 0;
        if is_alone && flights.get(&key).is_some_and(|listed| listed.same_channel(growing)) {
            flights.remove(&key);
        }
        is_alone
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, watch::Sender<Growing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// For an answer that nobody can follow.
    #[must_use]
    pub fn alone(bytes_max: usize) -> Self {
        Self { growing: watch::Sender::default(), bytes_max, listed: None }
    }

    /// The engine has answered; with a head, others may read along.
    pub fn begin(&self, head: Option<Head>) {
        self.growing.send_modify(|growing| (growing.head, growing.is_answered) = (head, true));
    }

    /// The next piece.
    pub fn push(&self, piece: Bytes) {
        self.growing.send_modify(|growing| {
            growing.bytes += piece.len();
            growing.pieces.push_back(piece);
            while growing.bytes > self.bytes_max {
                let Some(oldest) = growing.pieces.pop_front() else { return };
                growing.bytes -= oldest.len();
                growing.gone += 1;
            }
        });
    }

    /// There is no more to come.
    pub fn end(&self) {
        self.growing.send_modify(|growing| growing.is_whole = true);
    }

    /// Everything that came; `None` when it did not fit.
    #[must_use]
    pub fn whole(&self) -> Option<Bytes> {
        let growing = self.growing.borrow();
        let mut all = BytesMut::with_capacity(growing.bytes);
        growing.pieces.iter().for_each(|piece| all.extend_from_slice(piece));
        (growing.gone == 0).then(|| all.freeze())
    }

    /// Whether others can find it.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// Whether somebody waits for the answer; from then on nobody can where nobody does.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.listed.as_ref().is_some_and(|(flights, key)| !flights.close(*key, &self.growing))
    }

    /// Ends when nobody waits for the answer any more, and nobody can.
    pub fn deserted(&self) -> impl Future<Output = ()> + Send + use<> {
        let (growing, listed) = (self.growing.clone(), self.listed.clone());
        async move {
            loop {
                growing.closed().await;
                if listed.as_ref().is_none_or(|(flights, key)| flights.close(*key, &growing)) {
                    return;
                }
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some((flights, key)) = &self.listed {
            let mut flights = flights.lock();
            // Another one may lead under the same key by now.
            if flights.get(key).is_some_and(|listed| listed.same_channel(&self.growing)) {
                flights.remove(key);
            }
        }
    }
}

impl Follower {
    /// Waits for the beginning of an answer that serves `wanted` as it comes, or else for its end; ten seconds at most.
    pub async fn join(&mut self, wanted: Shape) -> Joined {
        let comes_as_wanted = |growing: &Growing| {
            let serves = growing.head.as_ref().is_some_and(|head| head.shape.serves(wanted));
            serves && growing.gone + growing.pieces.len() > 0
        };
        let ended = match timeout(FOLLOW_MAX, self.growing.wait_for(comes_as_wanted)).await {
            Ok(Ok(growing)) => growing.head.clone().filter(|_| growing.gone == 0),
            Ok(Err(_)) | Err(_) => None,
        };
        match ended {
            Some(head) => Joined::Along(head),
            None if self.growing.has_changed().is_err() && !self.growing.borrow().is_answered => {
                Joined::Abandoned
            }
            None => Joined::Ended,
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`Lost`], once and for all.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Lost> {
        loop {
            {
                let growing = self.growing.borrow_and_update();
                let at = self.next.checked_sub(growing.gone).ok_or(Lost)?;
                if let Some(piece) = growing.pieces.get(at) {
                    self.next += 1;
                    return Ok(Some(piece.clone()));
                }
                if growing.is_whole {
                    return Ok(None);
                }
            }
            self.growing.changed().await.map_err(|_| Lost)?;
        }
    }
}

#[cfg(test)]
mod tests;
