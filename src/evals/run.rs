//! The run: every case to every arm, bounded, then graded.

mod arms;

use std::sync::Arc;

use futures_util::{StreamExt, stream};

pub use arms::ArmSource;
use arms::Ready;

use super::error::EvalError;
use super::golden::GoldenRun;
use super::latency::{self, TimingHistogram};
use super::order::{self, Turn};
use super::suite::Suite;
use crate::domain::Arm;
use crate::telemetry::Clock;
use crate::upstream::Timeouts;
use crate::wire::Answer;

/// How a suite is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Requests in flight at once, both arms together; at least 1.
    pub concurrency: usize,
    /// Seeds the order of the requests; `None`: the suite's seed.
    pub seed: Option<u64>,
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
    /// Samples by case, in the suite's order, then by repeat. Recorded answers have one repeat.
    pub samples: Vec<Vec<Sample>>,
    /// Latency histograms, one a timing.
    pub latency: Vec<TimingHistogram>,
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
    let arms = vec![(Arm::Baseline, baseline), (Arm::Candidate, candidate)];
    let mut runs = run_arms(suite, arms, options, on_progress).await?.into_iter();
    match (runs.next(), runs.next()) {
        (Some(baseline), Some(candidate)) => Ok(GoldenRun { suite: suite.clone(), baseline, candidate }),
        _ => Err(EvalError::Client("an arm was lost".to_owned())),
    }
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
) -> Result<Option<ArmRun>, EvalError> {
    Ok(run_arms(suite, vec![(Arm::Candidate, source)], options, on_progress).await?.pop())
}

async fn run_arms(
    suite: &Suite,
    sources: Vec<(Arm, ArmSource)>,
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<Vec<ArmRun>, EvalError> {
    let names: Vec<String> = sources.iter().map(|(_, source)| source.name().to_owned()).collect();
    if suite.cases.is_empty() || suite.metrics.is_empty() {
        let empty = |source| ArmRun { source, samples: Vec::new(), latency: Vec::new() };
        return Ok(names.into_iter().map(empty).collect());
    }
    let mut arms = Vec::new();
    for (arm, source) in sources {
        arms.push((arm, source.ready(arm, suite, options).await?));
    }
    let answers = ask_all(suite, &arms, options, on_progress).await?;
    let mut runs = Vec::new();
    for (source, answers) in names.into_iter().zip(answers) {
        let samples = grade_all(suite, answers).await;
        let latency = latency::histograms(samples.iter().flatten());
        runs.push(ArmRun { source, samples, latency });
    }
    Ok(runs)
}

/// By arm, then case, then repeat.
type Answers = Vec<Vec<Vec<Option<Answer>>>>;

async fn ask_all(
    suite: &Suite,
    arms: &[(Arm, Ready)],
    options: &RunOptions,
    on_progress: OnProgress<'_>,
) -> Result<Answers, EvalError> {
    let of_arm = |arm| arms.iter().position(|(other, _)| *other == arm);
    let turns: Vec<(usize, Turn)> =
        order::turns(suite.cases.len(), suite.repeats, options.seed.unwrap_or(suite.seed))
            .into_iter()
            .filter_map(|turn| Some((of_arm(turn.arm)?, turn)))
            .filter(|(arm, turn)| turn.repeat < arms[*arm].1.repeats(suite))
            .collect();
    let total = turns.len();
    let slots = |ready: &Ready| vec![vec![None; ready.repeats(suite) as usize]; suite.cases.len()];
    let mut answers: Answers = arms.iter().map(|(_, ready)| slots(ready)).collect();
    let asks = turns.into_iter().map(|(arm, turn)| async move {
        let due_ms = options.clock.monotonic_ms();
        (arm, turn, arms[arm].1.answer(suite, &suite.cases[turn.case], due_ms).await)
    });
    let mut replies = stream::iter(asks).buffer_unordered(options.concurrency.max(1));
    let mut done = 0;
    while let Some((arm, turn, answer)) = replies.next().await {
        answers[arm][turn.case][turn.repeat as usize] = answer?;
        done += 1;
        on_progress(Progress { done, total });
    }
    Ok(answers)
}

/// Graded after the last answer, so that grading never delays a clock; it gives way to other tasks between cases.
async fn grade_all(suite: &Suite, answers: Vec<Vec<Option<Answer>>>) -> Vec<Vec<Sample>> {
    let mut samples = Vec::with_capacity(answers.len());
    for (case, repeats) in suite.cases.iter().zip(answers) {
        let grade = |answer: Option<Answer>| {
            let score = |metric: &super::SuiteMetric| score(metric, &case.references, answer.as_ref());
            let scores = suite.metrics.iter().map(score).collect();
            Sample { answer, scores }
        };
        samples.push(repeats.into_iter().map(grade).collect());
        tokio::task::yield_now().await;
    }
    samples
}

fn score(metric: &super::SuiteMetric, references: &[String], answer: Option<&Answer>) -> Score {
    let Some(answer) = answer else { return Score::Lost };
    match metric.grader.score(&answer.text, references) {
        None => Score::NotApplicable,
        Some(_) if !answer.outcome.is_complete() => Score::Value(0.0),
        Some(score) => Score::Value(score),
    }
}

#[cfg(test)]
mod tests;
