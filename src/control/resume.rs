//! Taking up what the store holds after a restart.

use super::gathering::Gathering;
use super::{Control, ControlError};
use crate::rollout::{Effect, EffectKind, Event, Rollout, Stage};
use crate::store::{Digests, EvidenceError, EvidenceFiles, EvidenceWriter, Origin, StoredStage};

impl Control {
    /// Publishes the stored table before anything else, then goes on where the rollout stood: with the
    /// evidence that was kept, or from the start where what is judged has changed meanwhile.
    pub(super) async fn resume(&mut self) -> Result<(), ControlError> {
        // A policy that leaves no room for a test is refused now and not when a rollout starts.
        crate::evidence::Collector::new(&self.parts.policy.specs())?;
        let Some(stored) = self.parts.store.latest().await? else { return Ok(()) };
        self.parts.table.store(stored.rollout.table().into());
        let live = stored.rollout.stage().is_live();
        let epoch = stored.rollout.parts().epoch;
        let now = self.current_digests(stored.rollout.parts().origin);
        let changed = differences(&stored.digests, &now);
        let kept = if live { self.kept_evidence(&stored.rollout, &stored.digests).await } else { Ok(None) };
        self.rollout = Some(stored.rollout);
        self.digests = Some(if live { now } else { stored.digests });
        if !live {
            return Ok(());
        }
        self.hear(Event::Restarted { durable: stored.durable }).await;
        let what = match kept {
            Ok(gathering) => {
                if let Some(gathering) = gathering {
                    self.looks.open_stage(&gathering, self.parts.clock.wall());
                    self.gathering = Some(gathering);
                }
                changed
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(what) = what {
            self.hear(Event::DigestChanged { what }).await;
        }
        self.start_again(stored.pending, epoch).await;
        Ok(())
    }

    /// Effects that were not finished and are still wanted.
    async fn start_again(&mut self, pending: Vec<Effect>, epoch: u64) {
        let Some(rollout) = &self.rollout else { return };
        let wanted = |effect: &Effect| match effect.kind {
            EffectKind::Prepare { epoch: of } => of == epoch && rollout.stage() == Stage::Prepare,
            EffectKind::RunGate { epoch: of } => of == epoch && rollout.stage() == Stage::Gate,
            _ => false,
        };
        // After a change of what is judged, its own effects were started already.
        let same_epoch = rollout.parts().epoch == epoch;
        let again: Vec<_> = pending.into_iter().filter(|effect| same_epoch && wanted(effect)).collect();
        // One is enough, the latest: a gate that was resumed after a hold stands behind the one it repeats.
        self.perform_all(again.into_iter().last().into_iter().collect()).await;
    }

    /// The evidence on disk, if it is of what was judged when the journal was written.
    async fn kept_evidence(
        &self,
        rollout: &Rollout,
        of: &Digests,
    ) -> Result<Option<Gathering>, ControlError> {
        let stage = match rollout.stage() {
            stage @ (Stage::Mirror | Stage::Ramp { .. }) => stage,
            _ => Stage::Mirror,
        };
        let writer = EvidenceWriter::new(self.parts.evidence_dir.clone(), Self::place(rollout, stage));
        let writer = writer.of(of.clone());
        let (dir, origin) = (writer.dir(), Origin::from(of));
        let read =
            tokio::task::spawn_blocking(move || EvidenceFiles::of(&dir)?.expecting(origin).stages()).await;
        let stages: Vec<StoredStage> = match read {
            Ok(Ok(stages)) => stages,
            // Nothing was kept yet: a rollout before its first evidence, or killed within seconds of it.
            Ok(Err(EvidenceError::Nothing { .. } | EvidenceError::Absent { .. })) => Vec::new(),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(ControlError::Stopped),
        };
        let options = self.pairing_options(rollout.parts().epoch);
        let split = Self::split(rollout, stage);
        Ok(Some(Gathering::resumed(&self.parts.policy.specs(), options, writer, split, &stages)?))
    }
}

/// What differs between the digests that were stored and those of now, in words.
fn differences(stored: &Digests, now: &Digests) -> Option<String> {
    let Digests { baseline, candidate, policy } = stored;
    let named = [
        ("the baseline's release", baseline != &now.baseline),
        ("the candidate's release", candidate != &now.candidate),
        ("the policy", policy != &now.policy),
    ];
    let changed: Vec<_> = named.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    (!changed.is_empty()).then(|| format!("{} changed", changed.join(" and ")))
}
