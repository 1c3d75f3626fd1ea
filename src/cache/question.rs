//! One question of the semantic tier as replicas share it: the answer's key, and what must be the same.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::CacheKey;
use super::guard::Signs;
use super::vectors::DIMENSIONS;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its answer.
    pub(super) key: CacheKey,
    pub(super) signs: Signs,
}

#[derive(Serialize, Deserialize)]
struct Record {
    schema: String,
    partition: String,
    key: String,
    signs: Signs,
}

const SCHEMA: &str = "goldgate/cache-question/2";

impl Item {
    /// The question as a line of JSON.
    pub(super) fn to_json(&self, partition: &CacheKey) -> String {
        let (schema, signs) = (SCHEMA.to_owned(), self.signs.clone());
        let record = Record { schema, partition: partition.hex(), key: self.key.hex(), signs };
        // A record of texts and numbers always has a JSON form.
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// Reads a question of `partition`. `None`: it is none, or another partition's.
    pub(super) fn of_json(partition: &CacheKey, json: &[u8]) -> Option<Self> {
        let Record { schema, partition: of, key, signs } = serde_json::from_slice(json).ok()?;
        let digest = *blake3::Hash::from_hex(&key).ok()?.as_bytes();
        let is_meant = schema == SCHEMA && of == partition.hex();
        is_meant.then(|| Self { key: CacheKey { digest, namespace: partition.namespace.clone() }, signs })
    }

    /// The question with its vector: the line of JSON, then the coordinates, 4 bytes each, least first.
    pub(super) fn to_bytes(&self, partition: &CacheKey, vector: &[f32]) -> Vec<u8> {
        let mut bytes = self.to_json(partition).into_bytes();
        bytes.push(b'\n');
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    /// Reads a question of `partition` with its vector. `None`: it is none, another partition's, or not whole.
    pub(super) fn of_bytes(partition: &CacheKey, bytes: &Bytes) -> Option<(Vec<f32>, Self)> {
        let (json, rest) = bytes.split_at_checked(memchr::memchr(b'\n', bytes)?)?;
        let (values, odd) = rest.get(1..)?.as_chunks::<4>();
        let is_whole = values.len() == DIMENSIONS && odd.is_empty();
        let vector = || values.iter().map(|value| f32::from_le_bytes(*value)).collect();
        is_whole.then(|| Self::of_json(partition, json).map(|item| (vector(), item))).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{Case, changed, item, rng, unit};

    #[test]
    fn a_question_is_read_back_as_it_was_and_in_no_other_partition() {
        let (partition, vector) = (Case::default().key(), unit(&mut rng(1)));
        let item = Item { signs: Signs::of("Is 15 more than \"x\"?"), ..item(1) };
        let bytes = Bytes::from(item.to_bytes(&partition, &vector));
        assert_eq!(Item::of_bytes(&partition, &bytes), Some((vector, item)));
        for (what, other) in changed() {
            assert_eq!(Item::of_bytes(&other.key(), &bytes), None, "{what}");
        }
    }

    #[test]
    fn an_oversized_or_cut_question_is_none() {
        let (partition, vector) = (Case::default().key(), unit(&mut rng(2)));
        let bytes = item(1).to_bytes(&partition, &vector);
        let check = |bytes: &[u8]| {
            assert_eq!(Item::of_bytes(&partition, &Bytes::copy_from_slice(bytes)), None, "{}", bytes.len());
        };
        check(b"");
        check(b"{}\n");
        for kept in [10, bytes.len() - 4, bytes.len() - 1] {
            check(&bytes[..kept]);
        }
        check(&[&bytes[..], &[0; 4]].concat());
    }
}
