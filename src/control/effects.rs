//! Effects: started here, never awaited; what runs on the network reports back as an input.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::FutureExt;

use super::gathering::{Gathering, place_of};
use super::input::Finished;
use super::ledger::Ledger;
use super::look::Looks;
use super::{Control, GateRequest, StoreHealth};
use crate::evidence::{PairingOptions, StageSplit};
use crate::judgment::{Judgment, Reason, Verdict};
use crate::rollout::{Effect, EffectKind, Event, Note, Rollout, Stage, StageVerdict};
use crate::routing::RouteTable;
use crate::store::{EvidencePlace, EvidenceWriter};

impl Control {
    /// Starts `effects` in their order. Only the local disk is waited for.
    pub(super) async fn perform_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect.kind {
                EffectKind::Publish(table) => publish(&self.parts.table, table),
                EffectKind::Prepare { epoch } => self.start_prepare(effect.id, epoch),
                EffectKind::RunGate { epoch } => self.start_gate(effect.id, epoch),
                EffectKind::OpenStage { stage } => self.open_stage(stage).await,
                EffectKind::ResetEvidence { .. } => self.reset_evidence(),
                // Watched at every tick, as long as the stage lasts.
                EffectKind::Drain { .. } => {}
                EffectKind::Notify { stage, text } => self.tell_unwritten(stage, text),
            }
        }
    }

    fn start_prepare(&mut self, id: String, epoch: u64) {
        let Some(rollout) = &self.rollout else { return };
        let prepared = (self.parts.prepare)(rollout.parts().origin.other());
        self.effects.spawn(async move {
            let result = AssertUnwindSafe(prepared).catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err("preparing it broke down; this is a bug".to_owned()));
            Finished::Prepared { id, epoch, result }
        });
    }

    fn start_gate(&mut self, id: String, epoch: u64) {
        let Some(rollout) = &self.rollout else { return };
        let baseline = rollout.parts().origin;
        let judged = (self.parts.gate)(GateRequest { baseline, candidate: baseline.other(), epoch });
        self.effects.spawn(async move {
            let result = AssertUnwindSafe(judged).catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err("the gate broke down; this is a bug".to_owned()));
            Finished::Gate { id, epoch, result: result.map(Arc::new) }
        });
    }

    /// Hears what an effect came to; once that is written, the effect is done.
    pub(super) async fn hear_finished(&mut self, finished: Finished) {
        let id = match finished {
            Finished::Prepared { id, epoch, result } => {
                if let Ok(Some(replays)) = &result {
                    self.hear_warm_up(epoch, replays).await;
                }
                let result = result.map(|_| ());
                self.hear(Event::Prepared { epoch, result }).await;
                id
            }
            Finished::Gate { id, epoch, result } => {
                self.hear_gate(epoch, result).await;
                id
            }
        };
        let now = self.parts.clock.wall();
        if let Err(error) = self.parts.store.effect_done(&id, now).await {
            tracing::warn!(%error, "an effect may be repeated after a restart");
        }
        self.show();
    }

    /// A gate that could not take place is invalid: no data is never a pass.
    async fn hear_gate(&mut self, epoch: u64, result: Result<Arc<Judgment>, String>) {
        let (verdict, reasons) = match &result {
            Ok(judgment) => (judgment.verdict, judgment.reasons.clone()),
            Err(why) => (Verdict::Invalid, vec![Reason::Note(why.clone())]),
        };
        let said = StageVerdict { epoch, stage: Stage::Gate, verdict, reasons };
        if let Ok(judgment) = result {
            self.keep_verdict(&said, &judgment, 0).await;
            self.gate_judgment = Some(judgment);
        }
        self.hear(Event::GateFinished(said)).await;
    }

    /// The place of `stage`'s evidence.
    pub(super) fn place(rollout: &Rollout, stage: Stage) -> EvidencePlace {
        let parts = rollout.parts();
        let (ordinal, name) = place_of(stage);
        EvidencePlace { rollout: parts.id.clone(), resets: parts.epoch - parts.first_epoch, ordinal, name }
    }

    pub(super) fn pairing_options(&self, epoch: u64) -> PairingOptions {
        PairingOptions { epoch, scores: self.parts.scores.clone(), tenant_max: self.parts.tenant_max }
    }

    fn reset_evidence(&mut self) {
        let Some(rollout) = &self.rollout else { return };
        let place = Self::place(rollout, Stage::Mirror);
        let digests = self.current_digests(rollout.parts().origin);
        let writer = EvidenceWriter::new(self.parts.evidence_dir.clone(), place).of(digests);
        let options = self.pairing_options(rollout.parts().epoch);
        // The policy was checked when the task began.
        self.gathering = Gathering::new(&self.parts.policy.specs(), options, writer).ok();
        self.looks = Looks::default();
        self.ledger = Ledger::default();
        self.gate_judgment = None;
        self.live_judgment = None;
    }

    /// How clients and copies are split in `stage`.
    pub(super) fn split(rollout: &Rollout, stage: Stage) -> StageSplit {
        let plan = &rollout.parts().plan;
        StageSplit { candidate: plan.candidate_share(stage), mirrored: plan.copies.share }
    }

    async fn open_stage(&mut self, stage: Stage) {
        let Some(rollout) = &self.rollout else { return };
        let split = Self::split(rollout, stage);
        let place = Self::place(rollout, stage);
        let Some(gathering) = &mut self.gathering else { return };
        gathering.open_stage(split);
        self.looks.open_stage(gathering, self.parts.clock.wall());
        if let Err(error) = self.on_writer(move |writer| writer.move_to(place)).await {
            self.unkept = Some(error.to_string());
        }
    }

    /// While the store is lost, notes go only to those who listen now.
    fn tell_unwritten(&self, stage: Stage, text: String) {
        if self.health == StoreHealth::Works {
            return;
        }
        if let Some(rollout) = &self.rollout {
            let at = self.parts.clock.wall();
            self.tell(vec![Note { id: 0, rollout: rollout.parts().id.clone(), at, stage, text }]);
        }
    }
}

/// One compare-and-swap moves everything that decides who answers: model, templates, defaults and the cache's room hang on the
/// slot that the table names. A table takes the place of an older one, and never of a newer.
fn publish(place: &ArcSwap<RouteTable>, next: RouteTable) {
    let next = Arc::new(next);
    place.rcu(|present| Arc::clone(if present.version < next.version { &next } else { present }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Slot;

    #[test]
    fn a_flip_is_one_compare_and_swap_and_an_older_table_comes_too_late() {
        let place = ArcSwap::from_pointee(RouteTable::steady(4, 1, Slot::Blue));
        let under_way = place.load_full();
        publish(&place, RouteTable::steady(6, 1, Slot::Green));
        assert_eq!((place.load().baseline, under_way.baseline), (Slot::Green, Slot::Blue));
        for late in [5, 6] {
            publish(&place, RouteTable::steady(late, 1, Slot::Blue));
            assert_eq!((place.load().version, place.load().baseline), (6, Slot::Green));
        }
    }
}
