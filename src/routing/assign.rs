//! Sticky, monotone assignment and mirror selection by keyed hash.

use super::TrafficSplit;
use crate::domain::{Arm, RequestId, Share};

/// Keys every hash of one rollout, so that the same users are not always first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl Salt {
    /// The salt of one rollout, derived from its name: every rollout draws its users anew, and so does a retry of the same
    /// release. The judge's bounds are about chance that nobody has seen yet. Were a retry to give the candidate the users
    /// that it had before, what sets them apart (long prompts, slow lines) would come with them once more, and a retry that
    /// was made because of that chance would be judged by it again.
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

/// Whether a key's requests go past the response cache while releases are compared. Independent of its arm, so that the
/// cohort is the same share of both.
#[must_use]
pub fn cache_blind(key: &StickyKey, share: Share, salt: Salt) -> bool {
    share.contains(salt.hash(b"cache-blind:", &key.0))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: u32 = 1_000_000;

    /// Asserts that a count of binomial successes lies within five standard deviations.
    fn check(what: &str, seen: u32, trials: u32, share: Share) {
        let (n, p) = (f64::from(trials), share.fraction());
        let noise = 5.0 * (n * p * (1.0 - p)).sqrt();
        assert!(
            (f64::from(seen) - n * p).abs() <= noise,
            "{what}: {seen} of {trials} at {share}, ±{noise:.0}"
        );
    }

    fn key(n: u32) -> StickyKey {
        StickyKey(format!("session-{n}").into_bytes())
    }

    #[test]
    fn a_million_keys_realise_the_share_within_binomial_noise() {
        let salt = Salt::derive("chat-v2");
        let hashes: Vec<u64> = (0..KEYS).map(|n| salt.hash(b"arm:", &key(n).0)).collect();
        for ppm in [100, 10_000, 250_000, 750_000, 999_900] {
            let share = Share::from_ppm(ppm);
            let seen = hashes.iter().filter(|&&hash| share.contains(hash)).count();
            check("arms", u32::try_from(seen).unwrap(), KEYS, share);
        }
    }

    #[test]
    fn the_cohort_without_a_cache_is_the_same_share_of_both_arms() {
        let (salt, share) = (Salt::derive("chat-v2"), Share::from_ppm(10_000));
        let split = TrafficSplit::new(Share::from_ppm(250_000));
        let (mut arms, mut blind) = ([0_u32; 2], [0_u32; 2]);
        for key in (0..KEYS).map(key) {
            let arm = usize::from(assign(&key, split, salt) == Arm::Candidate);
            arms[arm] += 1;
            blind[arm] += u32::from(cache_blind(&key, share, salt));
        }
        for arm in 0..2 {
            check("the cohort", blind[arm], arms[arm], share);
        }
    }

    #[test]
    fn a_request_is_mirrored_regardless_of_its_arm_and_of_the_null_selection() {
        let (salt, half, tenth) =
            (Salt::derive("chat-v2"), Share::from_ppm(500_000), Share::from_ppm(100_000));
        let split = TrafficSplit::new(half);
        // The same text is key and request id: only the domain of the hash keeps them apart.
        let mut seen = [[0_u32; 2]; 2];
        let mut arms = [0_u32; 2];
        for n in 0..200_000 {
            let arm = usize::from(assign(&key(n), split, salt) == Arm::Candidate);
            let request = RequestId::new(format!("session-{n}"));
            let mirrored = mirror_selected(&request, "mirror", tenth, salt);
            arms[arm] += 1;
            seen[arm][0] += u32::from(mirrored);
            seen[arm][1] += u32::from(mirrored && mirror_selected(&request, "null", half, salt));
        }
        for arm in 0..2 {
            check("mirrored", seen[arm][0], arms[arm], tenth);
            check("null copies", seen[arm][1], seen[arm][0], half);
        }
    }

    #[test]
    fn a_retry_draws_its_users_anew() {
        let split = TrafficSplit::new(Share::from_ppm(250_000));
        let (first, retry) = (Salt::derive("chat-v2-1"), Salt::derive("chat-v2-2"));
        let had_it = (0..KEYS).map(key).filter(|key| assign(key, split, first) == Arm::Candidate);
        let (mut before, mut again) = (0, 0);
        for key in had_it {
            before += 1;
            again += u32::from(assign(&key, split, retry) == Arm::Candidate);
        }
        check("those who had the candidate before", again, before, split.candidate());
    }

    proptest! {
        #[test]
        fn raising_a_share_moves_keys_only_to_the_candidate(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            name in "[a-z]{1,8}",
            (low, high) in (0_u32..=1_000_000).prop_flat_map(|low| (Just(low), low..=1_000_000)),
        ) {
            let (key, salt) = (StickyKey(bytes), Salt::derive(&name));
            let at = |ppm| assign(&key, TrafficSplit::new(Share::from_ppm(ppm)), salt);
            prop_assert_eq!(at(0), Arm::Baseline);
            prop_assert_eq!(at(1_000_000), Arm::Candidate);
            if at(low) == Arm::Candidate {
                prop_assert_eq!(at(high), Arm::Candidate);
            }
        }

        #[test]
        fn another_salt_is_another_order(key in "[a-z0-9]{8,16}") {
            let key = StickyKey(key.into_bytes());
            prop_assert_ne!(key.digest(Salt::derive("one")), key.digest(Salt::derive("two")));
        }
    }
}
