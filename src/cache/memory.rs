//! Answers in memory, bounded by bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::CacheKey;
use crate::domain::ReleaseId;
use crate::telemetry::Clock;

/// What an entry costs beside its bytes: the key three times, the maps' own space, rounded up.
const ENTRY_OVERHEAD_BYTES: usize = 512;

/// Bounds of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// All entries together; beyond it, the least recently read of the largest namespace goes.
    pub bytes_max: usize,
    /// One entry; a longer answer is not kept.
    pub entry_bytes_max: usize,
    /// An entry's life from its writing.
    pub ttl: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { bytes_max: 256 << 20, entry_bytes_max: 1 << 20, ttl: Duration::from_secs(3600) }
    }
}

/// One answer as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The headers that describe the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Entry {
    fn cost(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        self.body.len() + headers + ENTRY_OVERHEAD_BYTES
    }
}

/// Counters of one release's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceStats {
    /// The release.
    pub namespace: ReleaseId,
    /// Look-ups that found an answer.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Answers held.
    pub entries: usize,
    /// Memory held, overhead included.
    pub bytes: usize,
}

/// The exact cache.
#[derive(Debug)]
pub struct Cache {
    options: CacheOptions,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    namespaces: HashMap<ReleaseId, Namespace>,
    bytes: usize,
    /// Grows with every use: the order of reading.
    uses: u64,
}

#[derive(Debug, Default)]
struct Namespace {
    entries: HashMap<[u8; 32], Stored>,
    /// Last use → digest, the least recent first.
    order: BTreeMap<u64, [u8; 32]>,
    bytes: usize,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Stored {
    entry: Arc<Entry>,
    written: Duration,
    used: u64,
    cost: usize,
}

impl Namespace {
    /// Takes an entry out and says what it cost.
    fn remove(&mut self, digest: &[u8; 32]) -> usize {
        let Some(stored) = self.entries.remove(digest) else { return 0 };
        self.order.remove(&stored.used);
        self.bytes -= stored.cost;
        stored.cost
    }

    fn remove_oldest(&mut self) -> usize {
        let Some((_, digest)) = self.order.pop_first() else { return 0 };
        self.remove(&digest)
    }

    fn insert(&mut self, digest: [u8; 32], stored: Stored) {
        self.bytes += stored.cost;
        self.order.insert(stored.used, digest);
        self.entries.insert(digest, stored);
    }

    fn find(&mut self, digest: &[u8; 32], used: u64) -> Option<Arc<Entry>> {
        let stored = self.entries.get_mut(digest)?;
        self.order.remove(&stored.used);
        stored.used = used;
        self.order.insert(used, *digest);
        Some(Arc::clone(&stored.entry))
    }

    fn is_expired(&self, digest: &[u8; 32], now: Duration, ttl: Duration) -> bool {
        self.entries.get(digest).is_some_and(|stored| now.saturating_sub(stored.written) >= ttl)
    }
}

impl State {
    /// Frees `needed` bytes for an entry of `writer`. The entry to come counts for its own namespace already, so
    /// that of two equal ones the one that grows pays; other ties go by name, and so never by chance.
    fn make_room(&mut self, writer: &ReleaseId, needed: usize, bytes_max: usize) {
        while self.bytes + needed > bytes_max {
            let size = |id: &ReleaseId, bytes: usize| if id == writer { bytes + needed } else { bytes };
            let held = self.namespaces.iter_mut().filter(|(_, namespace)| namespace.bytes > 0);
            let largest = held.max_by_key(|(id, namespace)| (size(id, namespace.bytes), *id));
            let Some((_, namespace)) = largest else { return };
            self.bytes -= namespace.remove_oldest();
        }
    }
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new(options: CacheOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock, state: Mutex::default() }
    }

    /// The largest answer worth collecting.
    #[must_use]
    pub const fn entry_bytes_max(&self) -> usize {
        self.options.entry_bytes_max
    }

    /// Looks an answer up, and counts the look-up.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<Arc<Entry>> {
        let now = self.clock.monotonic();
        let mut guard = self.lock();
        let state = &mut *guard;
        state.uses += 1;
        let namespace = state.namespaces.entry(key.namespace.clone()).or_default();
        if namespace.is_expired(&key.digest, now, self.options.ttl) {
            state.bytes -= namespace.remove(&key.digest);
        }
        let found = namespace.find(&key.digest, state.uses);
        *(if found.is_some() { &mut namespace.hits } else { &mut namespace.misses }) += 1;
        found
    }

    /// Writes an answer that passed [`super::admit`]. One too large for the bounds is not kept.
    pub fn put(&self, key: CacheKey, entry: Entry) {
        let cost = entry.cost();
        if entry.body.len() > self.options.entry_bytes_max || cost > self.options.bytes_max {
            return;
        }
        let written = self.clock.monotonic();
        let mut guard = self.lock();
        let state = &mut *guard;
        state.uses += 1;
        state.bytes -= state.namespaces.entry(key.namespace.clone()).or_default().remove(&key.digest);
        state.make_room(&key.namespace, cost, self.options.bytes_max);
        let stored = Stored { entry: Arc::new(entry), written, used: state.uses, cost };
        state.namespaces.entry(key.namespace).or_default().insert(key.digest, stored);
        state.bytes += cost;
    }

    /// Forgets every answer and counter of one release.
    pub fn forget(&self, namespace: &ReleaseId) {
        let mut state = self.lock();
        let freed = state.namespaces.remove(namespace).map_or(0, |namespace| namespace.bytes);
        state.bytes -= freed;
    }

    /// Counters by release, sorted by its id.
    #[must_use]
    pub fn stats(&self) -> Vec<NamespaceStats> {
        let state = self.lock();
        let stats = |(id, namespace): (&ReleaseId, &Namespace)| NamespaceStats {
            namespace: id.clone(),
            hits: namespace.hits,
            misses: namespace.misses,
            entries: namespace.entries.len(),
            bytes: namespace.bytes,
        };
        let mut all: Vec<_> = state.namespaces.iter().map(stats).collect();
        all.sort_by(|one, other| one.namespace.cmp(&other.namespace));
        all
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
