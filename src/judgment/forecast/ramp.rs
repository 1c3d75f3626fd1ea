//! What a ramp step can find: under a split, sticky keys are the evidence.

use super::{BaseHarm, Spread, bodies};
use crate::domain::{MetricKind, MetricName, Share};
use crate::evidence::EvidenceError;
use crate::judgment::{MetricPolicy, Policy};
use crate::stats::{RampSplit, Side, StatsError, WalletPairs, ramp_keys};

/// The regression that is looked for, in points of harm.
const EFFECT: f64 = 0.05;

/// What one metric needs at one share, by keys alone: the mirrored pairs that came before count too, and shorten it.
#[derive(Clone, Debug, PartialEq)]
pub struct RampForecast {
    /// The candidate's share of clients.
    pub share: Share,
    /// The metric.
    pub name: MetricName,
    /// What was assumed of the baseline.
    pub base: BaseHarm,
    /// Keys until an identical candidate passes; `None`: it is not expected to.
    pub pass: Option<WalletPairs>,
    /// Keys until five points more harm are proven.
    pub find: Option<WalletPairs>,
}

/// What the required events of `policy` need at each of `shares` between nothing and everything, when the baseline harms as
/// often as `base` says.
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn forecast_ramp(
    policy: &Policy,
    shares: &[Share],
    base: impl Fn(&MetricPolicy) -> BaseHarm,
) -> Result<Vec<RampForecast>, EvidenceError> {
    let tests = bodies(policy, Spread::assumed)?;
    let events = tests.iter().filter(|test| test.rule.required && test.rule.kind == MetricKind::Event);
    let split = |share: &&Share| **share > Share::ZERO && **share < Share::FULL;
    let mut all = Vec::new();
    for test in events {
        let base = base(test.rule);
        for share in shares.iter().filter(split) {
            let keys = |effect: f64, side| -> Result<Option<WalletPairs>, StatsError> {
                let (null, threshold) = test.against(side);
                let split = RampSplit {
                    share: share.fraction(),
                    baseline: base.0,
                    candidate: (base.0 + effect).min(1.0),
                };
                ramp_keys(split, test.spec.grid(), side, null, threshold)
            };
            let (pass, find) = (keys(0.0, Side::Promote)?, keys(EFFECT, Side::Abort)?);
            all.push(RampForecast { share: *share, name: test.name.clone(), base, pass, find });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_needs_the_keys_that_simulation_says() {
        let mut policy = Policy::default_live();
        policy.metrics.retain(|rule| rule.name.as_str() == "error");
        let shares = [0, 10_000, 250_000, 500_000, 750_000, 1_000_000].map(Share::from_ppm);
        let told = forecast_ramp(&policy, &shares, |_| BaseHarm(0.01)).unwrap();
        // Simulated medians: an identical candidate passes, five points are found.
        let simulated = [(92_626.0, 24_874.0), (4_487.0, 964.0), (2_564.0, 702.0), (2_404.0, 1_036.0)];
        assert_eq!(told.len(), simulated.len(), "nothing and everything are no split");
        for (one, (pass, find)) in told.iter().zip(simulated) {
            let (told_pass, told_find) = (one.pass.unwrap().median, one.find.unwrap().median);
            assert!((0.95..1.3).contains(&(told_pass / pass)), "{}: {told_pass} for {pass}", one.share);
            assert!((0.95..1.3).contains(&(told_find / find)), "{}: {told_find} for {find}", one.share);
        }
    }
}
