//! Both arms' samples, paired case by case: what the judge is given.

mod subject;
mod verdict;

pub use verdict::judge_runs;

use super::latency::Timing;
use super::run::{ArmRun, Sample, Score};
use super::suite::Suite;
use crate::domain::{MetricKind, MetricName};
use crate::evidence::Halves;
use crate::judgment::{ClientTimers, GoldenMetric, GoldenPair};

/// A run of a suite on both arms.
#[derive(Clone, Debug)]
pub struct GoldenRun {
    /// What was run.
    pub suite: Suite,
    /// What the baseline did.
    pub baseline: ArmRun,
    /// What the candidate did.
    pub candidate: ArmRun,
    /// How the harness's own timers ran; `None` where nothing was asked.
    pub client: Option<ClientTimers>,
}

impl GoldenRun {
    /// Every metric that the suite asks for, paired. A latency that neither arm could show (recorded answers without
    /// times) is left out: it was not measured, and it is a guard, which cannot pass anything.
    #[must_use]
    pub fn metrics(&self) -> Vec<GoldenMetric> {
        let scores = self.suite.metrics.iter().enumerate().map(|(index, metric)| GoldenMetric {
            name: metric.name.clone(),
            kind: MetricKind::Score,
            margin: metric.margin,
            required: metric.required,
            pairs: self.pairs(|samples| scored(samples, index)),
        });
        let timings = self.suite.latency.named().into_iter().map(|(timing, margin)| GoldenMetric {
            name: MetricName::from(timing.metric()),
            kind: MetricKind::Latency,
            margin,
            required: false,
            pairs: self.pairs(|samples| timed(samples, timing)),
        });
        scores.chain(timings.filter(|metric| !metric.pairs.is_empty())).collect()
    }

    /// What a reader should know beside the verdict: recorded answers that lack cases, by file.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        [&self.baseline, &self.candidate].into_iter().filter_map(|arm| self.missing_note(arm)).collect()
    }

    fn missing_note(&self, arm: &ArmRun) -> Option<String> {
        let is_missing = |samples: &[Sample]| samples.iter().any(|sample| sample.answer.is_none());
        let cases = self.suite.cases.iter().zip(&arm.samples);
        let missing: Vec<&str> =
            cases.filter(|(_, samples)| is_missing(samples)).map(|(case, _)| case.id.as_str()).collect();
        let first = missing.first()?;
        let (count, total) = (missing.len(), arm.samples.len());
        Some(format!(
            "{}: {count} of {total} cases have no answer, the first is {first:?}\n  hint: they count as the worst case; \
             too many of them and nothing is judged",
            arm.source
        ))
    }

    fn pairs(&self, value: impl Fn(&[Sample]) -> Half) -> Vec<GoldenPair> {
        let arms = self.baseline.samples.iter().zip(&self.candidate.samples);
        let pair = |(case, (baseline, candidate)): (&super::Case, (&Vec<Sample>, &Vec<Sample>))| {
            let halves = Half::pair(value(baseline), value(candidate))?;
            Some(GoldenPair { id: case.id.clone(), cluster: case.cluster.clone(), halves })
        };
        self.suite.cases.iter().zip(arms).filter_map(pair).collect()
    }
}

/// One arm's value of one case.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Half {
    Value(f64),
    NotApplicable,
    Lost,
}

impl Half {
    /// A metric that does not apply to one arm's answer cannot be compared, so the case is left out; a lost half is kept.
    fn pair(baseline: Self, candidate: Self) -> Option<Halves> {
        let value = |half| match half {
            Self::Value(value) => Some(value),
            Self::NotApplicable | Self::Lost => None,
        };
        let applies = baseline != Self::NotApplicable && candidate != Self::NotApplicable;
        applies.then(|| Halves { baseline: value(baseline), candidate: value(candidate) })
    }
}

/// The mean score of the repeats; one lost repeat makes the half a lost one, which the judge takes for the worst case.
fn scored(samples: &[Sample], metric: usize) -> Half {
    let mut sum = 0.0;
    for sample in samples {
        match sample.scores.get(metric) {
            Some(Score::Value(score)) => sum += score,
            Some(Score::NotApplicable) => return Half::NotApplicable,
            Some(Score::Lost) | None => return Half::Lost,
        }
    }
    match u32::try_from(samples.len()) {
        Ok(count) if count > 0 => Half::Value(sum / f64::from(count)),
        _ => Half::Lost,
    }
}

/// The geometric mean over the repeats, since latencies are compared as ratios. An answer that failed has lost its time.
fn timed(samples: &[Sample], timing: Timing) -> Half {
    let mut log_sum = 0.0;
    for sample in samples {
        let Some(answer) = &sample.answer else { return Half::Lost };
        if !answer.outcome.is_complete() {
            return Half::Lost;
        }
        match timing.of(answer) {
            Some(ms) => log_sum += ms.ln(),
            None => return Half::NotApplicable,
        }
    }
    match u32::try_from(samples.len()) {
        Ok(count) if count > 0 => Half::Value((log_sum / f64::from(count)).exp()),
        _ => Half::Lost,
    }
}
