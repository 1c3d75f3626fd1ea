//! What a policy can find, and how many pairs that takes: told before any token is spent.

mod ramp;
mod spread;

pub use ramp::{LimitForecast, RampForecast, forecast_limits, forecast_ramp};
pub use spread::{BaseHarm, Learned, Spread};

use super::budget::Family;
use super::{MetricPolicy, Policy};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Aspect, Collector, EvidenceError, MetricSpec};
use crate::stats::{Side, StatsError, WalletPairs, wallet_pairs};

/// Weight of the wallet that is open from the first pair: a fault that is there from the start is found by it.
const FIRST_WALLET: f64 = 0.75;

/// Regressions that are looked for, in points of harm.
const POINTS: [f64; 4] = [0.01, 0.02, 0.05, 0.10];

/// Regressions that are looked for, as relative changes of a ratio.
const CHANGES: [f64; 4] = [0.10, 0.20, 0.50, 1.00];

/// What one metric needs.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricForecast {
    /// The metric; of a tail with the test's own suffix behind a colon.
    pub name: MetricName,
    /// Its kind; of a tail `event`, for it counts answers.
    pub kind: MetricKind,
    /// Whether it must pass.
    pub required: bool,
    /// The margin of the test.
    pub margin: f64,
    /// What was assumed of its pairs.
    pub spread: Spread,
    /// Pairs until an identical candidate passes; `None`: it is not expected to.
    pub pass: Option<WalletPairs>,
    /// Pairs until a regression is proven.
    pub find: Vec<Finding>,
}

/// How soon one regression is proven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The regression: points of harm, or a relative change for ratio kinds.
    pub effect: f64,
    /// Pairs until it is proven; `None`: never, because it lies within the margin.
    pub pairs: Option<WalletPairs>,
}

/// What every metric of `policy` needs, in its order, when its pairs spread as `spread` says: its body. Tails are guards:
/// see [`forecast_tails`].
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn forecast(
    policy: &Policy,
    spread: impl Fn(&MetricPolicy) -> Spread,
) -> Result<Vec<MetricForecast>, EvidenceError> {
    bodies(policy, spread)?.iter().map(|test| Ok(test.forecast()?)).collect()
}

/// The same of what guards the latencies beside their bodies: answers beyond the baseline's own p99 (or p95), and answers
/// three times as slow. The arms are taken to cross the quantile independently of each other, each as often as it says;
/// times, to vary as `spread` says.
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn forecast_tails(
    policy: &Policy,
    spread: impl Fn(&MetricPolicy) -> Spread,
) -> Result<Vec<MetricForecast>, EvidenceError> {
    let is_tail = |test: &&Test<'_>| matches!(test.aspect, Aspect::Beyond(_) | Aspect::Threefold);
    tests(policy, spread)?.iter().filter(is_tail).map(|test| Ok(test.forecast()?)).collect()
}

/// The smallest regression of each metric of `policy`, in its order, that is proven within so many `pairs` in nine of ten
/// runs: points of harm, or a relative change for ratio kinds. `None`: none is, however large.
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn least_found(
    policy: &Policy,
    spread: impl Fn(&MetricPolicy) -> Spread,
    pairs: f64,
) -> Result<Vec<Option<f64>>, EvidenceError> {
    bodies(policy, spread)?.iter().map(|test| Ok(test.least_found(pairs)?)).collect()
}

/// Halvings of an interval of effects: they are told apart to a millionth.
const HALVINGS: usize = 20;

/// Whether it is the first test of a metric, which stands for it.
const fn is_body(aspect: Aspect) -> bool {
    matches!(aspect, Aspect::Body | Aspect::Longer)
}

/// One test of a metric.
struct Test<'p> {
    rule: &'p MetricPolicy,
    spec: MetricSpec,
    name: MetricName,
    aspect: Aspect,
    spread: Spread,
    promote_threshold: f64,
    abort_threshold: f64,
}

fn bodies(policy: &Policy, spread: impl Fn(&MetricPolicy) -> Spread) -> Result<Vec<Test<'_>>, EvidenceError> {
    let mut tests = tests(policy, spread)?;
    tests.retain(|test| test.is_body());
    Ok(tests)
}

/// Every test, in the order of the policy and of each metric.
fn tests(policy: &Policy, spread: impl Fn(&MetricPolicy) -> Spread) -> Result<Vec<Test<'_>>, EvidenceError> {
    let specs = policy.specs();
    let collector = Collector::new(&specs)?;
    let metrics = collector.snapshot().metrics();
    let family = Family::weigh(collector.snapshot(), policy);
    let promote_threshold = -policy.promote_alpha.ln();
    let test = |stake: &super::budget::Stake| {
        let (rule, strand) = (&policy.metrics[stake.metric], &metrics[stake.metric].strands()[stake.strand]);
        let (aspect, spec) = (strand.aspect(), specs[stake.metric].clone());
        Test {
            rule,
            spec,
            name: if is_body(aspect) { rule.name.clone() } else { strand.name().clone() },
            aspect,
            spread: spread(rule),
            promote_threshold,
            abort_threshold: family.threshold - stake.weight.ln() - FIRST_WALLET.ln(),
        }
    };
    Ok(family.stakes.iter().map(test).collect())
}

impl Test<'_> {
    const fn is_body(&self) -> bool {
        is_body(self.aspect)
    }

    /// What one side is held against: null mean and threshold.
    fn against(&self, side: Side) -> (f64, f64) {
        let (promote, abort) = self.spec.null_means(self.aspect);
        match side {
            Side::Promote => (promote, self.promote_threshold),
            Side::Abort => (abort, self.abort_threshold),
        }
    }

    fn pairs(&self, effect: f64, side: Side) -> Result<Option<WalletPairs>, StatsError> {
        let (null, threshold) = self.against(side);
        let outcomes = self.spread.outcomes(&self.spec, self.aspect, effect);
        wallet_pairs(&outcomes, self.spec.grid(), side, null, threshold)
    }

    fn forecast(&self) -> Result<MetricForecast, StatsError> {
        let ratio = self.is_body() && self.spec.kind.is_ratio();
        let effects = if ratio { CHANGES } else { POINTS };
        let find = effects.map(|effect| Ok(Finding { effect, pairs: self.pairs(effect, Side::Abort)? }));
        Ok(MetricForecast {
            name: self.name.clone(),
            kind: if self.is_body() { self.rule.kind } else { MetricKind::Event },
            required: self.rule.required && self.is_body(),
            margin: self.spec.shown_margin(self.aspect),
            spread: self.spread.of_test(self.aspect),
            pass: self.pairs(0.0, Side::Promote)?,
            find: find.into_iter().collect::<Result<_, _>>()?,
        })
    }

    /// More is found sooner, so that the smallest can be bracketed.
    fn least_found(&self, pairs: f64) -> Result<Option<f64>, StatsError> {
        let is_found =
            |effect| Ok(self.pairs(effect, Side::Abort)?.is_some_and(|needed| needed.p90 <= pairs));
        let (mut low, mut high) = (self.rule.margin, 1.0);
        if !is_found(high)? {
            return Ok(None);
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if is_found(middle)? { high = middle } else { low = middle }
        }
        Ok(Some(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, spread: Spread) -> MetricForecast {
        let all = forecast(&Policy::default_live(), |_| spread).unwrap();
        all.into_iter().find(|one| one.name.as_str() == name).unwrap()
    }

    #[test]
    fn an_identical_release_needs_what_the_design_point_says() {
        let error = of("error", Spread::Discordance(0.0));
        assert!((445.0..455.0).contains(&error.pass.unwrap().median), "{error:?}");
        let pairs: Vec<_> =
            error.find.iter().map(|finding| finding.pairs.map(|pairs| pairs.median)).collect();
        assert_eq!(pairs[0], None, "a loss of the margin itself is never proven");
        assert!(pairs.windows(2).all(|two| two[0].is_none() || two[0] > two[1]), "{pairs:?}");
        assert!((100.0..400.0).contains(&pairs[2].unwrap()), "five points: {pairs:?}");
    }

    #[test]
    fn a_metric_of_two_sides_is_forecast_once_and_by_its_own_name() {
        let all = forecast(&Policy::default_live(), Spread::assumed).unwrap();
        let names: Vec<_> = all.iter().map(|one| one.name.clone()).collect();
        let rules: Vec<_> = Policy::default_live().metrics.into_iter().map(|rule| rule.name).collect();
        assert_eq!(names, rules);
    }

    #[test]
    fn the_least_that_is_found_is_found_in_time_and_less_is_not() {
        let (policy, spread) = (Policy::default_live(), |_: &MetricPolicy| Spread::Discordance(0.05));
        let least = |pairs| least_found(&policy, spread, pairs).unwrap()[0];
        let found = least(1_000.0).unwrap();
        assert!(found > policy.metrics[0].margin && found < 0.2, "{found}");
        assert!(least(4_000.0).unwrap() < found && least(3.0).is_none());
        let test = &tests(&policy, spread).unwrap()[0];
        let p90 = |effect| test.pairs(effect, Side::Abort).unwrap().unwrap().p90;
        assert!(p90(found) <= 1_000.0 && p90(found - 1e-3) > 1_000.0, "{}", p90(found));
    }

    #[test]
    fn a_tail_that_grows_is_found_about_as_soon_as_simulation_says() {
        let mut policy = Policy::default_live();
        policy.metrics.retain(|rule| rule.name.as_str() == "ttft_ms");
        let tails = forecast_tails(&policy, |_| Spread::LogNoise(0.21)).unwrap();
        let names: Vec<_> = tails.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["ttft_ms:p99", "ttft_ms:threefold"]);
        assert!(tails.iter().all(|one| !one.required && one.kind == MetricKind::Event));
        // Three in a hundred ten times slower: the p99 test finds it in 890 to 1,870 pairs, the ratio test in 380 to 820.
        let tests = tests(&policy, |_| Spread::LogNoise(0.21)).unwrap();
        let found = |at: usize| tests[at].pairs(0.03, Side::Abort).unwrap().unwrap().median;
        assert!((600.0..1_870.0).contains(&found(1)), "{}", found(1));
        assert!((300.0..820.0).contains(&found(2)), "{}", found(2));
    }

    #[test]
    fn more_noise_never_needs_fewer_pairs() {
        for name in ["error", "disagreement"] {
            let pass =
                |share| of(name, Spread::Discordance(share)).pass.map_or(f64::INFINITY, |pairs| pairs.p90);
            assert!(pass(0.0) < pass(0.02) && pass(0.02) < pass(0.3), "{name}");
        }
        let quiet = of("ttft_ms", Spread::LogNoise(0.21));
        assert!((80.0..150.0).contains(&quiet.pass.unwrap().median), "113 by simulation: {quiet:?}");
        assert!(of("ttft_ms", Spread::LogNoise(0.49)).pass.unwrap().median > 500.0);
    }
}
