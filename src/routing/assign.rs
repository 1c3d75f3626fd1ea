//! Sticky, monotone assignment and mirror selection by keyed hash.

use super::TrafficSplit;
use crate::domain::{Arm, RequestId, Share};

/// Keys every hash of one rollout, so that the same users are not always first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl Salt {
    /// The salt of one rollout, derived from its name.
    #[must_use]
    pub fn derive(name: &str) -> Self {
        Self(blake3::derive_key("goldgate 2026 routing salt", name.as_bytes()))
    }

    fn hash(self, domain: &[u8], key: &[u8]) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(domain).update(key);
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

/// What keeps one conversation on one arm: a session header, a user, a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StickyKey(pub Vec<u8>);

impl StickyKey {
    /// A 64-bit name of the key that can be stored where the key itself must not be.
    #[must_use]
    pub fn digest(&self, salt: Salt) -> u64 {
        salt.hash(b"sticky-name:", &self.0)
    }
}

/// The arm of a key. Monotone in the share: raising it moves keys only to the candidate.
#[must_use]
pub fn assign(key: &StickyKey, split: TrafficSplit, salt: Salt) -> Arm {
    if split.candidate().contains(salt.hash(b"arm:", &key.0)) { Arm::Candidate } else { Arm::Baseline }
}

/// Whether a request is copied. `stream` names the purpose ("mirror", "null"), so that two
/// selections are independent. Equal on all replicas, and independent of the request's content.
#[must_use]
pub fn mirror_selected(request: &RequestId, stream: &str, share: Share, salt: Salt) -> bool {
    let mut key = Vec::with_capacity(stream.len() + 1 + request.as_str().len());
    key.extend_from_slice(stream.as_bytes());
    key.push(0);
    key.extend_from_slice(request.as_str().as_bytes());
    share.contains(salt.hash(b"mirror:", &key))
}
