//! Whose pairs they are: one tenant's traffic may not decide for all.

use std::collections::HashMap;

/// Pairs before a share of them means anything.
const PAIRS_FREE: u64 = 100;

/// Tenants that are counted. One that comes later has made almost nothing, and is not capped.
const TENANTS_MAX: usize = 100_000;

/// Pairs by tenant.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    pairs: u64,
    of: HashMap<u64, u64>,
}

impl Tenants {
    /// Counts one more pair of `tenant`, unless that would be more than `max` of all. Decided by what came before, and
    /// not by how the pair turned out.
    pub(super) fn admit(&mut self, tenant: u64, max: f64) -> bool {
        let known = self.of.get(&tenant).copied();
        let may = self.pairs < PAIRS_FREE || share(known.unwrap_or(0) + 1, self.pairs + 1) <= max;
        if may {
            self.pairs += 1;
            if known.is_some() || self.of.len() < TENANTS_MAX {
                *self.of.entry(tenant).or_default() += 1;
            }
        }
        may
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
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
}
