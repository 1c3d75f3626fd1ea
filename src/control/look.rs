//! Looks at live evidence: when, what is asked, and what becomes of the answer.

use std::sync::Arc;
use std::time::Duration;

use super::gathering::Gathering;
use super::ledger::Look;
use super::mirror_share::ShareSet;
use super::pace::Pace;
use super::{Control, Needs, StoreHealth};
use crate::domain::{MetricKind, MetricName, Timestamp};
use crate::evidence::{Sample, Snapshot};
use crate::judgment::{self, Ask, Judgment, LedgerPoint, Policy, Question, Reason, Subject, Verdict, judge};
use crate::rollout::{Event, Mode, Rollout, Stage, StageVerdict, State};
use crate::store::{EvidenceError, EvidenceWriter};
use crate::wire::VerdictRecord;

/// Records between looks. A look costs about as much as folding a few records; every look is valid, so
/// more of them only find a regression sooner.
const LOOK_RECORDS: u64 = 50;

/// How long evidence may stay in memory. A crash loses this much evidence at most, and never a decision.
const FLUSH_EVERY: Duration = Duration::from_secs(10);

/// What was looked at so far.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Records at the latest look, or when the stage began.
    seen: u64,
    /// How fast evidence comes in this stage.
    pace: Option<Pace>,
    /// When the mirror stage's share was set last, or the stage began.
    pub(super) share_set: Option<ShareSet>,
    /// The latest verdict of the stage.
    said: Option<Verdict>,
    /// The latest verdict, while it is not in the history: its word was known and nothing followed from it.
    unkept: Option<StageVerdict>,
}

impl Looks {
    /// A stage begins, or goes on after a restart, with this evidence on hand.
    pub(super) fn open_stage(&mut self, gathering: &Gathering, now: Timestamp) {
        let records = gathering.records();
        let (pace, share_set) = (Pace::begin(records, now), ShareSet::now(now, gathering));
        *self =
            Self { seen: records, pace: Some(pace), share_set: Some(share_set), said: None, unkept: None };
    }

    /// From now on evidence comes `factor` times as fast.
    pub(super) fn change_pace(&mut self, factor: f64, now: Timestamp) {
        if let Some(pace) = &mut self.pace {
            pace.change(factor, now);
        }
    }

    /// Records a second in this stage at its present share.
    pub(super) fn pace_per_s(&self, records: u64, now: Timestamp) -> Option<f64> {
        Some(self.pace?.per_s(records, now))
    }

    /// What the latest judgment asks for, at the pace at which this stage got its evidence so far.
    pub(super) fn needs(&self, judgment: &Judgment, records: u64, now: Timestamp) -> Option<Needs> {
        let pairs = judgment.pairs_needed.filter(|pairs| *pairs > 0)?;
        let pace = judgment::Pace::of(self.pace_per_s(records, now)?);
        Some(Needs { pairs, time: pace.and_then(|pace| pace.time(pairs)) })
    }
}

impl Control {
    /// Takes evidence while a stage is judged by it.
    pub(super) fn gather(&mut self, samples: &[Sample]) {
        let judged = matches!(self.stage(), Some(Stage::Mirror | Stage::Ramp { .. }));
        if let Some(gathering) = self.gathering.as_mut().filter(|_| judged) {
            gathering.take(samples);
        }
    }

    /// Looks when enough has come in, or at a tick when anything has. At 100 % the baseline has no requests
    /// left to compare with, so there the evidence on hand is looked at once though nothing is new.
    pub(super) async fn look_when_due(&mut self, at_tick: bool) {
        let (Some(rollout), Some(gathering)) = (&self.rollout, &self.gathering) else { return };
        let last = match rollout.stage() {
            Stage::Mirror => false,
            Stage::Ramp { index } => rollout.parts().plan.ramp.is_last(index),
            _ => return,
        };
        let new = gathering.records().saturating_sub(self.looks.seen);
        let due = new >= LOOK_RECORDS || (at_tick && (new > 0 || (last && self.looks.said.is_none())));
        if due {
            let judgment = self.look(rollout, gathering, last);
            self.act_on(rollout.stage(), rollout.parts().epoch, judgment).await;
        }
        if self.writer().is_some_and(EvidenceWriter::is_full) {
            self.flush_or_freeze().await;
        }
    }

    fn look(&self, rollout: &Rollout, gathering: &Gathering, last: bool) -> Judgment {
        let digests = self.current_digests(rollout.parts().origin);
        let stage = rollout.stage();
        let ask = Ask {
            question: if stage == Stage::Mirror { Question::Mirror } else { Question::Ramp },
            subject: Subject {
                baseline: digests.baseline,
                candidate: digests.candidate,
                policy: digests.policy,
                evidence: gathering.digest(),
            },
            must_pass: must_pass(&self.parts.policy, gathering.snapshot(), stage, last),
        };
        let pace = self.looks.pace_per_s(gathering.records(), self.parts.clock.wall());
        let mut judgment = judge(gathering.snapshot(), &self.parts.policy, &ask).at_pace(pace);
        if let Some(error) = gathering.refused() {
            judgment.verdict = Verdict::Invalid;
            judgment.reasons.insert(0, Reason::Note(format!("a record cannot be judged: {error}")));
        }
        judgment
    }

    async fn act_on(&mut self, stage: Stage, epoch: u64, judgment: Judgment) {
        let Some(gathering) = &self.gathering else { return };
        let records = gathering.records();
        let point = LedgerPoint::of(records, &judgment);
        point.into_iter().for_each(|point| self.ledger.push(Look { stage, point }));
        let (verdict, reasons) = (judgment.verdict, judgment.reasons.clone());
        let changed = self.looks.said != Some(verdict);
        self.looks.seen = records;
        self.looks.said = Some(verdict);
        let judgment = Arc::new(judgment);
        self.live_judgment = Some(Arc::clone(&judgment));
        let said = StageVerdict { epoch, stage, verdict, reasons };
        self.hear(Event::Judged(said.clone())).await;
        let moved = self.stage() != Some(stage);
        if changed || moved {
            self.keep_verdict(&said, &judgment, records).await;
        } else {
            self.looks.unkept = Some(said);
        }
        if moved {
            self.flush_or_freeze().await;
        } else {
            self.set_mirror_share().await;
        }
        self.show();
    }

    /// Lets time pass for the rollout. What it does then rests on the latest verdict, which the history must hold.
    pub(super) async fn hear_tick(&mut self) {
        let (before, seen, unkept) = (self.position(), self.looks.seen, self.looks.unkept.take());
        self.hear(Event::Tick).await;
        match (unkept, self.live_judgment.clone()) {
            (Some(said), Some(judgment)) if self.position() != before => {
                self.keep_verdict(&said, &judgment, seen).await;
            }
            (unkept, _) => self.looks.unkept = unkept,
        }
    }

    fn position(&self) -> Option<(Stage, Option<Mode>)> {
        let rollout = self.rollout.as_ref()?;
        let mode = match &rollout.parts().state {
            State::Live(live) => Some(live.mode),
            State::Over(_) => None,
        };
        Some((rollout.stage(), mode))
    }

    /// Writes a verdict on `records` records to the history.
    pub(super) async fn keep_verdict(&self, said: &StageVerdict, judgment: &Judgment, records: u64) {
        let Some(rollout) = self.rollout.as_ref().filter(|_| self.health == StoreHealth::Works) else {
            return;
        };
        let body = String::from_utf8(VerdictRecord::from(judgment).to_json_bytes()).unwrap_or_default();
        let now = self.parts.clock.wall();
        let kept = self.parts.store.verdict(&rollout.parts().id, now, said, records, &body).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "a verdict is missing in the history; the journal has its word");
        }
    }

    pub(super) async fn flush_when_due(&mut self) {
        let waiting = self.writer().is_some_and(|writer| writer.waiting() > 0);
        if waiting && self.parts.clock.wall().since(self.flushed) >= FLUSH_EVERY {
            self.flush_or_freeze().await;
        }
    }

    fn writer(&self) -> Option<&EvidenceWriter> {
        self.gathering.as_ref()?.writer.as_ref()
    }

    /// Evidence that cannot be kept is a lost store: what is decided on it could not be judged again.
    pub(super) async fn flush_or_freeze(&mut self) {
        if self.health != StoreHealth::Works {
            return;
        }
        if let Err(error) = self.flush().await {
            self.freeze(error.to_string()).await;
        }
    }

    /// Writes the evidence that is in memory.
    pub(super) async fn flush(&mut self) -> Result<(), EvidenceError> {
        self.flushed = self.parts.clock.wall();
        self.on_writer(EvidenceWriter::flush).await
    }

    /// Lets a blocking thread work on the evidence's files, so that clients of this process do not wait.
    pub(super) async fn on_writer(
        &mut self,
        work: impl FnOnce(&mut EvidenceWriter) -> Result<(), EvidenceError> + Send + 'static,
    ) -> Result<(), EvidenceError> {
        let Some(gathering) = &mut self.gathering else { return Ok(()) };
        let lost = || EvidenceError::Write {
            file: self.parts.evidence_dir.clone(),
            why: "an earlier write broke down; this is a bug, and a restart goes on from what is on disk"
                .to_owned(),
        };
        let Some(mut writer) = gathering.writer.take() else { return Err(lost()) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut writer);
            (writer, done)
        });
        let (writer, done) = done.await.map_err(|_| lost())?;
        gathering.writer = Some(writer);
        done
    }
}

/// Who must pass where. Ramp steps ask for no pass, only that nothing fails; the last one asks for all that
/// the policy requires and, because every client feels it, for the latencies. A latency that was never
/// measured cannot pass; where some were, only those are asked for (unstreamed answers have no first token).
fn must_pass(policy: &Policy, snapshot: &Snapshot, stage: Stage, last: bool) -> Vec<MetricName> {
    match stage {
        Stage::Mirror => policy.required(),
        Stage::Ramp { .. } if last => {
            let latencies = policy.metrics.iter().filter(|metric| metric.kind == MetricKind::Latency);
            let names: Vec<_> = latencies.map(|metric| metric.name.clone()).collect();
            let seen = |name: &MetricName| snapshot.metric(name).is_some_and(|metric| metric.pairs() > 0);
            let measured: Vec<_> = names.iter().filter(|name| seen(name)).cloned().collect();
            let mut all = policy.required();
            all.extend(if measured.is_empty() { names } else { measured });
            all
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::fixture;

    #[test]
    fn the_time_needed_follows_the_pace_of_the_stage() {
        let pace = Some(Pace::begin(100, Timestamp::from_millis(0)));
        let looks = Looks { pace, ..Looks::default() };
        let check = |pairs_needed, records, time| {
            let judgment = Judgment { pairs_needed, ..fixture::judgment() };
            let needs = looks.needs(&judgment, records, Timestamp::from_millis(60_000));
            assert_eq!(needs, time, "{pairs_needed:?} at {records} records");
        };
        check(Some(30), 160, Some(Needs { pairs: 30, time: Some(Duration::from_secs(30)) }));
        check(Some(30), 100, Some(Needs { pairs: 30, time: None }));
        check(Some(0), 160, None);
        check(None, 160, None);
    }
}
