//! Ids seen lately: a request counts once, however often its id comes back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::mem;
use std::sync::LazyLock;

/// Ids remembered at least; never twice as many. At 1,000 pairs a minute that is two hours: retries come back
/// far sooner. So many fill a table of 2¹⁷ places to the seven eighths that it takes: two of them are 6 MiB.
const REMEMBERED_MIN: usize = 7 << 14;

/// A bounded memory of ids and where each came first: the latest ones, and as many before them. When there are enough
/// of the latest they become the earlier ones, whose room is used again; none is taken out by itself.
#[derive(Clone, Debug, Default)]
pub struct RecentIds {
    latest: Places,
    earlier: Places,
}

type Places = HashMap<IdDigest, u64, BuildHasherDefault<AsItIs>>;

/// An id by two SipHashes, under keys that this process drew and no client knows: no client can make two ids meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdDigest([u64; 2]);

/// The keys; nothing that is told or kept depends on them.
static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);

/// A digest is as good a hash as any: its first eight bytes.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl IdDigest {
    /// The digest of `id`.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self(KEYS.each_ref().map(|key| key.hash_one(id)))
    }
}

impl Hash for IdDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

impl RecentIds {
    /// Where the id came first, if it was seen lately.
    #[must_use]
    pub fn first(&self, id: IdDigest) -> Option<u64> {
        self.latest.get(&id).or_else(|| self.earlier.get(&id)).copied()
    }

    /// Remembers that the id came at `place`.
    ///
    /// # Errors
    /// Where it came first, if it was seen lately.
    pub fn claim(&mut self, id: IdDigest, place: u64) -> Result<(), u64> {
        if let Some(first) = self.earlier.get(&id) {
            return Err(*first);
        }
        match self.latest.entry(id) {
            Entry::Occupied(first) => return Err(*first.get()),
            Entry::Vacant(new) => new.insert(place),
        };
        if self.latest.len() >= REMEMBERED_MIN {
            mem::swap(&mut self.latest, &mut self.earlier);
            self.latest.clear();
        }
        Ok(())
    }
}

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().take(8).rfold(0, |hash, &byte| hash << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
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
        assert!(recent.latest.len() + recent.earlier.len() < 2 * REMEMBERED_MIN);
    }
}
