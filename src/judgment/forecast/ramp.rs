//! What a ramp step can find: under a split, sticky keys are the evidence.

use super::{BaseHarm, Spread, Test, bodies};
use crate::domain::{LatencyLimit, MetricKind, MetricName, Share};
use crate::evidence::{Aspect, EvidenceError};
use crate::judgment::{MetricPolicy, Policy};
use crate::stats::{BetGrid, RampSplit, Side, StatsError, WalletPairs, limit_users, ramp_keys};

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

/// What the absolute limit of one latency needs, in users of the candidate at their own load.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitForecast {
    /// The test, the metric's name with a suffix.
    pub name: MetricName,
    /// The limit.
    pub limit: LatencyLimit,
    /// Users until it is proven to be kept, where half as many are over it as may be; `None`: it is not expected to.
    pub pass: Option<WalletPairs>,
    /// Users until it is proven to be broken, where five points more are over it than may be.
    pub find: Option<WalletPairs>,
}

/// What each absolute limit of `policy` needs.
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn forecast_limits(policy: &Policy) -> Result<Vec<LimitForecast>, EvidenceError> {
    let mut all = Vec::new();
    for test in super::tests(policy, Spread::assumed)? {
        let Aspect::Limit(limit) = test.aspect else { continue };
        let allowed = limit.share_over();
        let users = |over: f64, side| -> Result<Option<WalletPairs>, StatsError> {
            let (null, threshold) = test.against(side);
            limit_users(over, limit_grid(&test, side), side, null, threshold)
        };
        let (pass, find) = (users(0.5 * allowed, Side::Promote)?, users(allowed + EFFECT, Side::Abort)?);
        all.push(LimitForecast { name: test.name, limit, pass, find });
    }
    Ok(all)
}

/// The bets of a limit: see [`crate::evidence::Strand`].
const fn limit_grid(test: &Test<'_>, side: Side) -> BetGrid {
    match side {
        Side::Promote => test.spec.grid(),
        Side::Abort => BetGrid::Quadratic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Tail;

    #[test]
    fn a_limit_is_proven_sooner_the_more_it_allows_and_only_where_there_is_one() {
        let mut policy = Policy::default_live();
        assert!(forecast_limits(&policy).unwrap().is_empty());
        let limit = |tail| LatencyLimit { tail, ms: 800.0 };
        policy.metrics.iter_mut().for_each(|rule| match rule.name.as_str() {
            "ttft_ms" => rule.max = Some(limit(Tail::P99)),
            "tpot_ms" => rule.max = Some(limit(Tail::P95)),
            _ => {}
        });
        let told = forecast_limits(&policy).unwrap();
        let names: Vec<_> = told.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["ttft_ms:limit", "tpot_ms:limit"]);
        let medians = |of: fn(&LimitForecast) -> Option<WalletPairs>| {
            told.iter().map(|one| of(one).unwrap().median).collect::<Vec<_>>()
        };
        let (pass, find) = (medians(|one| one.pass), medians(|one| one.find));
        assert!((450.0..5_000.0).contains(&pass[0]) && pass[1] < pass[0] / 2.0, "{pass:?}");
        assert!((20.0..1_000.0).contains(&find[0]) && find[0] < find[1], "{find:?}");
    }

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
