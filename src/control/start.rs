//! Starting a rollout.

use super::{Control, ControlError};
use crate::domain::RolloutId;
use crate::rollout::{Plan, Rollout, Start};
use crate::store::{Cause, Digests, Step};

/// What a new rollout may bring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartRequest {
    /// Its name; `None`: `r1`, `r2` …
    pub id: Option<RolloutId>,
    /// Its plan; `None`: the configured one.
    pub plan: Option<Plan>,
}

/// Bytes of a rollout's name: it becomes a directory.
const NAME_BYTES_MAX: usize = 64;

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

impl Control {
    /// Starts a rollout where none is under way. It exists once it is on disk.
    pub(super) async fn begin(&mut self, request: StartRequest) -> Result<RolloutId, ControlError> {
        if let Some(rollout) = self.rollout.as_ref().filter(|rollout| rollout.stage().is_live()) {
            return Err(ControlError::Busy { id: rollout.parts().id.clone(), stage: rollout.stage() });
        }
        let id = match request.id {
            Some(id) if is_name(id.as_str()) => id,
            Some(id) => return Err(ControlError::Name { id: id.to_string() }),
            None => RolloutId::new(format!("r{}", self.parts.store.count().await? + 1)),
        };
        let now = self.parts.clock.wall();
        let table = self.parts.table.load();
        let start = Start {
            id: id.clone(),
            plan: request.plan.unwrap_or_else(|| self.parts.plan.clone()),
            baseline: table.baseline,
            epoch: self.rollout.as_ref().map_or(0, |last| last.parts().epoch) + 1,
            table_version: table.version,
        };
        drop(table);
        let digests = self.current_digests(start.baseline);
        let (rollout, effects) = Rollout::begin(start, now);
        let step =
            Step { at: now, cause: Cause::Started, digests: &digests, rollout: &rollout, effects: &effects };
        let notes = self.parts.store.append(&step).await?;
        self.rollout = Some(rollout);
        self.digests = Some(digests);
        self.perform_all(effects).await;
        self.tell(notes);
        Ok(id)
    }

    /// What a rollout that starts from `baseline` now would judge.
    pub(super) fn current_digests(&self, baseline: crate::domain::Slot) -> Digests {
        let parts = &self.parts;
        Digests {
            baseline: parts.releases.of(baseline).to_string(),
            candidate: parts.releases.of(baseline.other()).to_string(),
            policy: parts.policy_digest.to_string(),
        }
    }
}
