//! Ids seen lately: a request counts once, however often its id comes back.

use std::collections::{HashSet, VecDeque};

/// Ids remembered. At 1,000 pairs a minute that is two hours: retries come back far sooner. Beyond it the
/// oldest is forgotten, at 48 bytes an id.
const REMEMBERED_MAX: usize = 131_072;

/// A bounded memory of ids, by digest: 128 bits of BLAKE3, so that no client can make two of them meet.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentIds {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl RecentIds {
    /// Whether `id` was seen lately.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.known.contains(&digest(id))
    }

    /// Remembers `id`; `false` when it was seen lately.
    pub(super) fn remember(&mut self, id: &str) -> bool {
        let digest = digest(id);
        if !self.known.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

fn digest(id: &str) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_until_it_is_the_oldest_of_too_many() {
        let mut recent = RecentIds::default();
        assert!(recent.remember("a") && !recent.remember("a") && recent.knows("a"));
        (0..REMEMBERED_MAX).for_each(|n| assert!(recent.remember(&n.to_string())));
        assert!(!recent.knows("a"));
        assert_eq!(recent.known.len(), REMEMBERED_MAX);
    }
}
