//! Answers in Redis or Valkey, shared by replicas.
//!
//! A look-up is one `MGET` of the record of what may be read and of the entry: both are of one moment, so a change that was
//! acknowledged holds for every look-up of every replica after it, whoever was told. A change is published, too, so that
//! replicas which look nothing up free at once what they hold of it (`redis/following.rs`): a message that is lost costs memory.
//!
//! Entries have the server's own expiry. Whatever the server evicts is a miss; when it evicts the record, or comes back with an
//! older one, everything is a miss (see [`Ledger`]). A server that writes its log (`appendonly yes`) puts it on its disk once a second
//! by default: a change is acknowledged when that is done, where the server can tell (`WAITAOF`, from 7.2 on). An older server may lose
//! the last second in a power cut, unless it has `appendfsync always`, and one without a log loses all; whoever knew it then notices.
//!
//! The questions of a partition are a stream. Every look-up reads on from where the last one ended, so a replica knows all of
//! them and scans them itself (`redis/questions.rs`).

mod following;
mod questions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, cmd};
use tracing::warn;

use super::breaker::{Patience, within};
use super::ledger::{Ledger, Shelf};
use super::question::Item;
use super::standing_file::StandingFile;
use super::store::{Entries, Held, Seen};
use super::vectors::{Near, Vectors};
use super::{CacheError, CacheKey, CacheOptions, Change, Entry, Standing};
use crate::domain::ReleaseId;
use crate::telemetry::Clock;

/// The longest an operator waits for a change.
const CHANGE_MAX: Duration = Duration::from_secs(5);

/// Of it, for the server's log: written once a second, and a busy disk takes longer.
const LOG_MAX_MS: u64 = 4_000;

/// For a connection to stand.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// What all keys begin with; the version is that of what stands below them.
const PREFIX: &str = "goldgate:1:";

/// Puts a record in the place of the one that was read, unless another did before. An empty text stands for none. Who may not
/// publish may still change.
const SWAP: &str = "local now = redis.call('GET', KEYS[1]) or '' \
    if now ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2]) \
    redis.pcall('PUBLISH', ARGV[3], '') return 1";

/// The store.
pub(super) struct Redis {
    client: Client,
    manager: ConnectionManager,
    ttl: Duration,
    patience: Patience,
    ledger: Ledger,
    /// The questions that were read so far.
    vectors: Vectors,
    /// The sequence of the record up to which they were freed.
    freed_to: AtomicU64,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("patience", &self.patience).finish_non_exhaustive()
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
        // For `rediss`. An error means that a provider stands already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |error: RedisError| CacheError::Address(error.to_string());
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(CHANGE_MAX))
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(wrong)?;
        let CacheOptions { ttl, store_max, bytes_max, .. } = options;
        let ledger = Ledger::open(Arc::clone(&clock), file)?;
        Ok(Self {
            client,
            manager,
            ttl,
            patience: Patience::new(clock, store_max),
            ledger,
            vectors: Vectors::within(bytes_max),
            freed_to: AtomicU64::new(0),
        })
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        let mut manager = self.manager.clone();
        command.query_async(&mut manager).await.map_err(|error| unreachable(&error))
    }

    /// Asks on behalf of a client.
    async fn ask_briefly<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        self.patience.wait(self.ask(command)).await
    }

    /// Asks on behalf of an operator.
    async fn ask_patiently<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        within(CHANGE_MAX, self.ask(command)).await
    }

    async fn look(&self, key: Option<&CacheKey>) -> Result<Seen, CacheError> {
        let mut command = cmd("MGET");
        command.arg(standing_key());
        if let Some(key) = key {
            command.arg(entry_key(key.digest));
        }
        let mut found: Vec<Option<Vec<u8>>> = self.ask(&command).await?;
        let entry = if key.is_some() { found.pop().flatten() } else { None };
        let standing = self.ledger.adopt(self, found.pop().flatten()).await?;
        self.free(&standing);
        let entry = key.zip(entry.map(Bytes::from)).and_then(|(key, bytes)| Entry::of_bytes(key, &bytes));
        Ok(Seen { standing, entry: entry.map(Arc::new) })
    }

    async fn keep(&self, key: &CacheKey, entry: &Entry) -> Result<(), CacheError> {
        let mut command = cmd("SET");
        command.arg(entry_key(key.digest)).arg(entry.to_bytes(key)).arg("PX").arg(self.life_ms());
        self.ask_briefly(&command).await
    }

    async fn delete(&self, digest: [u8; 32]) -> Result<bool, CacheError> {
        self.ask_patiently(cmd("DEL").arg(entry_key(digest))).await
    }

    /// Waits until the server's log is on its disk, on a connection of its own: look-ups would wait behind it.
    async fn wait_for_log(&self) -> Result<(), CacheError> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(CHANGE_MAX));
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let mut own = connection.map_err(|error| unreachable(&error))?;
        // The server waits for what a connection has written itself, and so for all that came before it.
        let mut mark = cmd("SET");
        mark.arg(format!("{PREFIX}mark")).arg(1).arg("PX").arg(1);
        mark.query_async::<()>(&mut own).await.map_err(|error| unreachable(&error))?;
        match cmd("WAITAOF").arg(1).arg(0).arg(LOG_MAX_MS).query_async::<(u64, u64)>(&mut own).await {
            Ok((0, _)) => Err(CacheError::Unreachable(format!(
                "its log was not on its disk within {LOG_MAX_MS} ms, as with `appendfsync no`"
            ))),
            Ok(_) => Ok(()),
            Err(error) if error.is_timeout() || error.is_io_error() => Err(unreachable(&error)),
            // An error of its own: it has no such command, or no log.
            Err(error) => {
                warn!(
                    "the cache's server cannot say that a change is on its disk, and may forget it: {error}"
                );
                Ok(())
            }
        }
    }

    fn life_ms(&self) -> u64 {
        u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

impl Shelf for Redis {
    fn place(&self) -> String {
        standing_key()
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, CacheError>> {
        async { self.ask_patiently(cmd("GET").arg(standing_key())).await }.boxed()
    }

    fn swap<'a>(&'a self, before: &'a [u8], next: &'a [u8]) -> BoxFuture<'a, Result<bool, CacheError>> {
        async move {
            let mut command = cmd("EVAL");
            command.arg(SWAP).arg(1).arg(standing_key()).arg(before).arg(next).arg(following::channel());
            self.ask_patiently(&command).await
        }
        .boxed()
    }

    fn settle(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        within(CHANGE_MAX, self.wait_for_log()).boxed()
    }
}

impl Entries for Redis {
    fn known(&self) -> Option<Arc<Standing>> {
        self.ledger.known()
    }

    fn read<'a>(&'a self, key: Option<&'a CacheKey>) -> BoxFuture<'a, Result<Seen, CacheError>> {
        self.patience.wait(self.look(key)).boxed()
    }

    fn write<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, Result<(), CacheError>> {
        async move { self.keep(key, &entry).await }.boxed()
    }

    fn remove(&self, digest: [u8; 32]) -> BoxFuture<'_, Result<bool, CacheError>> {
        self.delete(digest).boxed()
    }

    fn change<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<Arc<Standing>, CacheError>> {
        self.ledger.change(self, change, self.ttl).boxed()
    }

    fn nearest<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        floor: f32,
    ) -> BoxFuture<'a, Result<Option<Near>, CacheError>> {
        async move {
            let is_complete = self.catch_up(partition).await?;
            Ok(is_complete.then(|| self.vectors.nearest(partition, vector, floor)).flatten())
        }
        .boxed()
    }

    fn learn<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        item: Item,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        async move { self.append(partition, vector, &item).await }.boxed()
    }

    fn forget<'a>(
        &'a self,
        partition: &'a CacheKey,
        key: &'a CacheKey,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.vectors.forget(partition, key);
        std::future::ready(Ok(())).boxed()
    }

    /// Its answers are the server's; questions are held here.
    fn held(&self) -> Vec<Held> {
        let mut held = BTreeMap::<ReleaseId, usize>::new();
        for (release, bytes) in self.vectors.held() {
            *held.entry(release).or_default() += bytes;
        }
        held.into_iter().map(|(release, bytes)| Held { release, entries: 0, bytes }).collect()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        self.hear_changes().boxed()
    }
}

#[cfg(test)]
mod log_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
