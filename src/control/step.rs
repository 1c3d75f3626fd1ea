//! One step: hear, write, start. And what happens when it cannot be written.

use std::time::Duration;

use super::{Control, StoreHealth};
use crate::domain::Timestamp;
use crate::rollout::{Effect, Event, Note, Rollout};
use crate::store::{Cause, Step};

/// How long a journal write may take. A disk that hangs longer counts as lost: clients go to the baseline
/// and do not wait for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

impl Control {
    /// Lets the rollout hear `event`, writes what follows, then starts it.
    pub(super) async fn hear(&mut self, event: Event) {
        let Some(before) = &self.rollout else { return };
        let now = self.parts.clock.wall();
        let mut after = before.clone();
        let effects = after.apply(event.clone(), now);
        if self.health != StoreHealth::Works {
            return self.hear_unwritten(event).await;
        }
        if !after.is_news_after(before) {
            self.rollout = Some(after);
            return;
        }
        match self.write(&event, &after, &effects, now).await {
            Ok(notes) => {
                self.rollout = Some(after);
                self.perform_all(effects).await;
                self.tell(notes);
            }
            Err(why) => {
                // What could not be written has not happened: the rollout freezes where it stands on disk.
                // An abort and a Fail are heard all the same.
                self.freeze(why).await;
                self.hear_unwritten(event).await;
            }
        }
        if let Some(why) = self.unkept.take() {
            self.freeze(why).await;
        }
    }

    /// The same while nothing can be written. The frozen machine moves nowhere but back.
    async fn hear_unwritten(&mut self, event: Event) {
        let now = self.parts.clock.wall();
        if let Some(rollout) = &mut self.rollout {
            let effects = rollout.apply(event, now);
            self.perform_all(effects).await;
        }
    }

    async fn write(
        &self,
        event: &Event,
        rollout: &Rollout,
        effects: &[Effect],
        at: Timestamp,
    ) -> Result<Vec<Note>, String> {
        let Some(digests) = &self.digests else {
            return Err("nothing is known of what is judged".to_owned());
        };
        let step = Step { at, cause: Cause::Heard(event), digests, rollout, effects };
        match tokio::time::timeout(WRITE_TIMEOUT, self.parts.store.append(&step)).await {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(_) => Err(format!("the journal was not written within {WRITE_TIMEOUT:?}")),
        }
    }

    /// The store does not work: all clients to the baseline.
    pub(super) async fn freeze(&mut self, why: String) {
        tracing::error!(%why, "the store is lost; all clients go to the baseline");
        self.health = StoreHealth::Lost(why);
        self.unkept = None;
        self.hear_unwritten(Event::StateUnreadable).await;
    }

    /// Tries to write again, and goes on where the rollout stood when that works.
    pub(super) async fn regain_store(&mut self) {
        if self.health == StoreHealth::Works {
            return;
        }
        if let Err(error) = self.flush().await {
            self.health = StoreHealth::Lost(error.to_string());
            return;
        }
        let Some(mut rollout) = self.rollout.clone() else { return };
        let now = self.parts.clock.wall();
        let effects = rollout.apply(Event::StateReadable, now);
        match self.write(&Event::StateReadable, &rollout, &effects, now).await {
            Ok(notes) => {
                tracing::info!("the store works again");
                self.health = StoreHealth::Works;
                self.rollout = Some(rollout);
                self.perform_all(effects).await;
                self.tell(notes);
            }
            Err(why) => self.health = StoreHealth::Lost(why),
        }
    }

    /// Passes notes on to whoever listens, and to the log.
    pub(super) fn tell(&self, notes: Vec<Note>) {
        for note in notes {
            tracing::info!(rollout = %note.rollout, stage = %note.stage, "{}", note.text);
            // Nobody listening is no failure: the note is kept.
            let _ = self.notes.send(note);
        }
    }
}
