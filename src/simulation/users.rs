//! Sticky users: few of them make most of the requests, and each fares in a way of its own.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Pareto};

/// Users with requests to make at one time.
const ACTIVE: usize = 16;

/// Tail index of the requests a user makes: the variance is infinite.
const REQUESTS_TAIL: f64 = 1.1;
const REQUESTS_MAX: f64 = 1_000.0;

/// One user in fifty has prompts that fail every other time; the others' do not.
const UNLUCKY_SHARE: f64 = 0.02;
const UNLUCKY_CHANCE: f64 = 0.5;

/// A user who has requests left.
#[derive(Clone, Copy, Debug)]
struct User {
    key: u64,
    left: u32,
    failing: f64,
}

/// Who asks next.
#[derive(Debug)]
pub(super) struct Users {
    active: Vec<User>,
    known: u64,
}

impl Users {
    pub(super) fn new(rng: &mut impl Rng) -> Self {
        let mut users = Self { active: Vec::with_capacity(ACTIVE), known: 0 };
        for _ in 0..ACTIVE {
            let user = users.newcomer(rng);
            users.active.push(user);
        }
        users
    }

    /// The user of the next request, as its number, and the chance that it fails on the baseline.
    pub(super) fn next(&mut self, rng: &mut impl Rng) -> (u64, f64) {
        let at = rng.random_range(0..self.active.len());
        let user = self.active[at];
        if user.left > 1 {
            self.active[at].left -= 1;
        } else {
            self.active[at] = self.newcomer(rng);
        }
        (user.key, user.failing)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1,000")]
    fn newcomer(&mut self, rng: &mut impl Rng) -> User {
        self.known += 1;
        // Both parameters are constants above 0; one request would be as valid.
        let requests = Pareto::new(1.0, REQUESTS_TAIL).map_or(1.0, |pareto| pareto.sample(rng));
        let failing = if rng.random::<f64>() < UNLUCKY_SHARE { UNLUCKY_CHANCE } else { 0.0 };
        User { key: self.known, left: requests.min(REQUESTS_MAX) as u32, failing }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_few_users_make_most_of_the_requests() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut users = Users::new(&mut rng);
        let mut requests = BTreeMap::new();
        (0..20_000).for_each(|_| *requests.entry(users.next(&mut rng).0).or_insert(0_u32) += 1);
        let mut counts: Vec<_> = requests.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let tenth: u32 = counts[..counts.len() / 10].iter().sum();
        assert!(tenth > 10_000, "{tenth} of 20,000 requests by a tenth of {} users", counts.len());
    }
}
