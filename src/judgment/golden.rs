//! The judge of a fixed sample: golden cases or two files of results, looked at once.

mod case;
mod differences;
mod estimate;
mod noise;
mod sequential;
mod slices;

use std::time::Duration;

use case::Asked;
pub use noise::RepeatNoise;
pub use sequential::{SequentialEvidence, is_decided, judge_sequential};
pub use slices::GoldenSlice;
use slices::judge_slices;

use super::conclusion::{overall, reasons};
use super::{Check, CheckState, Judgment, MetricJudgment, Question, Subject, Verdict};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Aspect, Halves};

/// One case answered by both arms, for one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenPair {
    /// The case.
    pub id: String,
    /// The cluster it stands or falls with: one document, one template. Cases without one stand alone.
    pub cluster: Option<String>,
    /// The values, averaged over repeats; `None`, or a value that the metric's kind cannot take: lost.
    pub halves: Halves,
}

/// One metric over all cases that it applies to.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenMetric {
    /// The metric.
    pub name: MetricName,
    /// How its values are compared.
    pub kind: MetricKind,
    /// The harm that is tolerated: points as a fraction, or a relative change for ratio kinds.
    pub margin: f64,
    /// Whether it must pass; else it is a guard and may only fail.
    pub required: bool,
    /// The cases.
    pub pairs: Vec<GoldenPair>,
    /// Those of them that share a word.
    pub slices: Vec<GoldenSlice>,
    /// What repeated answers say of noise, where there are any.
    pub noise: Option<RepeatNoise>,
}

/// How the timers of the client that measured ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientTimers {
    /// For how long they were watched.
    pub watched: Duration,
    /// For how much of it they were late: nothing else could be done then.
    pub late: Duration,
}

impl std::ops::AddAssign for ClientTimers {
    fn add_assign(&mut self, more: Self) {
        self.watched += more.watched;
        self.late += more.late;
    }
}

/// Before this a late share means nothing.
const WATCHED_MIN: Duration = Duration::from_millis(500);

/// Late for one part in so many, and the client was busy itself.
const LATE_MAX: u32 = 4;

/// What the judge of a fixed sample is asked, and how sure it must be.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenAsk {
    /// What is asked, for the record.
    pub question: Question,
    /// What is judged, for the record.
    pub subject: Subject,
    /// Probability, per metric, of passing what is worse by its margin; and of failing what is worse by
    /// no more than that. In (0, ½).
    pub alpha: f64,
    /// Above this share of lost halves the run is invalid.
    pub missing_max: f64,
    /// How the client fared, where answers were asked for and not recorded earlier.
    pub client: Option<ClientTimers>,
    /// What ended the run before every case was asked, in a sentence; then it is invalid.
    pub capped: Option<String>,
}

impl GoldenAsk {
    /// The usual question: one-sided tests at 5 %, at most 2 % of the halves lost.
    #[must_use]
    pub const fn new(question: Question, subject: Subject) -> Self {
        Self { question, subject, alpha: 0.05, missing_max: 0.02, client: None, capped: None }
    }
}

/// What these cases say of the candidate.
///
/// *Promise.* One look at a sample whose size was fixed beforehand: a metric that is worse by its margin
/// passes with probability at most about `alpha`, and one that is not worse by more fails with
/// probability at most about `alpha`. The interval shown holds at `1 − 2·alpha`, and the verdict is read
/// from its ends. A lost half counts as the worst case, in either arm: no loss can help the candidate.
///
/// *Assumes* cases (or clusters, where they are named) that do not depend on each other.
///
/// A slice that gates and fails, fails the whole; over all slices together that happens by chance with probability at most
/// `alpha`. None of them has to pass.
///
/// Nothing evaluated, too many lost halves, a required metric without a case, or latencies that a busy client measured
/// are [`Verdict::Invalid`].
#[must_use]
pub fn judge_golden(metrics: &[GoldenMetric], ask: &GoldenAsk) -> Judgment {
    let sliced = metrics.iter().zip(judge_slices(metrics, ask));
    let asked = sliced.flat_map(|(metric, slices)| {
        // Slices are of the metric, and stand with its first test.
        let slices = std::iter::once(slices).chain(std::iter::repeat_with(Vec::new));
        let aspects = aspects(metric.kind).iter().zip(slices);
        aspects.map(move |(aspect, slices)| (Asked { metric, aspect: *aspect }, slices))
    });
    let judged: Vec<_> = asked.map(|(asked, slices)| asked.judge(slices, ask)).collect();
    let (metrics_judged, needs): (Vec<MetricJudgment>, Vec<Option<u64>>) = judged.into_iter().unzip();
    let checks = [evaluated(metrics), missing(metrics, ask)].into_iter();
    let checks: Vec<_> = checks.chain(client(metrics, ask)).chain(budget(ask)).collect();
    let verdict = overall(&metrics_judged, &checks);
    Judgment {
        verdict,
        question: ask.question,
        subject: ask.subject.clone(),
        reasons: reasons(verdict, &metrics_judged, &checks),
        alpha: None,
        pairs_needed: needed(verdict, &metrics_judged, &needs),
        pace: None,
        metrics: metrics_judged,
        checks,
    }
}

/// The tests of one metric: both directions where both harm, and of a latency the few answers that became very slow,
/// which the mean of its logarithms misses.
const fn aspects(kind: MetricKind) -> &'static [Aspect] {
    match kind {
        MetricKind::Length => &[Aspect::Longer, Aspect::Shorter],
        MetricKind::Latency => &[Aspect::Body, Aspect::Threefold],
        _ => &[Aspect::Body],
    }
}

/// Something was evaluated, and of everything that must pass.
fn evaluated(metrics: &[GoldenMetric]) -> Check {
    let empty = metrics.iter().find(|metric| metric.required && metric.pairs.is_empty());
    let state = if metrics.iter().all(|metric| metric.pairs.is_empty()) {
        CheckState::Alarm("no case was evaluated, and no data is not a pass".to_owned())
    } else if let Some(metric) = empty {
        CheckState::Alarm(format!("{} must pass, and no case was evaluated by it", metric.name))
    } else {
        CheckState::Ok
    };
    Check { name: "evaluated", state }
}

/// No metric lost more halves than may be lost.
fn missing(metrics: &[GoldenMetric], ask: &GoldenAsk) -> Check {
    let beyond = metrics.iter().find(|metric| case::too_many_lost(metric, ask.missing_max));
    let state = beyond.map_or(CheckState::Ok, |metric| {
        CheckState::Alarm(format!(
            "{} of {} cases of {} lack a half, more than {} %",
            case::lost(metric),
            metric.pairs.len(),
            metric.name,
            ask.missing_max * 100.0
        ))
    });
    Check { name: "missing", state }
}

/// What the run might spend was enough; nothing to say where no cap was reached.
fn budget(ask: &GoldenAsk) -> Option<Check> {
    let capped = ask.capped.as_ref()?;
    let text =
        format!("the run was ended by {capped}, and part of a fixed sample is none; go on with a higher cap");
    Some(Check { name: "budget", state: CheckState::Alarm(text) })
}

/// The client was not what was slow; nothing to say where no times are judged.
fn client(metrics: &[GoldenMetric], ask: &GoldenAsk) -> Option<Check> {
    let timed = |metric: &GoldenMetric| metric.kind == MetricKind::Latency && !metric.pairs.is_empty();
    ask.client.filter(|_| metrics.iter().any(timed)).map(client_check)
}

/// Whether the client had the time to measure.
fn client_check(ClientTimers { watched, late }: ClientTimers) -> Check {
    let busy = watched >= WATCHED_MIN && LATE_MAX * late > watched;
    let alarm = || {
        CheckState::Alarm(format!(
            "the client was too busy to measure: its timers ran late for {:.1} of {:.1} s, so its times say as much of \
             itself as of the engines",
            late.as_secs_f64(),
            watched.as_secs_f64(),
        ))
    };
    Check { name: "client", state: if busy { alarm() } else { CheckState::Ok } }
}

/// The largest need among what must pass; `None` when one of them shows no trend toward passing.
fn needed(verdict: Verdict, metrics: &[MetricJudgment], needs: &[Option<u64>]) -> Option<u64> {
    if verdict != Verdict::Inconclusive {
        return Some(0);
    }
    let waiting = metrics.iter().zip(needs);
    waiting
        .filter(|(metric, _)| metric.required && metric.verdict != Verdict::Pass)
        .try_fold(0, |most, (_, needed)| Some((*needed)?.max(most)))
}

#[cfg(test)]
mod tests;
