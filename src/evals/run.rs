//! The run: every case to every arm, bounded, then graded.

mod arms;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

pub use arms::ArmSource;
use arms::{Origin, Ready};

use super::dataset::Case;
use super::error::EvalError;
use super::golden::GoldenRun;
use super::latency::{self, TimingHistogram};
use super::order::{self, Turn};
use super::pace::Pace;
use super::suite::{Suite, SuiteMetric};
use super::watched::watched;
use crate::domain::{Arm, ReleaseId};
use crate::telemetry::Clock;
use crate::upstream::Timeouts;
use crate::wire::Answer;

/// How a suite is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Requests in flight at once, both arms together; at least 1.
    pub concurrency: usize,
    /// Seeds the order of the requests and their arrivals; `None`: the suite's seed.
    pub seed: Option<u64>,
    /// When requests are due; `None`: as soon as fewer than `concurrency` are in flight.
    pub pace: Option<Pace>,
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
    /// The grader needs a reference and the case has none.
    NotApplicable,
    /// There is no answer to grade.
    Lost,
}

/// One answer to one case, graded.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The answer; `None`: lost, or not in the file of recorded answers.
    pub answer: Option<Answer>,
    /// Scores in the order of the suite's metrics.
    pub scores: Vec<Score>,
}

/// What one arm did.
#[derive(Clone, Debug)]
pub struct ArmRun {
    /// Where the answers came from: a URL, or the name of a file.
    pub source: String,
    /// The release that answered, where it is known.
    pub release: Option<ReleaseId>,
    /// Samples by case, in the suite's order, then by repeat. Recorded answers have one repeat.
    pub samples: Vec<Vec<Sample>>,
    /// Latency histograms, one a timing.
    pub latency: Vec<TimingHistogram>,
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

/// Runs `suite` on both arms, interleaved. A suite without cases or without metrics is not run: the result holds no
/// pairs, and its judgment is invalid.
///
/// # Errors
/// When an engine cannot be reached or is none, or a case cannot be made into a request.
pub async fn run(
    suite: &Suite,
    baseline: ArmSource,
    candidate: ArmSource,
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<GoldenRun, EvalError> {
    let origins = (Origin::of(&baseline), Origin::of(&candidate));
    let asks = [&baseline, &candidate].iter().any(|source| matches!(source, ArmSource::Engine(_)));
    let sources = vec![(Arm::Baseline, baseline), (Arm::Candidate, candidate)];
    let (answers, timers) = watched(ask(suite, sources, options, on_progress)).await;
    let mut answers = answers?;
    let baseline = grade_all(suite, origins.0, answers.remove(&Arm::Baseline).unwrap_or_default()).await;
    let candidate = grade_all(suite, origins.1, answers.remove(&Arm::Candidate).unwrap_or_default()).await;
    Ok(GoldenRun { suite: suite.clone(), baseline, candidate, client: asks.then_some(timers) })
}

/// Runs `suite` on one arm: scores and latency, nothing to judge.
///
/// # Errors
/// As [`run`].
pub async fn run_one(
    suite: &Suite,
    source: ArmSource,
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<ArmRun, EvalError> {
    let origin = Origin::of(&source);
    let mut answers = ask(suite, vec![(Arm::Candidate, source)], options, on_progress).await?;
    Ok(grade_all(suite, origin, answers.remove(&Arm::Candidate).unwrap_or_default()).await)
}

/// Answers of one arm, by case, then by repeat.
type Answers = Vec<Vec<Option<Answer>>>;

async fn ask(
    suite: &Suite,
    sources: Vec<(Arm, ArmSource)>,
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<HashMap<Arm, Answers>, EvalError> {
    if suite.cases.is_empty() || suite.metrics.is_empty() {
        return Ok(HashMap::new());
    }
    let mut arms = HashMap::new();
    for (arm, source) in sources {
        arms.insert(arm, source.ready(arm, suite, options).await?);
    }
    ask_all(suite, &arms, options, on_progress).await
}

async fn ask_all(
    suite: &Suite,
    arms: &HashMap<Arm, Ready>,
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<HashMap<Arm, Answers>, EvalError> {
    let seed = options.seed.unwrap_or(suite.seed);
    let turns: Vec<(Turn, &Ready)> = order::turns(suite.cases.len(), suite.repeats, seed)
        .into_iter()
        .filter_map(|turn| Some((turn, arms.get(&turn.arm)?)))
        .filter(|(turn, ready)| turn.repeat < ready.repeats(suite))
        .collect();
    let total = turns.len();
    let start_ms = options.clock.monotonic_ms();
    let due = options.pace.map(|pace| pace.due_ms(total, seed));
    let none = |ready: &Ready| vec![vec![None; ready.repeats(suite) as usize]; suite.cases.len()];
    let mut answers: HashMap<Arm, Answers> = arms.iter().map(|(arm, ready)| (*arm, none(ready))).collect();
    let ask = async |(at, (turn, ready)): (usize, (Turn, &Ready))| {
        let now_ms = options.clock.monotonic_ms();
        let due_ms = due.as_ref().map_or(now_ms, |due| start_ms + due[at]);
        // What is overdue is late already, and waits for nothing.
        if due_ms > now_ms {
            sleep(Duration::from_secs_f64((due_ms - now_ms) / 1_000.0)).await;
        }
        (turn, ready.answer(suite, &suite.cases[turn.case], due_ms).await)
    };
    // Collected first: a lazy map over borrowed arms could not be sent to another thread.
    let asks: Vec<_> = turns.into_iter().enumerate().map(ask).collect();
    let mut replies = stream::iter(asks).buffer_unordered(options.concurrency.max(1));
    let mut done = 0;
    while let Some((turn, answer)) = replies.next().await {
        if let Some(answers) = answers.get_mut(&turn.arm) {
            answers[turn.case][turn.repeat as usize] = answer?;
        }
        done += 1;
        on_progress(Progress { done, total });
    }
    Ok(answers)
}

/// Graded after the last answer, so that grading never delays a clock; it gives way to other tasks between cases.
async fn grade_all(suite: &Suite, origin: Origin, answers: Answers) -> ArmRun {
    let mut samples: Vec<Vec<Sample>> = Vec::with_capacity(answers.len());
    for (case, repeats) in suite.cases.iter().zip(answers) {
        samples.push(repeats.into_iter().map(|answer| grade(suite, case, answer)).collect());
        tokio::task::yield_now().await;
    }
    let latency = latency::histograms(samples.iter().flatten());
    let Origin { source, release } = origin;
    ArmRun { source, release, samples, latency }
}

fn grade(suite: &Suite, case: &Case, answer: Option<Answer>) -> Sample {
    let score = |metric: &SuiteMetric| {
        let Some(answer) = &answer else { return Score::Lost };
        match metric.grader.score(&answer.text, &case.references) {
            None => Score::NotApplicable,
            Some(_) if !answer.outcome.is_complete() => Score::Value(0.0),
            Some(score) => Score::Value(score),
        }
    };
    let scores = suite.metrics.iter().map(score).collect();
    Sample { answer, scores }
}

#[cfg(test)]
mod tests;
