//! One metric of a fixed sample, from its cases to its verdict.

use super::differences::{Differences, admitted};
use super::estimate::{Estimate, estimate};
use super::{GoldenAsk, GoldenMetric, GoldenPair};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Aspect, Halves, THREEFOLD_MARGIN};
use crate::judgment::{Bounds, Flips, MetricJudgment, Reason, SliceJudgment, Strata, Unit, Verdict};
use crate::stats::mcnemar;

/// Example ids shown: enough to look at, too few to weigh.
const EXAMPLES_MAX: usize = 5;

/// One test of one metric.
pub(super) struct Asked<'a> {
    pub(super) metric: &'a GoldenMetric,
    pub(super) aspect: Aspect,
}

/// A verdict on one test, with the numbers it was read from, in the unit of the margin.
struct Ruling {
    verdict: Verdict,
    reason: Reason,
    worse_by: Option<f64>,
    interval: Option<(f64, f64)>,
    needed: Option<u64>,
}

impl Asked<'_> {
    /// The judgment, and how many more cases would decide it if what they say stays as it is.
    pub(super) fn judge(&self, slices: Vec<SliceJudgment>, ask: &GoldenAsk) -> (MetricJudgment, Option<u64>) {
        let metric = self.metric;
        let differences = Differences::of(metric, self.aspect);
        let ruling = self.rule(&differences, ask);
        let (worse, better) = differences.flips();
        let right_or_wrong = matches!(metric.kind, MetricKind::Event | MetricKind::Score);
        let towards_good = metric.kind == MetricKind::Score || self.aspect == Aspect::Shorter;
        let is_first = matches!(self.aspect, Aspect::Body | Aspect::Longer);
        let mean = |half: fn(Halves) -> Option<f64>| if is_first { mean(metric, half) } else { None };
        let judgment = MetricJudgment {
            name: self.name(),
            kind: if self.is_tail() { MetricKind::Harm } else { metric.kind },
            verdict: ruling.verdict,
            required: metric.required && !self.is_tail(),
            pairs: metric.pairs.len() as u64,
            missing: lost(metric),
            baseline: mean(|halves| halves.baseline),
            candidate: mean(|halves| halves.candidate),
            difference: ruling.worse_by.map(|harm| if towards_good { -harm } else { harm }),
            interval: ruling
                .interval
                .map(|(low, high)| if towards_good { (-high, -low) } else { (low, high) })
                .map(Bounds::from),
            level: 1.0 - 2.0 * ask.alpha,
            margin: self.margin(),
            log_e_promote: None,
            log_e_abort: None,
            weight: None,
            flips: right_or_wrong.then_some(Flips { better, worse }),
            examples: if ruling.verdict == Verdict::Fail { self.examples(&differences) } else { Vec::new() },
            opinion: None,
            strata: Strata::default(),
            slices,
            noise: metric.noise,
            reason: ruling.reason,
        };
        (judgment, ruling.needed)
    }

    /// A tail is counted in cases, against a margin of its own, and is always a guard: what must pass is the body.
    fn is_tail(&self) -> bool {
        self.aspect == Aspect::Threefold
    }

    fn is_ratio(&self) -> bool {
        self.metric.kind.is_ratio() && !self.is_tail()
    }

    fn margin(&self) -> f64 {
        if self.is_tail() { THREEFOLD_MARGIN } else { self.metric.margin }
    }

    fn name(&self) -> MetricName {
        let name = &self.metric.name;
        self.aspect
            .suffix()
            .map_or_else(|| name.clone(), |suffix| MetricName::new(format!("{name}:{suffix}")))
    }

    fn rule(&self, differences: &Differences, ask: &GoldenAsk) -> Ruling {
        let metric = self.metric;
        if metric.pairs.is_empty() {
            return Ruling::without_numbers(Verdict::Inconclusive, Reason::NoData { metric: self.name() });
        }
        if too_many_lost(metric, ask.missing_max) {
            let (missing, pairs) = (lost(metric), metric.pairs.len() as u64);
            let reason =
                Reason::Missing { metric: self.name(), missing, pairs, missing_max: ask.missing_max };
            return Ruling::without_numbers(Verdict::Invalid, reason);
        }
        match estimate(differences, ask.alpha) {
            Ok(estimate) => self.read(&estimate, differences, ask),
            Err(error) => {
                let note = Reason::Note(format!("{}: nothing can be said: {error}", self.name()));
                Ruling::without_numbers(Verdict::Inconclusive, note)
            }
        }
    }

    /// Reads the verdict from the ends of the interval.
    fn read(&self, estimate: &Estimate, differences: &Differences, ask: &GoldenAsk) -> Ruling {
        let ratio = self.is_ratio();
        let shown = |d: f64| if ratio { d.exp_m1() } else { d };
        let (worse_by, margin) = (shown(estimate.mean), self.margin());
        let interval = (shown(estimate.interval.0), shown(estimate.interval.1));
        let verdict = if interval.1 < margin {
            Verdict::Pass
        } else if interval.0 > margin {
            Verdict::Fail
        } else {
            Verdict::Inconclusive
        };
        let (worse, better) = differences.flips();
        let reason = Reason::Golden {
            metric: self.name(),
            worse_by,
            interval,
            margin,
            unit: if ratio { Unit::Percent } else { Unit::Points },
            cases: self.metric.pairs.len() as u64,
            alpha: ask.alpha,
            mcnemar_p: differences.are_flips().then(|| mcnemar(worse, better).two_sided),
        };
        let needed = needed(estimate, if ratio { margin.ln_1p() } else { margin }, differences.values.len());
        Ruling { verdict, reason, worse_by: Some(worse_by), interval: Some(interval), needed }
    }

    /// Ids of the worst cases, worst first, earliest first among equals.
    fn examples(&self, differences: &Differences) -> Vec<String> {
        let mut worse: Vec<_> =
            differences.values.iter().zip(&self.metric.pairs).filter(|(d, _)| **d > 0.0).collect();
        worse.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        worse.iter().take(EXAMPLES_MAX).map(|(_, pair)| pair.id.clone()).collect()
    }
}

impl Ruling {
    const fn without_numbers(verdict: Verdict, reason: Reason) -> Self {
        Self { verdict, reason, worse_by: None, interval: None, needed: None }
    }
}

/// Further cases until the limit reaches the margin, if the mean and the noise stay as they are.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate for people, from positive numbers; `as` saturates"
)]
fn needed(estimate: &Estimate, margin: f64, cases: usize) -> Option<u64> {
    let room = margin - estimate.mean;
    let half = estimate.interval.1 - estimate.mean;
    let in_all = cases as f64 * (half / room).powi(2);
    (room > 0.0).then(|| (in_all.ceil() as u64).saturating_sub(cases as u64))
}

/// Cases that lack a half.
pub(super) fn lost(metric: &GoldenMetric) -> u64 {
    let lacks = |pair: &&GoldenPair| {
        let halves = admitted(metric, pair);
        halves.baseline.is_none() || halves.candidate.is_none()
    };
    metric.pairs.iter().filter(lacks).count() as u64
}

/// Whether more cases lack a half than may.
#[expect(clippy::cast_precision_loss, reason = "counts of cases")]
pub(super) fn too_many_lost(metric: &GoldenMetric, missing_max: f64) -> bool {
    lost(metric) as f64 > missing_max * metric.pairs.len() as f64
}

/// The mean of one arm's values, geometric for ratio kinds; of those that were not lost.
#[expect(clippy::cast_precision_loss, reason = "counts of cases")]
fn mean(metric: &GoldenMetric, half: impl Fn(Halves) -> Option<f64>) -> Option<f64> {
    let ratio = metric.kind.is_ratio();
    let values: Vec<f64> = metric
        .pairs
        .iter()
        .filter_map(|pair| half(admitted(metric, pair)))
        .map(|value| if ratio { value.ln() } else { value })
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (!values.is_empty()).then(|| if ratio { mean.exp() } else { mean })
}
