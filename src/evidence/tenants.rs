//! Whose pairs they are: one tenant's traffic may not decide for all.

use std::collections::HashMap;

/// Pairs before a share of them means anything.
const PAIRS_FREE: u64 = 100;

/// Tenants that are counted. One that comes later has made almost nothing, and is not capped.
const TENANTS_MAX: usize = 100_000;

/// Pairs, or users under a split, by tenant.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    /// What was made before a restart, by whom is not known any more.
    before: u64,
    pairs: u64,
    of: HashMap<u64, u64>,
}

impl Tenants {
    /// Counts that go on after a restart, when `before` pairs had been made. As those kept the cap, all of them keep it
    /// if those that follow do.
    pub(super) fn resumed(before: u64) -> Self {
        Self { before, ..Self::default() }
    }

    /// Counts one more pair of `tenant`, unless that would be more than `max` of all. Decided by what came before, and
    /// not by how the pair turned out.
    pub(super) fn admit(&mut self, tenant: u64, max: f64) -> bool {
        let known = self.of.get(&tenant).copied();
        let is_free = self.before + self.pairs < PAIRS_FREE;
        let may = is_free || within(known.unwrap_or(0) + 1, self.pairs + 1, max);
        if may {
            self.pairs += 1;
            if known.is_some() || self.of.len() < TENANTS_MAX {
                *self.of.entry(tenant).or_default() += 1;
            }
        }
        may
    }
}

/// Whether `part` is within its share of the `whole`, or beyond it by one at most: the first pair of a few is a large
/// share of them, whosever it is.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn within(part: u64, whole: u64, max: f64) -> bool {
    part as f64 <= max * whole as f64 + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_with_most_of_the_traffic_makes_no_more_than_its_share() {
        let mut tenants = Tenants::default();
        // Nine requests in ten are one tenant's; the rest are ten others'.
        let admitted = (0..20_000_u64).filter(|n| {
            let tenant = if n % 10 == 0 { 1 + n / 10 % 10 } else { 0 };
            tenants.admit(tenant, 0.25)
        });
        let all = admitted.count() as u64;
        assert!(tenants.of[&0] * 4 <= all + 4, "{} of {all}", tenants.of[&0]);
        assert!((1..=10).all(|tenant| tenants.of[&tenant] == 200), "nobody else is held back");
    }

    #[test]
    fn a_restart_gives_no_tenant_a_hundred_pairs_more() {
        let alone = |mut tenants: Tenants| (0..1_000).filter(|_| tenants.admit(7, 0.25)).count();
        assert_eq!(alone(Tenants::default()), 100);
        assert_eq!(alone(Tenants::resumed(40)), 60, "the rest of the first hundred");
        assert_eq!(alone(Tenants::resumed(5_000)), 1);
        let mut tenants = Tenants::resumed(5_000);
        let admitted = (0..4_000_u64).filter(|n| tenants.admit(n % 5, 0.25)).count();
        assert_eq!(admitted, 4_000, "five alike are within their caps");
    }
}
