//! Golden cases judged while they come: the tests of live evidence, which hold at every look, on a seeded order of cases.

use super::{ClientTimers, GoldenAsk, client_check};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::Snapshot;
use crate::judgment::conclusion::{overall, reasons};
use crate::judgment::{Ask, Check, CheckState, Judgment, Policy, Question, Reason, Subject, Verdict, judge};

/// The checks of live evidence that mean something where both arms are asked the same cases.
const CHECKS: [&str; 1] = ["missing"];

/// One suite, as far as it was asked.
#[derive(Clone, Debug)]
pub struct SequentialEvidence<'e> {
    /// Put before the names of its metrics, where several suites are judged.
    pub prefix: Option<&'e str>,
    /// The cases that were judged, in their seeded order.
    pub snapshot: &'e Snapshot,
    /// What they are judged by. Its `abort_alpha` is this suite's share of the whole error budget.
    pub policy: &'e Policy,
    /// How the client fared.
    pub client: Option<ClientTimers>,
    /// Where it stopped, and what that saved; a sentence.
    pub note: String,
}

/// What the suites say together.
///
/// *Promise.* That of [`judge`], whenever the asking stops and for whatever reason: a candidate within its margins fails with
/// probability at most the sum of the suites' `abort_alpha`; one that is worse by a margin passes with at most
/// `promote_alpha`. *Assumes* cases that do not depend on each other, in an order that was fixed by a seed.
#[must_use]
pub fn judge_sequential(suites: &[SequentialEvidence<'_>], subject: &Subject) -> Judgment {
    let mut judged = suites.iter().map(|suite| one(suite, subject));
    let Some(mut whole) = judged.next() else { return nothing(subject) };
    for Judgment { metrics, checks, alpha, pairs_needed, .. } in judged {
        whole.metrics.extend(metrics);
        whole.checks.extend(checks);
        whole.pairs_needed = whole.pairs_needed.zip(pairs_needed).map(|(one, other)| one.max(other));
        if let Some((mine, more)) = whole.alpha.as_mut().zip(alpha) {
            mine.abort += more.abort;
            mine.log_e_abort = mine.log_e_abort.max(more.log_e_abort);
        }
    }
    whole.checks.sort_by_key(|check| !matches!(check.state, CheckState::Alarm(_)));
    whole.verdict = overall(&whole.metrics, &whole.checks);
    whole.reasons = reasons(whole.verdict, &whole.metrics, &whole.checks);
    whole.reasons.extend(suites.iter().map(|suite| Reason::Note(suite.note.clone())));
    whole
}

fn one(suite: &SequentialEvidence<'_>, subject: &Subject) -> Judgment {
    let SequentialEvidence { prefix, snapshot, policy, client, .. } = suite;
    let must_pass = policy.required();
    let mut judgment =
        judge(snapshot, policy, &Ask { question: Question::Golden, subject: subject.clone(), must_pass });
    judgment.checks.retain(|check| CHECKS.contains(&check.name));
    let evaluated = match snapshot.records() {
        0 => CheckState::Alarm("no case was evaluated, and no data is not a pass".to_owned()),
        _ => CheckState::Ok,
    };
    judgment.checks.insert(0, Check { name: "evaluated", state: evaluated });
    let timed = policy.metrics.iter().any(|rule| rule.kind == MetricKind::Latency);
    judgment.checks.extend(client.filter(|_| timed).map(client_check));
    if let Some(prefix) = prefix {
        for metric in &mut judgment.metrics {
            metric.name = MetricName::new(format!("{prefix}/{}", metric.name));
        }
    }
    judgment
}

fn nothing(subject: &Subject) -> Judgment {
    super::judge_golden(&[], &GoldenAsk::new(Question::Golden, subject.clone()))
}

/// Whether the asking may stop: what must pass passed, or something failed.
#[must_use]
pub fn is_decided(snapshot: &Snapshot, policy: &Policy) -> bool {
    let ask = Ask { question: Question::Golden, subject: Subject::default(), must_pass: policy.required() };
    matches!(judge(snapshot, policy, &ask).verdict, Verdict::Pass | Verdict::Fail)
}
