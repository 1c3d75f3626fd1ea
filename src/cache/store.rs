//! What every store of answers and of their questions does.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::question::Item;
use super::vectors::Near;
use super::{CacheKey, Change, Entry, Standing};
use crate::domain::ReleaseId;

/// Why a store did not do what it was asked. Look-ups and writes count it and go on as if there were no cache.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CacheError {
    /// It did not answer, or not in time.
    #[error("the cache's store does not answer: {0}")]
    Unreachable(String),
    /// It is not one that can be used.
    #[error("the cache's store: {0}")]
    Unfit(String),
    /// The file beside it.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// The record of what is revoked cannot be read.
    #[error("{place} holds no record of what the cache may read: {detail}")]
    Record {
        /// The file or key.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// What makes vectors of questions.
    #[error("{0}")]
    Embedder(String),
    /// An address that is none.
    #[error("cache.store: {0}")]
    Address(String),
}

/// What was there at one moment.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) standing: Arc<Standing>,
    pub(super) entry: Option<Arc<Entry>>,
}

/// Answers of one release that a store holds in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) release: ReleaseId,
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// A store: where entries, their questions and the record of what may be read are kept.
pub(super) trait Entries: fmt::Debug + Send + Sync {
    /// The record as it was last seen, without asking anybody; `None` before the first look.
    fn known(&self) -> Option<Arc<Standing>>;

    /// The record as it is now, and the entry under `key`.
    fn read<'a>(&'a self, key: Option<&'a CacheKey>) -> BoxFuture<'a, Result<Seen, CacheError>>;

    /// Keeps an entry, or the store's bounds forbid it.
    fn write<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Deletes one entry; says whether it was there.
    fn remove(&self, digest: [u8; 32]) -> BoxFuture<'_, Result<bool, CacheError>>;

    /// Changes what may be read; returns once it is durable.
    fn change<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<Arc<Standing>, CacheError>>;

    /// The nearest question of a partition with a cosine above `floor`. `None`, too, while not all of them are known.
    fn nearest<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        floor: f32,
    ) -> BoxFuture<'a, Result<Option<Near>, CacheError>>;

    /// Adds a question to its partition, for every replica. A vector that is none is not kept.
    fn learn<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        item: Item,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Leaves the question out that `key` answered: its answer is gone.
    fn forget<'a>(
        &'a self,
        partition: &'a CacheKey,
        key: &'a CacheKey,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// What is held in this process; nothing where another process holds it.
    fn held(&self) -> Vec<Held>;

    /// Hears what other replicas change, for as long as it is polled, where this process holds something that could be freed.
    fn follow(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}
