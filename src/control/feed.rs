//! The timeline as it grows: what is kept, and what comes live.

use tokio::sync::broadcast;

use crate::store::Note;

/// Notes a slow reader may lag behind before it must read the kept ones again. A rollout makes some
/// dozens; this is far more than any.
pub(super) const NOTES_BEHIND_MAX: usize = 512;

/// Notes kept after the one the reader saw last, and those that follow live.
#[derive(Debug)]
pub struct Feed {
    /// Kept notes, oldest first.
    pub kept: Vec<Note>,
    /// What follows. It may repeat the last kept ones: skip ids that were seen. A note with id 0 could not
    /// be written (the store is lost) and exists only here. After `Lagged`, ask for a new feed.
    pub live: broadcast::Receiver<Note>,
}
