//! Ids seen lately: a request counts once, however often its id comes back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

/// Ids remembered at least; never twice as many. At 1,000 pairs a minute that is two hours: retries come back
/// far sooner. An id takes 50 bytes.
const REMEMBERED_MIN: usize = 131_072;

/// A bounded memory of ids and where each came first. Once there are enough of the latest, all before them are
/// forgotten together: looking an id up is one look into one table.
#[derive(Clone, Debug, Default)]
pub struct RecentIds {
    places: HashMap<IdDigest, u64, BuildHasherDefault<AsItIs>>,
    /// The ids that came since the last time that some were forgotten.
    latest: usize,
    /// Those at this place and before it are forgotten next.
    earlier: u64,
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

    /// Remembers that the id came at `place`, which rises from id to id.
    ///
    /// # Errors
    /// Where it came first, if it was seen lately.
    pub fn claim(&mut self, id: IdDigest, place: u64) -> Result<(), u64> {
        match self.places.entry(id) {
            Entry::Occupied(first) => return Err(*first.get()),
            Entry::Vacant(new) => new.insert(place),
        };
        self.latest += 1;
        if self.latest >= REMEMBERED_MIN {
            let earlier = self.earlier;
            self.places.retain(|_, first| *first > earlier);
            (self.latest, self.earlier) = (0, place);
        }
        Ok(())
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
    fn an_id_is_known_until_too_many_came_after_it() {
        let mut recent = RecentIds::default();
        let id = |n: u64| IdDigest::of(&n.to_string());
        let many = REMEMBERED_MIN as u64;
        assert_eq!((recent.claim(id(0), 1), recent.claim(id(0), 2)), (Ok(()), Err(1)));
        (1..=many).for_each(|n| recent.claim(id(n), n + 1).unwrap());
        assert_eq!(
            (recent.first(id(0)), recent.claim(id(1), many + 2)),
            (Some(1), Err(2)),
            "at least so many"
        );
        (1..=many).for_each(|n| recent.claim(id(n << 32), many + n + 2).unwrap());
        assert_eq!((recent.first(id(0)), recent.first(id(many))), (None, Some(many + 1)));
        assert!(recent.places.len() < 2 * REMEMBERED_MIN);
    }
}
