//! The timeline as it grows: what is kept, then what comes live, in one order and without a gap.

use std::collections::VecDeque;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::ControlError;
use crate::rollout::Note;
use crate::store::Store;

/// Notes a slow reader may lag behind before it must read the kept ones again. A rollout makes some
/// dozens; this is far more than any.
pub(super) const NOTES_BEHIND_MAX: usize = 512;

/// Kept notes read at once.
pub(super) const NOTES_KEPT_MAX: u32 = 1_000;

/// A reader of the timeline.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    notes: broadcast::WeakSender<Note>,
    waiting: VecDeque<Note>,
    /// `None` while kept notes have to be read first.
    live: Option<broadcast::Receiver<Note>>,
    /// Id of the last note that was given out.
    last: u64,
}

impl Feed {
    /// A reader of what follows the note `after`.
    pub(super) async fn open(
        store: Store,
        notes: broadcast::WeakSender<Note>,
        after: u64,
    ) -> Result<Self, ControlError> {
        let mut feed = Self { store, notes, waiting: VecDeque::new(), live: None, last: after };
        feed.catch_up().await?;
        Ok(feed)
    }

    /// A reader of what is told from now on.
    pub(super) fn from_now(store: Store, notes: broadcast::WeakSender<Note>) -> Result<Self, ControlError> {
        let live = notes.upgrade().ok_or(ControlError::Stopped)?.subscribe();
        Ok(Self { store, notes, waiting: VecDeque::new(), live: Some(live), last: 0 })
    }

    /// The next note, kept or live; `None` when the control task has ended. A note with id 0 could not be
    /// written (the store is lost) and is given to those who listen now. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Note> {
        loop {
            while let Some(note) = self.waiting.pop_front() {
                if note.id == 0 || note.id > self.last {
                    self.last = self.last.max(note.id);
                    return Some(note);
                }
            }
            let Some(live) = &mut self.live else {
                // A store that cannot be read has no notes to give; what is told now still comes.
                if self.catch_up().await.is_err() {
                    self.live = Some(self.notes.upgrade()?.subscribe());
                }
                continue;
            };
            match live.recv().await {
                Ok(note) => self.waiting.push_back(note),
                // Too slow: what was missed is in the store.
                Err(RecvError::Lagged(_)) => self.live = None,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), ControlError> {
        // Live first: what is written in between is in both, and nothing is in neither.
        let live = self.notes.upgrade().ok_or(ControlError::Stopped)?.subscribe();
        let kept = self.store.notes(self.last, NOTES_KEPT_MAX).await?;
        let all = kept.len() < NOTES_KEPT_MAX as usize;
        self.waiting.extend(kept);
        self.live = all.then_some(live);
        Ok(())
    }
}
