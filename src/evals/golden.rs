//! Both arms' samples, paired case by case: what the judge is given.

mod early;
mod subject;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use early::Early;
pub use verdict::judge_runs;

use super::latency::Timing;
use super::run::{ArmRun, Regression, Sample, Score, Tally};
use super::suite::{SliceRule, Suite};
use crate::domain::{MetricKind, MetricName, Outcome};
use crate::evidence::Halves;
use crate::judgment::{ClientTimers, GoldenMetric, GoldenPair, GoldenSlice, RepeatNoise};

/// More of its answers than this that cannot be read, in hundredths of a share, and the candidate has lost its format.
const UNPARSABLE_MARGIN: f64 = 0.01;

/// A run of a suite on both arms.
#[derive(Clone, Debug)]
pub struct GoldenRun {
    /// What was run.
    pub suite: Arc<Suite>,
    /// What the baseline did.
    pub baseline: ArmRun,
    /// What the candidate did.
    pub candidate: ArmRun,
    /// How the harness's own timers ran; `None` where nothing was asked.
    pub client: Option<ClientTimers>,
    /// The first cases that only the baseline got right by the first metric that must pass, in the suite's order.
    pub regressions: Vec<Regression>,
    /// Which cap ended the run before every case was asked, in a sentence.
    pub capped: Option<String>,
    /// The cases as they were judged one by one, where asking stops once they decide.
    pub early: Option<Early>,
    /// What became of comparisons by a model, by index of the metric.
    pub comparisons: BTreeMap<usize, Tally>,
}

impl GoldenRun {
    /// Every metric that the suite asks for, paired. A latency that neither arm could show (recorded answers without
    /// times) is left out: it was not measured, and it is a guard, which cannot pass anything.
    #[must_use]
    pub fn metrics(&self) -> Vec<GoldenMetric> {
        let scores = self.suite.metrics.iter().enumerate().flat_map(|(index, metric)| {
            let pairs = self.pairs(|samples| scored(samples, index));
            let score = GoldenMetric {
                name: metric.name.clone(),
                kind: MetricKind::Score,
                margin: metric.margin,
                required: metric.required,
                slices: self.slices(&pairs),
                noise: self.noise(index),
                pairs,
            };
            std::iter::once(score).chain(self.unparsable(index))
        });
        let timings = self.suite.latency.named().into_iter().map(|(timing, margin)| GoldenMetric {
            name: MetricName::from(timing.metric()),
            kind: MetricKind::Latency,
            margin,
            required: false,
            pairs: self.pairs(|samples| timed(samples, timing)),
            slices: Vec::new(),
            noise: None,
        });
        scores.chain(timings.filter(|metric| !metric.pairs.is_empty())).collect()
    }

    /// What a reader should know beside the verdict: the graders behind metrics with names of their own, and recorded
    /// answers that lack cases, by file.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let renamed = self.suite.metrics.iter().filter(|metric| metric.name.as_str() != metric.grader_id);
        let graders = renamed.map(|metric| format!("{} is {}", metric.name, metric.grader_id));
        let arms = [&self.baseline, &self.candidate].into_iter();
        let arms = arms.flat_map(|arm| [self.missing_note(arm), refused_note(arm)]).flatten();
        graders.chain(arms).collect()
    }

    /// What became of the comparisons by a model, a sentence a metric.
    fn compared(&self) -> impl Iterator<Item = String> {
        self.comparisons.iter().filter_map(|(at, tally)| self.compared_note(*at, *tally))
    }

    fn compared_note(&self, metric: usize, tally: Tally) -> Option<String> {
        let name = &self.suite.metrics.get(metric)?.name;
        let Tally { compared, disagreed, unread } = tally;
        let unread = match unread {
            0 => String::new(),
            _ => format!("; {unread} could not be read and count as the worst case"),
        };
        Some(format!(
            "{name}: {compared} pairs were compared in both orders; {disagreed} are ties because the orders disagreed{unread}"
        ))
    }

    fn missing_note(&self, arm: &ArmRun) -> Option<String> {
        let is_missing = |samples: &[Sample]| samples.iter().any(|sample| sample.outcome.is_none());
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

    /// The share of answers in which the grader found nothing to compare, as a guard; `None` where every answer could be read.
    fn unparsable(&self, index: usize) -> Option<GoldenMetric> {
        let arms = [&self.baseline, &self.candidate].into_iter();
        let mut all = arms.flat_map(|arm| arm.samples.iter().flatten());
        all.find(|sample| sample.scores.get(index) == Some(&Score::Unparsable))?;
        Some(GoldenMetric {
            name: unparsable(&self.suite.metrics[index].name),
            kind: MetricKind::Harm,
            margin: UNPARSABLE_MARGIN,
            required: false,
            pairs: self.pairs(|samples| unread(samples, index)),
            slices: Vec::new(),
            noise: None,
        })
    }

    /// The tags of the dataset, each with its pairs, in the tags' order. One that every case has is no slice.
    fn slices(&self, pairs: &[GoldenPair]) -> Vec<GoldenSlice> {
        let mut by_tag = BTreeMap::<&str, Vec<usize>>::new();
        let mut left = pairs.iter().enumerate().peekable();
        for case in &self.suite.cases {
            let Some((at, _)) = left.next_if(|(_, pair)| pair.id == case.id) else { continue };
            for tag in &case.tags {
                let pairs = by_tag.entry(tag).or_default();
                if pairs.last() != Some(&at) {
                    pairs.push(at);
                }
            }
        }
        let gates = self.suite.slices == SliceRule::Gate;
        let slices = by_tag.into_iter().filter(|(_, of_tag)| (2..pairs.len()).contains(&of_tag.len()));
        slices.map(|(tag, pairs)| GoldenSlice { name: tag.to_owned(), pairs, gates }).collect()
    }

    /// What repeats say of the noise of a score, over cases that have all of them in both arms and were judged.
    fn noise(&self, index: usize) -> Option<RepeatNoise> {
        if self.suite.metrics[index].grader.compares() {
            return None; // an answer has no score of its own that could flip
        }
        let values = |samples: &[Sample]| {
            samples.iter().map(|sample| sample.scores.get(index)?.value()).collect::<Option<Vec<f64>>>()
        };
        let arms = self.baseline.samples.iter().zip(&self.candidate.samples);
        let judged = self.early.as_ref().map(Early::judged);
        let counts = |case: &usize| judged.as_ref().is_none_or(|judged| judged.contains(case));
        let arms = arms.enumerate().filter(|(case, _)| counts(case)).map(|(_, arms)| arms);
        let repeated = arms.filter(|(baseline, candidate)| baseline.len().max(candidate.len()) > 1);
        let cases =
            repeated.filter_map(|(baseline, candidate)| Some((values(baseline)?, values(candidate)?)));
        RepeatNoise::of(&cases.collect::<Vec<_>>())
    }

    fn pairs(&self, value: impl Fn(&[Sample]) -> Half) -> Vec<GoldenPair> {
        let arms = self.baseline.samples.iter().zip(&self.candidate.samples);
        let pair = |(case, (baseline, candidate)): (&super::Case, (&Vec<Sample>, &Vec<Sample>))| {
            if baseline.is_empty() || candidate.is_empty() {
                return None; // not asked, for which no arm is to blame
            }
            let halves = Half::pair(value(baseline), value(candidate))?;
            Some(GoldenPair { id: case.id.clone(), cluster: case.cluster.clone(), halves })
        };
        self.suite.cases.iter().zip(arms).filter_map(pair).collect()
    }
}

fn refused_note(arm: &ArmRun) -> Option<String> {
    let ArmRun { source, refused, .. } = arm;
    (*refused > 0).then(|| format!("{source}: refused {refused} times for being full, and was asked again"))
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

/// The guard of a metric whose grader may find nothing in an answer.
fn unparsable(metric: &MetricName) -> MetricName {
    MetricName::new(format!("{metric}:unparsable"))
}

/// The share of the repeats in which the grader found nothing.
fn unread(samples: &[Sample], metric: usize) -> Half {
    mean_of(samples, metric, |score| f64::from(u8::from(score == Score::Unparsable)))
}

/// The mean score of the repeats; one lost repeat makes the half a lost one, which the judge takes for the worst case.
fn scored(samples: &[Sample], metric: usize) -> Half {
    mean_of(samples, metric, |score| score.value().unwrap_or_default())
}

fn mean_of(samples: &[Sample], metric: usize, value: impl Fn(Score) -> f64) -> Half {
    let mut sum = 0.0;
    for sample in samples {
        match sample.scores.get(metric) {
            Some(Score::NotApplicable) => return Half::NotApplicable,
            Some(Score::Lost | Score::Unscored | Score::Pending) | None => return Half::Lost,
            Some(score) => sum += value(*score),
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
        if !sample.outcome.is_some_and(Outcome::is_complete) {
            return Half::Lost;
        }
        match sample.times[timing as usize] {
            Some(ms) => log_sum += ms.ln(),
            None => return Half::NotApplicable,
        }
    }
    match u32::try_from(samples.len()) {
        Ok(count) if count > 0 => Half::Value((log_sum / f64::from(count)).exp()),
        _ => Half::Lost,
    }
}
