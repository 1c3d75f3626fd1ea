//! One answer as it was sent, and what is known of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::CacheKey;
use crate::domain::{ReleaseId, Timestamp};

/// What an entry costs beside its bytes: the key three times, the maps' own space, rounded up.
pub(super) const ENTRY_OVERHEAD_BYTES: usize = 768;

/// What is known of an answer beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whose answer it is.
    pub release: ReleaseId,
    /// The room's generation.
    pub generation: u64,
    /// The [`super::Standing::sequence`] under which it was asked for.
    pub sequence: u64,
    /// The tenant's digest in hex.
    pub tenant: String,
    /// The prompt template that was asked for.
    pub template: Option<String>,
    /// The arm that answered.
    pub arm: String,
    /// When it was written; its life counts from here.
    pub written: Timestamp,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What is known of it.
    pub facts: Facts,
    /// The headers that describe the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The first line of a stored entry; the body follows.
#[derive(Serialize, Deserialize)]
struct Record {
    schema: String,
    key: String,
    body: String,
    release: String,
    generation: u64,
    sequence: u64,
    tenant: String,
    template: Option<String>,
    arm: String,
    written_ms: u64,
    headers: Vec<(String, String)>,
}

const SCHEMA: &str = "goldgate/cache-entry/1";

impl Entry {
    /// Bytes of memory that it holds.
    pub(super) fn cost(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        self.body.len() + headers + ENTRY_OVERHEAD_BYTES
    }

    /// The entry as a store keeps it: one line of JSON, then the body as it is.
    pub(super) fn to_bytes(&self, key: &CacheKey) -> Vec<u8> {
        let Facts { release, generation, sequence, tenant, template, arm, written } = self.facts.clone();
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
        let headers = self.headers.iter();
        let record = Record {
            schema: SCHEMA.to_owned(),
            key: key.hex(),
            body: blake3::hash(&self.body).to_hex().to_string(),
            release: release.to_string(),
            generation,
            sequence,
            tenant,
            template,
            arm,
            written_ms: written.as_millis(),
            headers: headers.filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect(),
        };
        // A record of texts and numbers always has a JSON form.
        let mut bytes = serde_json::to_vec(&record).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads what a store kept under `key`. `None`: it is not that entry, or not whole.
    pub(super) fn of_bytes(key: &CacheKey, bytes: &Bytes) -> Option<Self> {
        let line = memchr::memchr(b'\n', bytes)?;
        let record: Record = serde_json::from_slice(&bytes[..line]).ok()?;
        let body = bytes.slice(line + 1..);
        let is_whole = blake3::hash(&body).to_hex().as_str() == record.body;
        let is_meant = record.schema == SCHEMA
            && record.key == key.hex()
            && record.release == key.namespace.release.as_str()
            && record.generation == key.namespace.generation;
        if !is_whole || !is_meant {
            return None;
        }
        let headers = record.headers.iter().map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        });
        let facts = Facts {
            release: key.namespace.release.clone(),
            generation: record.generation,
            sequence: record.sequence,
            tenant: record.tenant,
            template: record.template,
            arm: record.arm,
            written: Timestamp::from_millis(record.written_ms),
        };
        Some(Self { facts, headers: headers.collect::<Option<_>>()?, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::Case;

    #[test]
    fn a_stored_entry_is_read_back_as_it_was() {
        let case = Case::default();
        let (key, entry) = (case.key(), case.entry(b"{\n}\n"));
        let bytes = Bytes::from(entry.to_bytes(&key));
        assert_eq!(Entry::of_bytes(&key, &bytes), Some(entry));
    }

    #[test]
    fn what_is_cut_changed_or_anothers_is_no_entry() {
        let case = Case::default();
        let (key, other) = (case.key(), Case { body: "{}".to_owned(), ..Case::default() }.key());
        let bytes = case.entry(b"an answer").to_bytes(&key);
        let check = |key: &CacheKey, bytes: &[u8]| {
            assert_eq!(Entry::of_bytes(key, &Bytes::copy_from_slice(bytes)), None);
        };
        check(&other, &bytes);
        check(&key, b"");
        check(&key, b"not JSON\nan answer");
        check(&key, &bytes[..bytes.len() - 1]);
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        check(&key, &changed);
        check(&key, &[&b"{\"schema\":\"goldgate/cache-entry/2\"}\n"[..], &bytes].concat());
    }
}
