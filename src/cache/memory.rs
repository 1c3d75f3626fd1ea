//! Answers in memory, bounded by bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::question::Item;
use super::standing_file::StandingFile;
use super::store::{Entries, Held, Seen};
use super::vectors::{Near, Vectors};
use super::{CacheError, CacheKey, CacheOptions, Change, Entry, Namespace, Standing};
use crate::domain::ReleaseId;
use crate::telemetry::Clock;

/// The store of one process.
#[derive(Debug)]
pub(super) struct Memory {
    options: CacheOptions,
    clock: Arc<dyn Clock>,
    file: StandingFile,
    standing: ArcSwap<Standing>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Questions: half of the bytes at most, and what they take answers cannot have.
    vectors: Vectors,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<Namespace, Room>,
    bytes: usize,
    /// Grows with every use: the order of reading.
    uses: u64,
}

#[derive(Debug, Default)]
struct Room {
    entries: HashMap<[u8; 32], Stored>,
    /// Last use → digest, the least recent first.
    order: BTreeMap<u64, [u8; 32]>,
    bytes: usize,
}

#[derive(Debug)]
struct Stored {
    entry: Arc<Entry>,
    used: u64,
    cost: usize,
}

impl Room {
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
}

impl State {
    /// Frees `needed` bytes for an entry of `writer`. The entry to come counts for its own room already, so
    /// that of two equal ones the one that grows pays; other ties go by name, and so never by chance. A room
    /// smaller than its equal share therefore keeps what it has: a new release cannot push the old one out.
    fn make_room(&mut self, writer: &Namespace, needed: usize, bytes_max: usize) {
        while self.bytes + needed > bytes_max {
            let size = |id: &Namespace, bytes: usize| if id == writer { bytes + needed } else { bytes };
            let held = self.rooms.iter_mut().filter(|(_, room)| room.bytes > 0);
            let largest = held.max_by_key(|(id, room)| (size(id, room.bytes), *id));
            let Some((_, room)) = largest else { return };
            self.bytes -= room.remove_oldest();
        }
    }

    fn find(&mut self, key: &CacheKey) -> Option<Arc<Entry>> {
        self.uses += 1;
        self.rooms.get_mut(&key.namespace)?.find(&key.digest, self.uses)
    }

    fn remove(&mut self, digest: &[u8; 32]) -> bool {
        let freed: usize = self.rooms.values_mut().map(|room| room.remove(digest)).sum();
        self.bytes -= freed;
        freed > 0
    }

    /// Takes out the rooms that are not open any more.
    fn close(&mut self, is_open: impl Fn(&Namespace) -> bool) -> Vec<Room> {
        let closed = self.rooms.extract_if(|id, _| !is_open(id));
        let closed: Vec<Room> = closed.map(|(_, room)| room).collect();
        self.bytes -= closed.iter().map(|room| room.bytes).sum::<usize>();
        closed
    }
}

impl Memory {
    /// An empty store. What is revoked is read from `file`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn open(
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: StandingFile,
    ) -> Result<Self, CacheError> {
        let standing = file.load()?.unwrap_or_else(|| Standing::new(clock.wall()));
        let (standing, changing) = (ArcSwap::from_pointee(standing), tokio::sync::Mutex::default());
        let (state, vectors) = (Mutex::default(), Vectors::within(options.bytes_max / 2));
        Ok(Self { options, clock, file, standing, changing, state, vectors })
    }

    fn put(&self, key: &CacheKey, entry: Entry) {
        let cost = entry.cost();
        if cost > self.room() {
            return;
        }
        let mut guard = self.lock();
        let state = &mut *guard;
        state.uses += 1;
        state.bytes -= state.rooms.get_mut(&key.namespace).map_or(0, |room| room.remove(&key.digest));
        state.make_room(&key.namespace, cost, self.room());
        let stored = Stored { entry: Arc::new(entry), used: state.uses, cost };
        state.rooms.entry(key.namespace.clone()).or_default().insert(key.digest, stored);
        state.bytes += cost;
    }

    async fn apply(&self, change: &Change) -> Result<Arc<Standing>, CacheError> {
        let _alone = self.changing.lock().await;
        let next = self.standing.load().after(change, self.clock.wall(), self.options.ttl);
        self.file.save(&next)?;
        let next = Arc::new(next);
        self.standing.store(Arc::clone(&next));
        let is_open = |id: &Namespace| next.namespace(&id.release).as_ref() == Some(id);
        self.vectors.retain(is_open);
        let closed = self.lock().close(is_open);
        if !closed.is_empty() {
            // A million entries take a while to free: not under the lock, and not where others are served. Nobody waits for it but
            // the runtime, when it ends.
            drop(tokio::task::spawn_blocking(move || drop(closed)));
        }
        Ok(next)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that answers may take.
    fn room(&self) -> usize {
        self.options.bytes_max.saturating_sub(self.vectors.bytes())
    }
}

impl Entries for Memory {
    fn known(&self) -> Option<Arc<Standing>> {
        Some(self.standing.load_full())
    }

    fn read<'a>(&'a self, key: Option<&'a CacheKey>) -> BoxFuture<'a, Result<Seen, CacheError>> {
        let entry = key.and_then(|key| self.lock().find(key));
        // Read after the entry: a change that was acknowledged before this look-up began is seen.
        let seen = Seen { entry, standing: self.standing.load_full() };
        std::future::ready(Ok(seen)).boxed()
    }

    fn write<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, Result<(), CacheError>> {
        self.put(key, entry);
        std::future::ready(Ok(())).boxed()
    }

    fn remove(&self, digest: [u8; 32]) -> BoxFuture<'_, Result<bool, CacheError>> {
        std::future::ready(Ok(self.lock().remove(&digest))).boxed()
    }

    fn change<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<Arc<Standing>, CacheError>> {
        self.apply(change).boxed()
    }

    fn nearest<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        floor: f32,
    ) -> BoxFuture<'a, Result<Option<Near>, CacheError>> {
        std::future::ready(Ok(self.vectors.nearest(partition, vector, floor))).boxed()
    }

    fn learn<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        item: Item,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.vectors.add(partition, vector, item);
        let room = self.room();
        self.lock().make_room(&partition.namespace, 0, room);
        std::future::ready(Ok(())).boxed()
    }

    fn forget<'a>(
        &'a self,
        partition: &'a CacheKey,
        key: &'a CacheKey,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.vectors.forget(partition, key);
        std::future::ready(Ok(())).boxed()
    }

    fn held(&self) -> Vec<Held> {
        let questions = self.vectors.held();
        let state = self.lock();
        let mut by_release = BTreeMap::<&ReleaseId, (usize, usize)>::new();
        for (id, room) in &state.rooms {
            let (entries, bytes) = by_release.entry(&id.release).or_default();
            (*entries, *bytes) = (*entries + room.entries.len(), *bytes + room.bytes);
        }
        for (release, bytes) in &questions {
            by_release.entry(release).or_default().1 += bytes;
        }
        let held = by_release.into_iter();
        held.map(|(release, (entries, bytes))| Held { release: release.clone(), entries, bytes }).collect()
    }
}

#[cfg(test)]
mod tests;
