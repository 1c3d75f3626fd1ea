//! A write to the disk takes no virtual time.

use std::sync::mpsc;

/// While this lives, a paused runtime does not move its clock. The database works on a thread of its
/// own, which such a runtime takes for idleness: it would run into every timeout while the disk is
/// busy, and a run would depend on the disk. A blocking task is what the runtime knows to wait for; it
/// ends when this is dropped. On an ordinary runtime it does nothing but wait beside the write.
pub(super) struct TimeHeld {
    _until_dropped: mpsc::SyncSender<()>,
}

impl TimeHeld {
    pub(super) fn now() -> Self {
        // Nothing is ever sent, so there is room for nothing.
        let (held, released) = mpsc::sync_channel(0);
        // Its end is the end of `held`; nobody has to wait for it.
        drop(tokio::task::spawn_blocking(move || released.recv().is_err()));
        Self { _until_dropped: held }
    }
}
