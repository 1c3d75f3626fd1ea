//! Answers in Qdrant, shared by replicas, over its REST interface.
//!
//! Everything is a point of one collection, known by its alias: answers and the record of what may be read have no vector,
//! questions have one. A look-up reads the record and the answer in one request, so that a change that was acknowledged holds for
//! every look-up after it. The nearest question is found by the server, exactly, among those of the same partition.
//!
//! The record is changed by a conditional update and read back, since the server does not say whether the condition held.
//! Qdrant has no expiry: whoever writes deletes what has outlived its time, once a minute. What a change makes unreadable is
//! deleted after it is durable, to give space back; nothing depends on that.

mod collection;
mod link;
mod points;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::breaker::{Patience, within};
use super::ledger::{Ledger, Shelf};
use super::question::Item;
use super::standing_file::StandingFile;
use super::store::{Entries, Held, Seen};
use super::vectors::{Near, is_unit};
use super::{CacheError, CacheKey, CacheOptions, Change, Entry, Facts, Standing};
use crate::telemetry::Clock;
use collection::VECTOR;
use link::Link;
use points::{
    Found, Payload, Point, before, entry_id, is, meant, nearest_of, question_id, standing_id, version,
};

/// The longest an operator waits for a change.
const CHANGE_MAX: Duration = Duration::from_secs(5);

/// How often what is too old is deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The store.
#[derive(Debug)]
pub(super) struct Qdrant {
    link: Link,
    ttl: Duration,
    clock: Arc<dyn Clock>,
    patience: Patience,
    ledger: Ledger,
    /// When this process deleted last what was too old.
    swept: Mutex<Duration>,
}

impl Qdrant {
    /// A store at `url`, whose path is the alias of its collection (`goldgate` without one) and whose password, if any, is the
    /// server's API key. Nothing is connected yet: a server that is down is a cache without hits.
    ///
    /// # Errors
    /// An address that is none, or a file that cannot be read.
    pub(super) fn open(
        url: &str,
        options: CacheOptions,
        clock: Arc<dyn Clock>,
        file: StandingFile,
    ) -> Result<Self, CacheError> {
        let CacheOptions { ttl, store_max, .. } = options;
        let ledger = Ledger::open(Arc::clone(&clock), file)?;
        let patience = Patience::new(Arc::clone(&clock), store_max);
        Ok(Self { link: Link::open(url)?, ttl, clock, patience, ledger, swept: Mutex::default() })
    }

    async fn fetch_points(&self, ids: &[String]) -> Result<Vec<Payload>, CacheError> {
        let body = json!({"ids": ids, "with_payload": true});
        let points: Vec<Point> = self.link.post("points?consistency=all", &body).await?;
        Ok(points.into_iter().map(|point| point.payload).collect())
    }

    async fn look(&self, key: Option<&CacheKey>) -> Result<Seen, CacheError> {
        let mut ids = vec![standing_id()];
        ids.extend(key.map(|key| entry_id(key.digest)));
        let (mut text, mut entry) = (None, None);
        for payload in self.fetch_points(&ids).await? {
            match payload {
                Payload::Standing { text: found } => text = Some(found.into_bytes()),
                Payload::Entry { entry: found } => entry = BASE64_STANDARD.decode(found).ok(),
                Payload::Question { .. } => {}
            }
        }
        let standing = self.ledger.adopt(self, text).await?;
        let entry = key.zip(entry.map(Bytes::from)).and_then(|(key, bytes)| Entry::of_bytes(key, &bytes));
        Ok(Seen { standing, entry: entry.map(Arc::new) })
    }

    async fn put(&self, point: Value) -> Result<(), CacheError> {
        self.put_points(&json!({"points": [point]})).await
    }

    async fn put_points(&self, body: &Value) -> Result<(), CacheError> {
        let _: IgnoredAny = self.link.put("points?wait=true&ordering=strong", body).await?;
        Ok(())
    }

    async fn keep(&self, key: &CacheKey, entry: Entry) -> Result<(), CacheError> {
        let bytes = BASE64_STANDARD.encode(entry.to_bytes(key));
        let Facts { release, tenant, template, arm, written, .. } = entry.facts;
        let payload = json!({
            "kind": "entry", "entry": bytes, "release": release.as_str(), "tenant": tenant,
            "template": template, "arm": arm, "written_ms": written.as_millis(),
        });
        let point = json!({"id": entry_id(key.digest), "vector": {}, "payload": payload});
        self.patience.wait(self.put(point)).await?;
        self.sweep().await
    }

    async fn ask_near(
        &self,
        partition: &CacheKey,
        vector: &[f32],
        floor: f32,
    ) -> Result<Vec<Point>, CacheError> {
        let filter = json!({"must": [is("partition", &partition.hex())]});
        let body = json!({
            "query": vector, "using": VECTOR, "filter": filter, "params": {"exact": true}, "limit": 2,
            "score_threshold": floor, "with_payload": true,
        });
        let found: Found = self.link.post("points/query?consistency=all", &body).await?;
        Ok(found.points)
    }

    async fn add_question(
        &self,
        partition: &CacheKey,
        vector: &[f32],
        item: &Item,
    ) -> Result<(), CacheError> {
        let payload = json!({
            "kind": "question", "question": item.to_json(partition), "partition": partition.hex(),
            "release": partition.namespace().release.as_str(), "written_ms": self.clock.wall().as_millis(),
        });
        let id = question_id(partition, &item.key);
        self.put(json!({"id": id, "vector": {VECTOR: vector}, "payload": payload})).await
    }

    async fn delete_points(&self, selector: &Value, wait: bool) -> Result<(), CacheError> {
        let path = format!("points/delete?wait={wait}&ordering=strong");
        let _: IgnoredAny = self.link.post(&path, selector).await?;
        Ok(())
    }

    /// Deletes what has outlived its time, where that was not done of late. The server is not waited for.
    async fn sweep(&self) -> Result<(), CacheError> {
        let now = self.clock.monotonic();
        let is_due = {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = now >= *swept + SWEEP_EVERY;
            *swept = if is_due { now } else { *swept };
            is_due
        };
        if !is_due {
            return Ok(());
        }
        let life_ms = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        let oldest = self.clock.wall().as_millis().saturating_sub(life_ms);
        let filter = json!({"filter": {"must": [before(oldest)]}});
        self.patience.wait(self.delete_points(&filter, false)).await
    }

    async fn apply(&self, change: &Change) -> Result<Arc<Standing>, CacheError> {
        let standing = self.ledger.change(self, change, self.ttl).await?;
        let filter = json!({"filter": {"must": meant(change, standing.sequence())}});
        // They are unreadable already; what is left behind goes when its time is over.
        let _ = within(CHANGE_MAX, self.delete_points(&filter, false)).await;
        Ok(standing)
    }

    async fn delete_entry(&self, digest: [u8; 32]) -> Result<bool, CacheError> {
        let id = entry_id(digest);
        let is_there = !self.fetch_points(std::slice::from_ref(&id)).await?.is_empty();
        self.delete_points(&json!({"points": [id]}), true).await?;
        Ok(is_there)
    }
}

impl Shelf for Qdrant {
    fn place(&self) -> String {
        self.link.place()
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, CacheError>> {
        async {
            let found = within(CHANGE_MAX, self.fetch_points(&[standing_id()])).await?;
            Ok(found.into_iter().find_map(|payload| match payload {
                Payload::Standing { text } => Some(text.into_bytes()),
                Payload::Entry { .. } | Payload::Question { .. } => None,
            }))
        }
        .boxed()
    }

    fn swap<'a>(&'a self, before: &'a [u8], next: &'a [u8]) -> BoxFuture<'a, Result<bool, CacheError>> {
        async move {
            let payload =
                json!({"kind": "standing", "version": version(next), "text": String::from_utf8_lossy(next)});
            let mut body = json!({"points": [{"id": standing_id(), "vector": {}, "payload": payload}]});
            if before.is_empty() {
                body["update_mode"] = json!("insert_only");
            } else {
                body["update_mode"] = json!("update_only");
                body["update_filter"] = json!({"must": [is("version", &version(before))]});
            }
            within(CHANGE_MAX, self.put_points(&body)).await?;
            Ok(self.fetch().await?.as_deref() == Some(next))
        }
        .boxed()
    }
}

impl Entries for Qdrant {
    fn known(&self) -> Option<Arc<Standing>> {
        self.ledger.known()
    }

    fn read<'a>(&'a self, key: Option<&'a CacheKey>) -> BoxFuture<'a, Result<Seen, CacheError>> {
        self.patience.wait(self.look(key)).boxed()
    }

    fn write<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, Result<(), CacheError>> {
        self.keep(key, entry).boxed()
    }

    fn remove(&self, digest: [u8; 32]) -> BoxFuture<'_, Result<bool, CacheError>> {
        within(CHANGE_MAX, self.delete_entry(digest)).boxed()
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
        async move {
            if !is_unit(vector) {
                return Ok(None);
            }
            let points = self.patience.wait(self.ask_near(partition, vector, floor)).await?;
            Ok(nearest_of(partition, floor, &points))
        }
        .boxed()
    }

    fn learn<'a>(
        &'a self,
        partition: &'a CacheKey,
        vector: &'a [f32],
        item: Item,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        async move {
            if !is_unit(vector) {
                return Ok(());
            }
            self.patience.wait(self.add_question(partition, vector, &item)).await
        }
        .boxed()
    }

    fn forget<'a>(
        &'a self,
        partition: &'a CacheKey,
        key: &'a CacheKey,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        async move {
            let selector = json!({"points": [question_id(partition, key)]});
            self.patience.wait(self.delete_points(&selector, true)).await
        }
        .boxed()
    }

    fn held(&self) -> Vec<Held> {
        Vec::new()
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
