//! The cache as the proxy and the operator know it: look up, write, change, count.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::flights::Flights;
use super::memory::Memory;
use super::qdrant::Qdrant;
use super::redis::Redis;
use super::semantic::Semantic;
use super::standing::ANSWER_MAX;
use super::standing_file::StandingFile;
use super::store::{CacheError, Entries, Held};
use super::{CacheKey, Change, Entry, Facts, Namespace, Standing, Tenant};
use crate::domain::{Arm, ReleaseId};
use crate::telemetry::Clock;

/// Bounds of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// All entries together, in memory; beyond it, the least recently read of the largest room goes.
    pub bytes_max: usize,
    /// One entry; a longer answer is not kept.
    pub entry_bytes_max: usize,
    /// An entry's life from its writing.
    pub ttl: Duration,
    /// The longest that a request waits for a store that is not in this process. Beyond it a look-up is a miss.
    pub store_max: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            entry_bytes_max: 1 << 20,
            ttl: Duration::from_secs(3600),
            store_max: Duration::from_millis(20),
        }
    }
}

/// A request, as far as its answer depends on it, for the release that would answer.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The release that would answer.
    pub release: &'a ReleaseId,
    /// Whose request it is.
    pub tenant: Tenant,
    /// Path and query of the route.
    pub family: &'a str,
    /// The JSON body.
    pub body: &'a [u8],
}

/// The right to write one answer, given when it was not found: it names the room in which it was asked for, so that an
/// answer that ends after a flip is still its own release's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) key: CacheKey,
    pub(super) sequence: u64,
    tenant: Tenant,
    /// When it was given, on the cache's monotonic clock.
    asked: Duration,
}

/// What is written beside the ticket.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The prompt template that was asked for.
    pub template: Option<String>,
    /// The arm that answered.
    pub arm: Arm,
    /// The headers that describe the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// An answer.
    Hit(Hit),
    /// None; with the ticket a new one may be written. No ticket: the store does not answer.
    Miss(Option<Ticket>),
    /// The release is revoked: nothing of it is read or written.
    Revoked,
}

/// An answer that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The answer.
    pub entry: Arc<Entry>,
    /// Its id.
    pub id: String,
    /// Time since it was written.
    pub age: Duration,
}

/// Counters of one release's answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceStats {
    /// Look-ups that found an answer.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Questions answered by answers to others that were alike.
    pub semantic: u64,
    /// Answers written.
    pub writes: u64,
    /// Answers held in this process; 0 where another process holds them.
    pub entries: usize,
    /// Memory held, overhead included.
    pub bytes: usize,
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    options: CacheOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entries: Box<dyn Entries>,
    counts: Mutex<BTreeMap<ReleaseId, NamespaceStats>>,
    pub(super) semantic: Option<Semantic>,
    pub(super) flights: Flights,
}

impl Cache {
    /// A cache in the memory of this process. What is revoked is kept in `file`, or as long as the process lives.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn in_memory(
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: Option<PathBuf>,
    ) -> Result<Self, CacheError> {
        let entries = Memory::open(options, Arc::clone(&clock), StandingFile::at(file))?;
        Ok(Self::over(options, clock, Box::new(entries)))
    }

    /// A cache in Redis or Valkey, which replicas share. Nothing is connected yet: a server that is down is a cache without
    /// hits. What this process knows to be revoked is kept in `file`, in case the server forgets it.
    ///
    /// # Errors
    /// An address that is none, or a file that cannot be read.
    pub fn in_redis(
        url: &str,
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: Option<PathBuf>,
    ) -> Result<Self, CacheError> {
        let entries = Redis::open(url, options, Arc::clone(&clock), StandingFile::at(file))?;
        Ok(Self::over(options, clock, Box::new(entries)))
    }

    /// The same in Qdrant. Its address begins with `qdrant+http` or `qdrant+https`; behind it may stand a collection's name.
    ///
    /// # Errors
    /// An address that is none, or a file that cannot be read.
    pub fn in_qdrant(
        url: &str,
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: Option<PathBuf>,
    ) -> Result<Self, CacheError> {
        let entries = Qdrant::open(url, options, Arc::clone(&clock), StandingFile::at(file))?;
        Ok(Self::over(options, clock, Box::new(entries)))
    }

    fn over(options: CacheOptions, clock: Arc<dyn Clock>, entries: Box<dyn Entries>) -> Self {
        Self {
            options,
            clock,
            entries,
            counts: Mutex::default(),
            semantic: None,
            flights: Flights::default(),
        }
    }

    /// The largest answer worth collecting.
    #[must_use]
    pub const fn entry_bytes_max(&self) -> usize {
        self.options.entry_bytes_max
    }

    /// Looks an answer up, and counts the look-up.
    pub async fn look_up(&self, request: &Request<'_>) -> Found {
        let found = self.find(request).await;
        match &found {
            Found::Hit(_) => self.count(request.release, |counts| counts.hits += 1),
            Found::Miss(_) => self.count(request.release, |counts| counts.misses += 1),
            Found::Revoked => {}
        }
        found
    }

    /// The answer that a look-up would find, where nobody is served with it: it is not counted.
    pub async fn peek(&self, request: &Request<'_>) -> Option<Hit> {
        match self.find(request).await {
            Found::Hit(hit) => Some(hit),
            Found::Miss(_) | Found::Revoked => None,
        }
    }

    /// Counts the last look-up of `request` as a miss: what was found cannot be told as the client wants it. Gives the ticket for
    /// another answer.
    pub async fn unfit(&self, request: &Request<'_>) -> Option<Ticket> {
        self.count(request.release, |counts| {
            (counts.hits, counts.misses) = (counts.hits.saturating_sub(1), counts.misses + 1);
        });
        self.ticket(request).await
    }

    /// The ticket for an answer that the client wants anew: it takes the old one's place.
    pub async fn ticket(&self, request: &Request<'_>) -> Option<Ticket> {
        let standing = self.standing().await?;
        self.ticket_in(&standing, request)
    }

    async fn find(&self, request: &Request<'_>) -> Found {
        let Some(standing) = self.standing().await else { return Found::Miss(None) };
        let Some(ticket) = self.ticket_in(&standing, request) else { return Found::Revoked };
        let Ok(seen) = self.entries.read(Some(&ticket.key)).await else { return Found::Miss(None) };
        let hit = seen.entry.and_then(|entry| self.admit(&seen.standing, entry, &ticket.key));
        match hit {
            Some(hit) => Found::Hit(hit),
            // The room may have been closed since the key was made.
            None => self
                .ticket_in(&seen.standing, request)
                .map_or(Found::Revoked, |ticket| Found::Miss(Some(ticket))),
        }
    }

    /// The entry under a key that was made before.
    pub(super) async fn read(&self, key: &CacheKey) -> Option<Hit> {
        let seen = self.entries.read(Some(key)).await.ok()?;
        self.admit(&seen.standing, seen.entry?, key)
    }

    /// An entry that may be read, as of `standing`, which was read together with it.
    fn admit(&self, standing: &Standing, entry: Arc<Entry>, key: &CacheKey) -> Option<Hit> {
        let age = self.clock.wall().since(entry.facts.written);
        let is_of =
            |facts: &Facts| Namespace { release: facts.release.clone(), generation: facts.generation };
        let may =
            age < self.options.ttl && is_of(&entry.facts) == key.namespace && standing.permits(&entry.facts);
        may.then(|| Hit { entry, id: key.hex(), age })
    }

    /// The record as far as it is known; asks for it before the first look-up.
    pub(super) async fn standing(&self) -> Option<Arc<Standing>> {
        match self.entries.known() {
            Some(known) => Some(known),
            None => self.entries.read(None).await.ok().map(|seen| seen.standing),
        }
    }

    /// Writes an answer that passed [`super::admit`]. One that is too large, took more than an hour, or whose room was closed is
    /// not kept.
    pub async fn write(&self, ticket: Ticket, answer: Answer) {
        let Answer { template, arm, headers, body } = answer;
        let Ticket { key, sequence, tenant, asked } = ticket;
        let Namespace { release, generation } = key.namespace.clone();
        let is_open = |standing: Arc<Standing>| standing.namespace(&release).as_ref() == Some(&key.namespace);
        let is_late = self.clock.monotonic().saturating_sub(asked) > ANSWER_MAX;
        if is_late || body.len() > self.options.entry_bytes_max || !self.entries.known().is_some_and(is_open)
        {
            return;
        }
        let (arm, tenant, written) = (arm.as_str().to_owned(), tenant.hex(), self.clock.wall());
        let facts = Facts { release, generation, sequence, tenant, template, arm, written };
        let release = facts.release.clone();
        if self.entries.write(&key, Entry { facts, headers, body }).await.is_ok() {
            self.count(&release, |counts| counts.writes += 1);
        }
    }

    /// Changes what may be read. Once it returns, nothing that the change forbids is read any more, by any replica.
    ///
    /// # Errors
    /// When the change could not be made durable: it may or may not hold.
    pub async fn change(&self, change: &Change) -> Result<Arc<Standing>, CacheError> {
        self.entries.change(change).await
    }

    /// Frees what this process holds of answers that other replicas make unreadable, as soon as they do; never ends by itself.
    /// Nothing that may not be read is read without it.
    pub async fn follow(&self) {
        self.entries.follow().await;
    }

    /// Deletes one entry by its id; says whether it was there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove(&self, id: &str) -> Result<bool, CacheError> {
        match blake3::Hash::from_hex(id) {
            Ok(digest) => self.entries.remove(*digest.as_bytes()).await,
            Err(_) => Ok(false),
        }
    }

    /// Counters by release.
    #[must_use]
    pub fn stats(&self) -> BTreeMap<ReleaseId, NamespaceStats> {
        let mut stats = self.lock().clone();
        for Held { release, entries, bytes } in self.entries.held() {
            let counts = stats.entry(release).or_default();
            (counts.entries, counts.bytes) = (entries, bytes);
        }
        stats
    }

    pub(super) fn count(&self, release: &ReleaseId, change: impl FnOnce(&mut NamespaceStats)) {
        let mut counts = self.lock();
        match counts.get_mut(release) {
            Some(counts) => change(counts),
            None => change(counts.entry(release.clone()).or_default()),
        }
    }

    /// The ticket for a request in the room that `standing` gives its release.
    fn ticket_in(&self, standing: &Standing, request: &Request<'_>) -> Option<Ticket> {
        let namespace = standing.namespace(request.release)?;
        let key = CacheKey::new(&namespace, request, None, "");
        let (sequence, asked) = (standing.sequence(), self.clock.monotonic());
        Some(Ticket { key, sequence, tenant: request.tenant, asked })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ReleaseId, NamespaceStats>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod stores;
#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
mod versions;
