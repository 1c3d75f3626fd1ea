//! How pairs spread while the candidate is no worse: assumed, and learned from what earlier rollouts saw.

use std::f64::consts::LN_2;

use crate::domain::{Arm, MetricKind};
use crate::evidence::{Aspect, MetricSpec, Snapshot};
use crate::judgment::MetricPolicy;
use crate::stats::OutcomeChance;

/// Points of a normal distribution, and how many deviations they reach to either side.
const GRID_POINTS: i32 = 80;
const GRID_REACH: f64 = 4.0;

/// Pairs that an assumption counts for beside those that were seen: a handful of pairs hardly move it, and of thousands
/// nothing is left of it.
const ASSUMED_PAIRS: f64 = 100.0;

/// How the pairs of one metric spread while the candidate is no worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Share of the pairs in which the arms differ by a whole point: answers that are right or wrong.
    Discordance(f64),
    /// Standard deviation of ln(candidate/baseline): ratio kinds.
    LogNoise(f64),
}

/// Something that was assumed, corrected by what was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned<T> {
    /// What is to be expected.
    pub value: T,
    /// Pairs that were seen; 0: it is assumed.
    pub pairs: u64,
}

/// The share of the baseline's answers that are harmful by themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseHarm(pub f64);

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

    /// The assumption, corrected by the pairs of earlier rollouts, each a snapshot of its own: what differs between them,
    /// as a slower candidate does, is no noise of pairs.
    ///
    /// *Symbols.* With nᵢ pairs in rollout i and n₀ = 100 for the assumption: a share is (n₀ p₀ + Σ xᵢ)/(n₀ + Σ nᵢ), xᵢ the
    /// pairs that differ; a variance (n₀ σ₀² + Σ nᵢ sᵢ²)/(n₀ + Σ nᵢ).
    ///
    /// Source: the posterior means under a beta and a scaled inverse χ² prior that weigh n₀ pairs; Gelman et al. (2013),
    /// Bayesian Data Analysis, §2.4 and §2.6.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
    pub fn learned(rule: &MetricPolicy, rollouts: &[Snapshot]) -> Learned<Self> {
        let metrics = rollouts.iter().filter_map(|rollout| rollout.metric(&rule.name));
        let (mut pairs, mut sum) = (0, 0.0);
        for metric in metrics {
            let history = metric.strands().first().map(crate::evidence::Strand::history);
            let deviation = history.and_then(|history| history.deviation());
            let (better, worse) = metric.flips();
            let seen = match (rule.kind.is_ratio(), deviation) {
                (false, _) => (better + worse) as f64,
                (true, Some(deviation)) => metric.pairs() as f64 * (deviation * LN_2).powi(2),
                (true, None) => continue,
            };
            pairs += metric.pairs();
            sum += seen;
        }
        let corrected = |assumed: f64| (ASSUMED_PAIRS * assumed + sum) / (ASSUMED_PAIRS + pairs as f64);
        let value = match Self::assumed(rule) {
            Self::Discordance(share) => Self::Discordance(corrected(share)),
            Self::LogNoise(deviation) => Self::LogNoise(corrected(deviation * deviation).sqrt()),
        };
        Learned { value, pairs }
    }

    /// The differences that the test of one aspect sees, of pairs whose candidate is worse by `effect`.
    pub(super) fn outcomes(self, spec: &MetricSpec, aspect: Aspect, effect: f64) -> Vec<OutcomeChance> {
        match (aspect, self) {
            (Aspect::Beyond(_) | Aspect::Threefold, _) => match self.of_test(aspect) {
                Self::Discordance(share) => right_or_wrong(share, effect),
                Self::LogNoise(_) => right_or_wrong(0.0, effect),
            },
            (_, Self::Discordance(share)) => right_or_wrong(share, effect),
            (_, Self::LogNoise(deviation)) => {
                // A latency's margin is taken off inside d; a length's is its null mean.
                let margin = if spec.kind == MetricKind::Latency { spec.margin.ln_1p() } else { 0.0 };
                normal(effect.ln_1p() - margin, deviation)
            }
        }
    }

    /// The spread as one test of the metric sees it. A tail's pairs differ where one arm alone is beyond the quantile, or
    /// where one is three times as slow as the other.
    pub(super) fn of_test(self, aspect: Aspect) -> Self {
        match (aspect, self) {
            (Aspect::Beyond(tail), _) => {
                let beyond = 1.0 - tail.quantile();
                Self::Discordance(2.0 * beyond * (1.0 - beyond))
            }
            (Aspect::Threefold, Self::LogNoise(deviation)) => {
                let far = |outcome: &&(f64, f64)| outcome.0.abs() * deviation > 3.0_f64.ln();
                Self::Discordance(
                    standard_normal().iter().filter(far).fold(0.0, |sum, (_, chance)| sum + chance),
                )
            }
            (_, spread) => spread,
        }
    }
}

impl BaseHarm {
    /// One answer in a hundred where nothing was seen, corrected by what the baseline of earlier rollouts did: see
    /// [`Spread::learned`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
    pub fn learned(rule: &MetricPolicy, rollouts: &[Snapshot]) -> Learned<Self> {
        let metrics = rollouts.iter().filter_map(|rollout| rollout.metric(&rule.name));
        let seen = metrics.filter_map(|metric| Some((metric.pairs(), metric.mean(Arm::Baseline)?)));
        let (pairs, sum) =
            seen.fold((0, 0.0), |(pairs, sum), (more, mean)| (pairs + more, sum + more as f64 * mean));
        let value = (ASSUMED_PAIRS * 0.01 + sum) / (ASSUMED_PAIRS + pairs as f64);
        Learned { value: Self(value), pairs }
    }
}

/// Pairs of which `share` differ by a whole point, half of them either way, and `effect` more speak against the candidate.
fn right_or_wrong(share: f64, effect: f64) -> Vec<OutcomeChance> {
    let half = (share / 2.0).min((1.0 - effect.max(0.0)) / 2.0);
    let chances = [(1.0, half + effect), (-1.0, half), (0.0, 1.0 - 2.0 * half - effect)];
    chances.map(|(d, chance)| OutcomeChance { d, chance: chance.max(0.0) }).into()
}

/// Points of the standard normal distribution and their chances.
fn standard_normal() -> Vec<(f64, f64)> {
    let at = |step: i32| GRID_REACH * f64::from(2 * step - GRID_POINTS) / f64::from(GRID_POINTS);
    let weights: Vec<_> = (0..=GRID_POINTS).map(|step| (at(step), (-0.5 * at(step).powi(2)).exp())).collect();
    let whole: f64 = weights.iter().map(|(_, weight)| weight).sum();
    weights.into_iter().map(|(z, weight)| (z, weight / whole)).collect()
}

/// A normal distribution on a grid, clipped as differences are.
fn normal(mean: f64, deviation: f64) -> Vec<OutcomeChance> {
    let outcome = |(z, chance): (f64, f64)| OutcomeChance {
        d: ((mean + deviation * z) / LN_2).clamp(-1.0, 1.0),
        chance,
    };
    standard_normal().into_iter().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Collector, Halves, Pair, Record};
    use crate::judgment::Policy;

    /// A rollout in which the candidate alone fails `failed` of so many pairs, and is slower by `slower` on the average.
    fn rollout(pairs: u64, failed: u64, slower: f64) -> Snapshot {
        let mut collector = Collector::new(&Policy::default_live().specs()).unwrap();
        for seq in 1..=pairs {
            let both = |baseline, candidate| Halves { baseline: Some(baseline), candidate: Some(candidate) };
            let noise = if seq % 2 == 0 { 0.1_f64 } else { -0.1 };
            let metrics = vec![
                ("error".into(), both(0.0, f64::from(u8::from(seq <= failed)))),
                ("ttft_ms".into(), both(200.0, 200.0 * (noise + slower.ln_1p()).exp())),
            ];
            collector.push(&Record::Pair(Pair { seq, id: format!("r{seq}"), metrics })).unwrap();
        }
        collector.into_snapshot()
    }

    fn learned(name: &str, rollouts: &[Snapshot]) -> (f64, u64) {
        let policy = Policy::default_live();
        let Learned { value, pairs } = Spread::learned(policy.metric(&name.into()).unwrap(), rollouts);
        match value {
            Spread::Discordance(value) | Spread::LogNoise(value) => (value, pairs),
        }
    }

    #[test]
    fn a_single_pair_hardly_moves_an_assumption_and_thousands_replace_it() {
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        close(learned("error", &[rollout(1, 1, 0.0)]).0, (1.0 + 1.0) / 101.0);
        close(learned("error", &[rollout(4_900, 0, 0.0)]).0, 1.0 / 5_000.0);
        assert_eq!(learned("error", &[]), (0.01, 0));
        assert_eq!(learned("broken", &[rollout(10, 0, 0.0)]), (0.01, 0), "nothing was seen of it");
        assert_eq!(learned("ttft_ms", &[rollout(1, 0, 0.0)]), (0.35, 0), "one pair does not vary");
        let wide = learned("ttft_ms", &[rollout(900, 0, 0.0)]).0;
        close(wide, ((100.0 * 0.35_f64.powi(2) + 900.0 * 0.01) / 1_000.0).sqrt());
    }

    #[test]
    fn what_differs_between_rollouts_is_no_noise_of_pairs() {
        let same = [rollout(450, 0, 0.0), rollout(450, 0, 0.0)];
        let apart = [rollout(450, 0, 0.0), rollout(450, 0, 0.3)];
        let ((same, pairs), (apart, _)) = (learned("ttft_ms", &same), learned("ttft_ms", &apart));
        assert!(pairs == 900 && (same - apart).abs() < 1e-6, "{same} {apart}");
    }

    #[test]
    fn the_harm_of_a_baseline_is_learned_as_a_spread_is() {
        let policy = Policy::default_live();
        let of = |rollouts: &[Snapshot]| BaseHarm::learned(&policy.metrics[0], rollouts);
        assert_eq!(of(&[]), Learned { value: BaseHarm(0.01), pairs: 0 });
        assert!((of(&[rollout(900, 0, 0.0)]).value.0 - 0.001).abs() < 1e-12);
    }
}
