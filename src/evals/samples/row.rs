//! One row of the file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Kept;
use crate::domain::{Arm, Clocks, Finish, Missing, Outcome};
use crate::evals::latency::{Times, Timing, whole_micros};
use crate::evals::order::Turn;
use crate::evals::run::Score;
use crate::evals::suite::Suite;
use crate::wire::{Answer, Usage};

#[derive(Serialize, Deserialize)]
pub(super) struct Row<'r> {
    #[serde(borrow)]
    pub(super) suite: Cow<'r, str>,
    #[serde(borrow)]
    pub(super) id: Cow<'r, str>,
    #[serde(with = "crate::wire::words::arm")]
    arm: Arm,
    repeat: u32,
    #[serde(borrow)]
    outcome: Cow<'r, str>,
    /// For people: what is read again is graded again.
    #[serde(default)]
    scores: BTreeMap<String, Option<f64>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    output: Option<Cow<'r, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    timing: BTreeMap<Cow<'r, str>, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "is_zero")]
    refused: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(borrow)]
    pub(super) run: Cow<'r, str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What is written where no answer came.
const LOST: &str = "lost";

impl<'r> Row<'r> {
    pub(super) fn of(suite: &'r Suite, run: &'r str, kept: &'r Kept, scores: &[Score]) -> Self {
        let Kept { turn, answer, times, usage, refused } = kept;
        let names = suite.metrics.iter().map(|metric| metric.name.to_string());
        let timing = Timing::ALL.iter().zip(times);
        let timing = timing.filter_map(|(timing, ms)| Some((Cow::from(timing.metric()), (*ms)?)));
        Self {
            suite: Cow::from(&suite.name),
            id: Cow::from(&suite.cases[turn.case].id),
            arm: turn.arm,
            repeat: turn.repeat,
            outcome: answer.as_ref().map_or(Cow::from(LOST), |answer| answer.outcome.to_string().into()),
            scores: names
                .zip(scores)
                .filter(|(_, score)| **score != Score::Pending)
                .map(|(name, score)| (name, score.value()))
                .collect(),
            output: answer.as_ref().map(|answer| Cow::from(&answer.text)),
            tool_calls: answer.as_ref().and_then(|answer| raw(answer.tool_calls.as_deref()?)),
            timing: timing.collect(),
            prompt_tokens: usage.map(|usage| usage.prompt_tokens),
            output_tokens: usage.map(|usage| usage.completion_tokens),
            refused: *refused,
            error: answer.as_ref().and_then(|answer| answer.error.clone()),
            run: Cow::from(run),
        }
    }

    /// What was kept; `None` when the row says what no run could have written.
    pub(super) fn kept(self, case: usize, repeats: u32) -> Option<Kept> {
        let turn = Turn { case, repeat: self.repeat, arm: self.arm };
        let mut times = Times::default();
        for (name, ms) in &self.timing {
            let at = Timing::ALL.iter().position(|timing| timing.metric() == name)?;
            times[at] = Some(whole_micros(*ms));
        }
        let usage = self.output_tokens.map(|completion_tokens| Usage {
            prompt_tokens: self.prompt_tokens.unwrap_or(0),
            completion_tokens,
            cached_tokens: None,
        });
        let end_ms = self.timing.get(Timing::E2e.metric()).copied().map(whole_micros);
        let outcome = if self.outcome == LOST { None } else { Some(outcome(&self.outcome)?) };
        let answer = outcome.map(|outcome| Answer {
            outcome,
            // The one time that a grader may ask for.
            clocks: Clocks { end_ms: end_ms.unwrap_or_default(), ..Clocks::default() },
            text: self.output.unwrap_or_default().into_owned(),
            tool_calls: self.tool_calls.map(|calls| text(&calls)),
            usage,
            fingerprint: None,
            token_chunks: 0,
            error: self.error,
        });
        (self.repeat < repeats).then_some(Kept { turn, answer, times, usage, refused: self.refused })
    }
}

/// Tool calls were written as JSON; should they be none, the text itself is kept.
fn raw(calls: &str) -> Option<Box<RawValue>> {
    let json = RawValue::from_string(calls.to_owned());
    json.or_else(|_| RawValue::from_string(serde_json::Value::from(calls).to_string())).ok()
}

fn text(calls: &RawValue) -> String {
    serde_json::from_str(calls.get()).unwrap_or_else(|_| calls.get().to_owned())
}

/// The outcome that is written so.
fn outcome(text: &str) -> Option<Outcome> {
    if let Some(status) = text.strip_prefix("errored(").and_then(|rest| rest.strip_suffix(')')) {
        return status.parse().ok().map(Outcome::Errored);
    }
    let missing = [Missing::Finish, Missing::Terminator].map(Outcome::Truncated);
    let others = [Outcome::Aborted, Outcome::Stalled, Outcome::ClientGone];
    let mut all = Finish::ALL.map(Outcome::Complete).into_iter().chain(missing).chain(others);
    all.find(|outcome| outcome.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_reads_back() {
        let all = Finish::ALL.map(Outcome::Complete).into_iter();
        let all = all.chain([Missing::Finish, Missing::Terminator].map(Outcome::Truncated));
        for one in all.chain([Outcome::Aborted, Outcome::Errored(500), Outcome::Stalled, Outcome::ClientGone])
        {
            assert_eq!(outcome(&one.to_string()), Some(one));
        }
        assert_eq!((outcome("well"), outcome("errored(x)")), (None, None));
    }

    #[test]
    fn tool_calls_read_back_byte_for_byte() {
        for calls in ["[{\"arguments\":{\"n\":12345678901234567890123},\"name\":\"f\"}]", "not \"JSON"] {
            assert_eq!(text(&raw(calls).unwrap()), calls);
        }
    }
}
