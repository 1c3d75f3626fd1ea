//! Answers in Redis or Valkey, shared by replicas.
//!
//! A look-up is one `MGET` of the record of what may be read and of the entry: both are of one moment, so a change that was
//! acknowledged holds for every look-up of every replica after it, and there is nothing of it in a replica that would have to
//! be told. That is why nothing is published or subscribed to.
//!
//! Entries have the server's own expiry. Whatever the server evicts is a miss; when it evicts the record, or comes back with an
//! older one, the record is made anew and everything is a miss ([`Standing::repaired`]). Whoever knew the newer one notices with
//! its next look-up; a server that writes its log (`appendonly yes`) does not come back with an older one.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError, cmd};
use tokio::time::timeout;

use super::breaker::Breaker;
use super::standing_file::StandingFile;
use super::store::{Entries, Held, Seen};
use super::{CacheError, CacheKey, CacheOptions, Change, Entry, Standing};
use crate::telemetry::Clock;

/// The longest an operator waits for a change.
const CHANGE_MAX: Duration = Duration::from_secs(5);

/// For a connection to stand.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// Tries of a change while others change too.
const TRIES_MAX: usize = 16;

/// What all keys begin with; the version is that of what stands below them.
const PREFIX: &str = "goldgate:1:";

/// Puts a record in the place of the one that was read, unless another did before. An empty text stands for none.
const SWAP: &str = "local now = redis.call('GET', KEYS[1]) or '' \
    if now ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2]) return 1";

/// The store.
pub(super) struct Redis {
    manager: ConnectionManager,
    options: CacheOptions,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    file: StandingFile,
    known: ArcSwapOption<Known>,
}

/// The record as it was last read.
struct Known {
    text: Bytes,
    standing: Arc<Standing>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

fn unreachable(error: &RedisError) -> CacheError {
    CacheError::Unreachable(error.to_string())
}

fn standing_key() -> String {
    format!("{PREFIX}standing")
}

fn entry_key(digest: [u8; 32]) -> String {
    format!("{PREFIX}entry:{}", blake3::Hash::from_bytes(digest).to_hex())
}

fn parse(text: &[u8]) -> Result<Standing, CacheError> {
    let wrong =
        |error: serde_json::Error| CacheError::Record { place: standing_key(), detail: error.to_string() };
    serde_json::from_slice(text).map_err(wrong)
}

impl Redis {
    /// A store at `url`. Nothing is connected yet: a server that is down is a cache without hits.
    ///
    /// # Errors
    /// An address that is none, or a file that cannot be read.
    pub(super) fn open(
        url: &str,
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: StandingFile,
    ) -> Result<Self, CacheError> {
        let wrong = |error: RedisError| CacheError::Address(error.to_string());
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(CHANGE_MAX))
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        let known =
            file.load()?.map(|standing| Arc::new(Known { text: Bytes::new(), standing: standing.into() }));
        Ok(Self {
            manager,
            options,
            clock,
            breaker: Breaker::default(),
            file,
            known: ArcSwapOption::new(known),
        })
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd, limit: Duration) -> Result<T, CacheError> {
        let mut manager = self.manager.clone();
        match timeout(limit, command.query_async(&mut manager)).await {
            Ok(answer) => answer.map_err(|error| unreachable(&error)),
            Err(_) => Err(CacheError::Unreachable(format!("nothing came within {limit:?}"))),
        }
    }

    /// Asks on behalf of a client: briefly, and not at all while the server is known to be down.
    async fn ask_briefly<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        if !self.breaker.permits(self.clock.monotonic()) {
            return Err(CacheError::Unreachable("it did not answer before".to_owned()));
        }
        let answer = self.ask(command, self.options.store_max).await;
        self.breaker.note(answer.is_ok(), self.clock.monotonic());
        answer
    }

    async fn look(&self, key: Option<&CacheKey>) -> Result<Seen, CacheError> {
        let mut command = cmd("MGET");
        command.arg(standing_key());
        if let Some(key) = key {
            command.arg(entry_key(key.digest));
        }
        let mut found: Vec<Option<Vec<u8>>> = self.ask_briefly(&command).await?;
        let entry = if key.is_some() { found.pop().flatten() } else { None };
        let standing = Arc::clone(&self.adopt(found.pop().flatten()).await?.standing);
        let entry = key.zip(entry.map(Bytes::from)).and_then(|(key, bytes)| Entry::of_bytes(key, &bytes));
        Ok(Seen { standing, entry: entry.map(Arc::new) })
    }

    /// The record that stands, from the text that was read: made or repaired where it has to be.
    async fn adopt(&self, text: Option<Vec<u8>>) -> Result<Arc<Known>, CacheError> {
        let known = self.known.load_full();
        if let Some(known) = known.as_ref().filter(|known| text.as_deref() == Some(&*known.text)) {
            return Ok(Arc::clone(known));
        }
        let now = self.clock.wall();
        let seen = text.as_deref().map(parse).transpose()?;
        let before = known.as_ref().map(|known| &*known.standing);
        let next = match (&seen, before) {
            (Some(seen), Some(before)) => seen.repaired(before, now),
            (Some(_), None) => None,
            (None, Some(before)) => {
                Standing::new(now).repaired(before, now).or_else(|| Some(Standing::new(now)))
            }
            (None, None) => Some(Standing::new(now)),
        };
        match (next, seen, text) {
            (None, Some(seen), Some(text)) => Ok(self.remember(text, seen)),
            (next, _, text) => self.swap(text.unwrap_or_default(), next.unwrap_or_default()).await,
        }
    }

    /// Writes `next` where `before` was read. Where another wrote first, nothing is known until the next look.
    async fn swap(&self, before: Vec<u8>, next: Standing) -> Result<Arc<Known>, CacheError> {
        let swapped = self.try_swap(&before, next).await?;
        swapped.ok_or_else(|| CacheError::Unreachable("another replica changed the record".to_owned()))
    }

    async fn try_swap(&self, before: &[u8], next: Standing) -> Result<Option<Arc<Known>>, CacheError> {
        // A record of texts and numbers always has a JSON form.
        let text = serde_json::to_vec(&next).unwrap_or_default();
        let mut command = cmd("EVAL");
        command.arg(SWAP).arg(1).arg(standing_key()).arg(before).arg(&text);
        let swapped: bool = self.ask(&command, CHANGE_MAX).await?;
        Ok(swapped.then(|| self.remember(text, next)))
    }

    fn remember(&self, text: Vec<u8>, standing: Standing) -> Arc<Known> {
        let known = Arc::new(Known { text: Bytes::from(text), standing: Arc::new(standing) });
        self.known.store(Some(Arc::clone(&known)));
        known
    }

    async fn keep(&self, key: &CacheKey, entry: &Entry) -> Result<(), CacheError> {
        let life_ms = u64::try_from(self.options.ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = cmd("SET");
        command.arg(entry_key(key.digest)).arg(entry.to_bytes(key)).arg("PX").arg(life_ms);
        self.ask_briefly(&command).await
    }

    async fn apply(&self, change: &Change) -> Result<Arc<Standing>, CacheError> {
        for _ in 0..TRIES_MAX {
            let text: Option<Vec<u8>> = self.ask(cmd("GET").arg(standing_key()), CHANGE_MAX).await?;
            // Knows the latest, or has repaired it.
            let known = match self.adopt(text).await {
                Err(CacheError::Unreachable(_)) => continue,
                adopted => adopted?,
            };
            let next = known.standing.after(change, self.clock.wall(), self.options.ttl);
            // On disk here before anywhere: a server may come back without it.
            self.file.save(&next)?;
            if let Some(known) = self.try_swap(&known.text, next).await? {
                return Ok(Arc::clone(&known.standing));
            }
        }
        Err(CacheError::Unreachable(format!("{TRIES_MAX} times another replica changed the record first")))
    }

    async fn delete(&self, digest: [u8; 32]) -> Result<bool, CacheError> {
        self.ask(cmd("DEL").arg(entry_key(digest)), CHANGE_MAX).await
    }
}

impl Entries for Redis {
    fn known(&self) -> Option<Arc<Standing>> {
        // What the file says is not yet what the server has.
        self.known
            .load()
            .as_ref()
            .filter(|known| !known.text.is_empty())
            .map(|known| Arc::clone(&known.standing))
    }

    fn read<'a>(&'a self, key: Option<&'a CacheKey>) -> BoxFuture<'a, Result<Seen, CacheError>> {
        self.look(key).boxed()
    }

    fn write<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, Result<(), CacheError>> {
        async move { self.keep(key, &entry).await }.boxed()
    }

    fn remove(&self, digest: [u8; 32]) -> BoxFuture<'_, Result<bool, CacheError>> {
        self.delete(digest).boxed()
    }

    fn change<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<Arc<Standing>, CacheError>> {
        self.apply(change).boxed()
    }

    fn held(&self) -> Vec<Held> {
        Vec::new()
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
