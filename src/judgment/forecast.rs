//! What a policy can find, and how many pairs that takes: told before any token is spent.

use std::f64::consts::LN_2;

use super::budget::Family;
use super::{MetricPolicy, Policy};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Collector, EvidenceError, MetricSpec, Snapshot};
use crate::stats::{OutcomeChance, Side, StatsError, WalletPairs, wallet_pairs};

/// Weight of the wallet that is open from the first pair: a fault that is there from the start is found by it.
const FIRST_WALLET: f64 = 0.75;

/// Points of a normal distribution, and how many deviations they reach to either side.
const GRID_POINTS: i32 = 80;
const GRID_REACH: f64 = 4.0;

/// Regressions that are looked for, in points of harm.
const POINTS: [f64; 4] = [0.01, 0.02, 0.05, 0.10];

/// Regressions that are looked for, as relative changes of a ratio.
const CHANGES: [f64; 4] = [0.10, 0.20, 0.50, 1.00];

/// How the pairs of one metric spread while the candidate is no worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Share of the pairs in which the arms differ by a whole point: answers that are right or wrong.
    Discordance(f64),
    /// Standard deviation of ln(candidate/baseline): ratio kinds.
    LogNoise(f64),
}

/// What one metric needs.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricForecast {
    /// The metric.
    pub name: MetricName,
    /// Its kind.
    pub kind: MetricKind,
    /// Whether it must pass.
    pub required: bool,
    /// Its margin.
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

impl Spread {
    /// What is assumed of a metric that nothing was seen of: one answer in a hundred fails on either arm alone,
    /// one in twenty is graded otherwise, three in ten are worded otherwise, and times vary by a third.
    #[must_use]
    pub fn assumed(rule: &MetricPolicy) -> Self {
        match rule.kind {
            MetricKind::Event | MetricKind::Harm => Self::Discordance(0.01),
            MetricKind::Score => Self::Discordance(0.05),
            MetricKind::Disagreement => Self::Discordance(0.42),
            MetricKind::Latency | MetricKind::Length => Self::LogNoise(0.35),
        }
    }

    /// What earlier evidence says; `None` where it is silent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
    pub fn learned(rule: &MetricPolicy, snapshot: &Snapshot) -> Option<Self> {
        let metric = snapshot.metric(&rule.name).filter(|metric| metric.pairs() > 0)?;
        if rule.kind.is_ratio() {
            let deviation = metric.strands().first()?.history().deviation()?;
            return Some(Self::LogNoise(deviation * LN_2));
        }
        let (better, worse) = metric.flips();
        Some(Self::Discordance((better + worse) as f64 / metric.pairs() as f64))
    }

    /// The differences of pairs whose candidate is worse by `effect`.
    fn outcomes(self, spec: &MetricSpec, effect: f64) -> Vec<OutcomeChance> {
        match self {
            Self::Discordance(share) => {
                let half = (share / 2.0).min((1.0 - effect.max(0.0)) / 2.0);
                let chances = [(1.0, half + effect), (-1.0, half), (0.0, 1.0 - 2.0 * half - effect)];
                chances.map(|(d, chance)| OutcomeChance { d, chance: chance.max(0.0) }).into()
            }
            Self::LogNoise(deviation) => {
                // A latency's margin is taken off inside d; a length's is its null mean.
                let margin = if spec.kind == MetricKind::Latency { spec.margin.ln_1p() } else { 0.0 };
                normal(effect.ln_1p() - margin, deviation)
            }
        }
    }
}

/// A normal distribution on a grid, clipped as differences are.
fn normal(mean: f64, deviation: f64) -> Vec<OutcomeChance> {
    let at = |step: i32| GRID_REACH * f64::from(2 * step - GRID_POINTS) / f64::from(GRID_POINTS);
    let weights: Vec<_> = (0..=GRID_POINTS).map(|step| (at(step), (-0.5 * at(step).powi(2)).exp())).collect();
    let whole: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let outcome = |(z, weight): (f64, f64)| OutcomeChance {
        d: ((mean + deviation * z) / LN_2).clamp(-1.0, 1.0),
        chance: weight / whole,
    };
    weights.into_iter().map(outcome).collect()
}

/// What every metric of `policy` needs, in its order, when its pairs spread as `spread` says. The body of a metric
/// is forecast; its tails are guards and come on top.
///
/// # Errors
/// When a margin leaves no room for a test.
pub fn forecast(
    policy: &Policy,
    spread: impl Fn(&MetricPolicy) -> Spread,
) -> Result<Vec<MetricForecast>, EvidenceError> {
    tests(policy, spread)?.iter().map(|test| Ok(test.forecast()?)).collect()
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
    tests(policy, spread)?.iter().map(|test| Ok(test.least_found(pairs)?)).collect()
}

/// Halvings of an interval of effects: they are told apart to a millionth.
const HALVINGS: usize = 20;

/// The test of one metric's body.
struct Test<'p> {
    rule: &'p MetricPolicy,
    spec: MetricSpec,
    spread: Spread,
    promote_threshold: f64,
    abort_threshold: f64,
}

fn tests(policy: &Policy, spread: impl Fn(&MetricPolicy) -> Spread) -> Result<Vec<Test<'_>>, EvidenceError> {
    let specs = policy.specs();
    let collector = Collector::new(&specs)?;
    let family = Family::weigh(collector.snapshot(), policy);
    let body = |at: usize| family.stakes.iter().find(|stake| stake.metric == at && stake.strand == 0);
    let promote_threshold = -policy.promote_alpha.ln();
    let rules = policy.metrics.iter().zip(specs).enumerate();
    let test = rules.filter_map(|(at, (rule, spec))| {
        let abort_threshold = family.threshold - body(at)?.weight.ln() - FIRST_WALLET.ln();
        Some(Test { rule, spec, spread: spread(rule), promote_threshold, abort_threshold })
    });
    Ok(test.collect())
}

impl Test<'_> {
    fn pairs(&self, effect: f64, side: Side) -> Result<Option<WalletPairs>, StatsError> {
        let (promote, abort) = self.spec.null_means(self.spec.aspects()[0]);
        let (null, threshold) = match side {
            Side::Promote => (promote, self.promote_threshold),
            Side::Abort => (abort, self.abort_threshold),
        };
        wallet_pairs(&self.spread.outcomes(&self.spec, effect), self.spec.grid(), side, null, threshold)
    }

    fn forecast(&self) -> Result<MetricForecast, StatsError> {
        let effects = if self.spec.kind.is_ratio() { CHANGES } else { POINTS };
        let find = effects.map(|effect| Ok(Finding { effect, pairs: self.pairs(effect, Side::Abort)? }));
        Ok(MetricForecast {
            name: self.rule.name.clone(),
            kind: self.rule.kind,
            required: self.rule.required,
            margin: self.rule.margin,
            spread: self.spread,
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
