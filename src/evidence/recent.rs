//! Ids seen lately: a request counts once, however often its id comes back.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// Ids remembered. At 1,000 pairs a minute that is two hours: retries come back far sooner. Beyond it the
/// oldest is forgotten, at 64 bytes an id.
const REMEMBERED_MAX: usize = 131_072;

/// A bounded memory of ids and where each came first.
#[derive(Clone, Debug, Default)]
pub struct RecentIds {
    places: HashMap<IdDigest, u64, BuildHasherDefault<AsItIs>>,
    order: VecDeque<IdDigest>,
}

/// An id by 128 bits of its BLAKE3, so that no client can make two of them meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdDigest(u128);

/// A digest is as good a hash as any: its first eight bytes.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl IdDigest {
    /// The digest of `id`.
    #[must_use]
    pub fn of(id: &str) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
        Self(u128::from_le_bytes(first))
    }
}

impl RecentIds {
    /// Where the id came first, if it was seen lately.
    #[must_use]
    pub fn first(&self, id: IdDigest) -> Option<u64> {
        self.places.get(&id).copied()
    }

    /// Remembers that the id came at `place`, unless it was seen lately.
    pub fn remember(&mut self, id: IdDigest, place: u64) {
        if self.places.contains_key(&id) {
            return;
        }
        self.places.insert(id, place);
        self.order.push_back(id);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
    }
}

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().take(8).rfold(0, |hash, &byte| hash << 8 | u64::from(byte));
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half")]
    fn write_u128(&mut self, digest: u128) {
        self.0 = digest as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_until_it_is_the_oldest_of_too_many() {
        let mut recent = RecentIds::default();
        let id = |n: u64| IdDigest::of(&n.to_string());
        recent.remember(id(0), 7);
        recent.remember(id(0), 8);
        assert_eq!(recent.first(id(0)), Some(7));
        (1..=REMEMBERED_MAX as u64).for_each(|n| recent.remember(id(n), n));
        assert_eq!((recent.first(id(0)), recent.first(id(1))), (None, Some(1)));
        assert_eq!((recent.places.len(), recent.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
    }
}
