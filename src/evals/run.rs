//! The run: every case to every arm, bounded, graded as it comes. What is kept of an answer is a few numbers.

mod arms;
mod asking;
mod comparing;
mod gathered;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use arms::ArmSource;
use arms::Origin;
use asking::ask;
pub use comparing::Tally;
pub use gathered::Regression;
use gathered::{Gathered, OfArm};

use super::caps::Caps;
use super::error::EvalError;
use super::golden::GoldenRun;
use super::latency::{self, Times, TimingHistogram};
use super::pace::Pace;
use super::samples::SampleLog;
use super::suite::Suite;
use super::watched::watched;
use crate::domain::{Arm, Outcome, ReleaseId};
use crate::telemetry::Clock;
use crate::upstream::Timeouts;

/// How a suite is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Requests in flight at once, both arms together; at least 1.
    pub concurrency: usize,
    /// Seeds the order of the requests and their arrivals; `None`: the suite's seed.
    pub seed: Option<u64>,
    /// When requests are due; `None`: as soon as fewer than `concurrency` are in flight.
    pub pace: Option<Pace>,
    /// Requests to each engine before the first that counts; their answers are kept nowhere.
    pub warm_up: usize,
    /// What may be spent.
    pub caps: Caps,
    /// Judges cases as they come and stops once they decide, with this probability of failing a candidate that is within its
    /// margins; `None`: every case is asked, and all are judged at once. Of one arm nothing is judged.
    pub sequential: Option<f64>,
    /// Time limits of each request.
    pub timeouts: Timeouts,
    /// What times are read from.
    pub clock: Arc<dyn Clock>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Requests that ended.
    pub done: usize,
    /// Requests in all.
    pub total: usize,
}

/// What a grader said of one answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// A score in [0, 1]. An answer that failed or broke off scores 0.
    Value(f64),
    /// 0, because the grader found nothing in the answer that it could have compared.
    Unparsable,
    /// The grader needs a reference and the case has none.
    NotApplicable,
    /// The answer is compared with the other arm's, and was not yet.
    Pending,
    /// It was compared, and nobody could read what was said of it.
    Unscored,
    /// There is no answer to grade.
    Lost,
}

impl Score {
    /// The score; `None` where there is none.
    #[must_use]
    pub const fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unparsable => Some(0.0),
            Self::NotApplicable | Self::Pending | Self::Unscored | Self::Lost => None,
        }
    }

    /// Whether the answer was right; `None` where the grader does not apply. A lost answer is no right one.
    #[must_use]
    pub fn is_right(self) -> Option<bool> {
        (self != Self::NotApplicable).then(|| self.value().is_some_and(|score| score >= 0.5))
    }
}

/// One answer to one case, graded. Its text is not kept here: see [`SampleLog`].
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// How it ended; `None`: lost, or not in the file of recorded answers.
    pub outcome: Option<Outcome>,
    /// Scores in the order of the suite's metrics.
    pub scores: Vec<Score>,
    /// Its times.
    pub times: Times,
    /// Its length, by the engine's own count.
    pub output_tokens: Option<u32>,
}

/// What one arm did.
#[derive(Clone, Debug)]
pub struct ArmRun {
    /// Where the answers came from: a URL, or the name of a file.
    pub source: String,
    /// The release that answered, where it is known.
    pub release: Option<ReleaseId>,
    /// Samples by case, in the suite's order, then by repeat; none for a case that was not asked. Recorded answers have
    /// one repeat.
    pub samples: Vec<Vec<Sample>>,
    /// Latency histograms, one a timing.
    pub latency: Vec<TimingHistogram>,
    /// How often the engine refused a request that was sent again.
    pub refused: u64,
    /// BLEU over all answers together, by index of its metric.
    pub corpus_bleu: BTreeMap<usize, f64>,
}

impl ArmRun {
    /// What a verdict calls the arm: its release, or else its source.
    #[must_use]
    pub fn subject(&self) -> String {
        self.release.as_ref().map_or_else(|| self.source.clone(), ToString::to_string)
    }
}

/// Hears of the progress of a run.
pub type OnProgress<'p> = &'p mut (dyn FnMut(Progress) + Send);

/// Where what a run brings goes, beside its result.
pub struct Outlets<'o> {
    /// Keeps every answer, and holds those of an earlier run that was cut off, which are not asked for again.
    pub samples: Option<&'o mut SampleLog>,
    /// Is told of every answer.
    pub on_progress: OnProgress<'o>,
}

/// Runs `suite` on both arms, interleaved. A suite without cases or without metrics is not run: the result holds no
/// pairs, and its judgment is invalid.
///
/// # Errors
/// When an engine cannot be reached or is none, a case cannot be made into a request, or answers cannot be kept.
pub async fn run(
    suite: &Arc<Suite>,
    baseline: ArmSource,
    candidate: ArmSource,
    options: &RunOptions,
    outlets: Outlets<'_>,
) -> Result<GoldenRun, EvalError> {
    let origins = (Origin::of(&baseline), Origin::of(&candidate));
    let asks = [&baseline, &candidate].iter().any(|source| matches!(source, ArmSource::Engine(_)));
    let sources = vec![(Arm::Baseline, baseline), (Arm::Candidate, candidate)];
    let (gathered, timers) = watched(ask(suite, sources, options, outlets)).await;
    let Gathered { mut arms, regressions, capped, early, comparing } = gathered?;
    let comparisons = comparing.map(|comparing| comparing.tallies).unwrap_or_default();
    let baseline = arm_run(suite, origins.0, arms.remove(&Arm::Baseline));
    let candidate = arm_run(suite, origins.1, arms.remove(&Arm::Candidate));
    let (suite, client) = (Arc::clone(suite), asks.then_some(timers));
    let regressions = regressions.kept();
    Ok(GoldenRun { suite, baseline, candidate, client, regressions, capped, early, comparisons })
}

/// Runs `suite` on one arm: scores and latency, nothing to judge. A cap that is reached is told beside.
///
/// # Errors
/// As [`run`].
pub async fn run_one(
    suite: &Arc<Suite>,
    source: ArmSource,
    options: &RunOptions,
    outlets: Outlets<'_>,
) -> Result<(ArmRun, Option<String>), EvalError> {
    let origin = Origin::of(&source);
    let mut gathered = ask(suite, vec![(Arm::Candidate, source)], options, outlets).await?;
    Ok((arm_run(suite, origin, gathered.arms.remove(&Arm::Candidate)), gathered.capped))
}

fn arm_run(suite: &Suite, origin: Origin, of_arm: Option<OfArm>) -> ArmRun {
    let Origin { source, release } = origin;
    let refused = of_arm.as_ref().map_or(0, |of_arm| of_arm.refused);
    let corpus = of_arm.as_ref().map(|of_arm| of_arm.corpus.clone()).unwrap_or_default();
    let corpus_bleu = corpus.into_iter().map(|(metric, counts)| (metric, counts.score())).collect();
    let samples = of_arm.map(|of_arm| of_arm.by_case(suite.cases.len())).unwrap_or_default();
    let latency = latency::histograms(samples.iter().flatten());
    ArmRun { source, release, samples, latency, refused, corpus_bleu }
}

#[cfg(test)]
pub(super) mod tests;
