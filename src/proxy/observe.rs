//! From an answer on the wire to an observation.

use super::admission::{Ask, Place};
use crate::domain::{Arm, MetricName, ReleaseId};
use crate::evidence::{Observation, PromptDigest, Role, Said};
use crate::wire::{Answer, LiveGrader, answer_digest, degenerate, says_something};

/// One answer, and who gave it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) answer: Answer,
    pub(super) streamed: bool,
    pub(super) in_flight: u32,
    pub(super) release: ReleaseId,
    pub(super) arm: Arm,
    pub(super) role: Role,
    /// How late timers of this process ran between the request's placing and the answer's end, at most, in ms.
    pub(super) timers_late_ms: f64,
    /// Whether it is an answer of the release: its engine is not known to be another one.
    pub(super) is_genuine: bool,
}

/// What the answers to one request share.
pub(super) struct Observing<'a> {
    ask: &'a Ask,
    place: &'a Place,
    graders: &'a [LiveGrader],
    /// `None` where there is one answer, and nothing to compare it with.
    prompt: Option<PromptDigest>,
}

impl<'a> Observing<'a> {
    /// For an answer without copies; `None` for a request that is no question.
    pub(super) fn alone(ask: &'a Ask, place: &'a Place, graders: &'a [LiveGrader]) -> Option<Self> {
        ask.head.as_ref()?;
        Some(Self { ask, place, graders, prompt: None })
    }

    /// For answers that will be compared: digests their question once for all of them.
    pub(super) fn compared(ask: &'a Ask, place: &'a Place, graders: &'a [LiveGrader]) -> Option<Self> {
        let prompt = ask.head.as_ref()?.prompt_digest(&ask.body);
        Some(Self { ask, place, graders, prompt: Some(prompt) })
    }

    pub(super) fn observe(&self, seen: Seen) -> Observation {
        let Seen { answer, streamed, in_flight, release, arm, role, timers_late_ms, is_genuine: _ } = seen;
        Observation {
            request: self.ask.id.clone(),
            release,
            arm,
            role,
            epoch: self.place.table.epoch,
            share: self.place.table.split.candidate(),
            outcome: answer.outcome,
            clocks: answer.clocks,
            streamed,
            output_tokens: answer.usage.map(|usage| usage.completion_tokens),
            request_bytes: u32::try_from(self.ask.body.len()).unwrap_or(u32::MAX),
            prompt_tokens: answer.usage.map(|usage| usage.prompt_tokens),
            cached_tokens: answer.usage.and_then(|usage| usage.cached_tokens),
            answer: self.said(&answer),
            prompt: self.prompt,
            degenerate: degenerate(&answer.text),
            in_flight,
            timers_late_ms,
            sticky: self.place.sticky,
            tenant: self.ask.tenant.short(),
            scores: scores(self.graders, &answer),
        }
    }

    fn said(&self, answer: &Answer) -> Said {
        match self.prompt {
            Some(_) => answer_digest(answer).map_or(Said::Nothing, Said::Digest),
            None if says_something(answer) => Said::Something,
            None => Said::Nothing,
        }
    }
}

/// Only whole answers are scored. A broken one has no score, and a missing half is judged as the worst case
/// for the candidate; a score of its torso would let a broken baseline look like a bad one.
pub(super) fn scores(graders: &[LiveGrader], answer: &Answer) -> Vec<(MetricName, f64)> {
    let graders = graders.iter().filter(|_| answer.outcome.is_complete());
    graders.map(|grader| (grader.name().clone(), grader.score(&answer.text))).collect()
}
