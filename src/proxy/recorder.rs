//! Keeps an answer while it is relayed: for the cache, and for those who read along.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;

use super::asking::Keeping;
use super::counters::bump;
use super::flight::Ending;
use super::handler::Shared;
use crate::cache::{Answer, WriteFacts, admit};
use crate::domain::Outcome;

/// Keeps what the engine sent, to be written to the cache once the answer turned out whole. Dropping it is an answer that
/// broke off.
pub(super) struct Recorder {
    pub(super) keeping: Keeping,
    /// Its body is still to come.
    pub(super) answer: Answer,
    /// Everything known before the end.
    pub(super) facts: WriteFacts,
}

impl Recorder {
    pub(super) fn keep(&self, piece: &Bytes) {
        if !piece.is_empty() {
            self.keeping.feed.push(piece.clone());
        }
    }

    /// Whether another client waits for this answer.
    pub(super) fn is_awaited(&self) -> bool {
        self.keeping.feed.is_followed()
    }

    /// The engine's part is whole: writes the answer, at once where the store is at hand, else beside the client. Those who
    /// read along have got it either way.
    pub(super) fn end(self, shared: &Arc<Shared>, ending: Option<Ending>) {
        self.keeping.feed.end();
        let Some(Ending { outcome, says_something, is_genuine }) = ending else { return };
        let facts = WriteFacts { outcome, says_something, is_genuine, ..self.facts };
        let Some(cache) = shared.parts.cache.clone() else { return };
        let Some(body) = admit(&facts).ok().and_then(|()| self.keeping.feed.whole()) else {
            // One that broke off, or that its client left, is not counted: this is the engine's and the client's doing, whatever
            // the answer would have been.
            if matches!(outcome, Outcome::Complete(_)) && is_genuine {
                self.keeping.differs(&cache);
            }
            return;
        };
        bump(&shared.parts.counters.requests.cache_writes);
        let answer = Answer { body, ..self.answer };
        let mut work = Box::pin(async move { self.keeping.write(&cache, answer).await });
        if work.as_mut().now_or_never().is_none() {
            shared.tracker.spawn_on(work, &shared.runtime);
        }
    }
}
