//! Whether an engine is still what its release was locked to, as far as anyone knows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use tracing::{info, warn};

/// One endpoint's identity. Until somebody asks, it is believed to be what it should be, unless it is to be asked first.
#[derive(Debug)]
pub struct Identity {
    /// `host:port`.
    endpoint: String,
    has_drifted: AtomicBool,
    /// Times that it was found to be something else.
    doubts: AtomicU64,
    /// What it says counts only while it is confirmed.
    is_to_be_confirmed: AtomicBool,
    /// Nobody has asked yet, or nobody was there since.
    is_unconfirmed: AtomicBool,
    /// Whether anybody asks engines here what they are.
    is_asked: AtomicBool,
    /// It was passed over for failing, and may come back as another process.
    may_be_another: AtomicBool,
    /// The `system_fingerprint` that it had when it was asked.
    fingerprint: ArcSwapOption<String>,
}

impl Identity {
    pub(super) fn of(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            has_drifted: AtomicBool::new(false),
            doubts: AtomicU64::new(0),
            is_to_be_confirmed: AtomicBool::new(false),
            is_unconfirmed: AtomicBool::new(false),
            is_asked: AtomicBool::new(false),
            may_be_another: AtomicBool::new(false),
            fingerprint: ArcSwapOption::empty(),
        }
    }

    /// From now on it gets requests as ever, and nothing that it says is evidence or cached while it is not confirmed.
    pub fn confirm_first(&self) {
        self.is_to_be_confirmed.store(true, Ordering::Relaxed);
        self.is_unconfirmed.store(true, Ordering::Relaxed);
    }

    /// It was asked, and is what it should be; its answers carry this fingerprint.
    pub fn confirm(&self, fingerprint: Option<String>) {
        self.fingerprint.store(fingerprint.map(std::sync::Arc::new));
        self.is_asked.store(true, Ordering::Relaxed);
        self.is_unconfirmed.store(false, Ordering::Relaxed);
        self.may_be_another.store(false, Ordering::Relaxed);
        if self.has_drifted.swap(false, Ordering::Relaxed) {
            info!(endpoint = self.endpoint, "an engine is what its release was locked to again");
        }
    }

    /// It is not what it should be: it gets requests only where no other engine of its pool can take them, and nothing
    /// that it says is evidence.
    pub fn doubt(&self, why: &str) {
        self.may_be_another.store(false, Ordering::Relaxed);
        if !self.has_drifted.swap(true, Ordering::Relaxed) {
            self.doubts.fetch_add(1, Ordering::Relaxed);
            warn!(endpoint = self.endpoint, "an engine is not what its release was locked to: {why}");
        }
    }

    /// It is passed over for failing. Where engines are asked what they are, it is asked before it gets requests again.
    pub(super) fn leave(&self) {
        self.may_be_another.store(self.is_asked.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Nobody listens there. Who listens next may be another process, which gets requests and is to be confirmed first.
    pub(super) fn is_away(&self) {
        if self.is_to_be_confirmed.load(Ordering::Relaxed) {
            self.is_unconfirmed.store(true, Ordering::Relaxed);
        }
    }

    /// Whether what it says counts for nothing until it is asked.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.is_unconfirmed.load(Ordering::Relaxed)
    }

    /// Times that it was found to be something else.
    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Relaxed)
    }

    /// Whether it is to be asked before it gets requests again.
    pub(super) fn may_be_another(&self) -> bool {
        self.may_be_another.load(Ordering::Relaxed)
    }

    /// Whether it is known not to be what it should be.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.has_drifted.load(Ordering::Relaxed)
    }

    /// Whether an answer with this fingerprint is the release's own. One that is another engine's shows that it was
    /// exchanged since it was asked.
    #[must_use]
    pub fn vouches_for(&self, fingerprint: Option<&str>) -> bool {
        let known = self.fingerprint.load();
        if let (Some(known), Some(other)) = (known.as_deref(), fingerprint)
            && known != other
        {
            self.doubt(&format!("its answers had the fingerprint {known:?}, and now have {other:?}"));
        }
        !self.has_drifted() && !self.may_be_another() && !self.is_unconfirmed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_fingerprint_is_another_engine_until_it_is_asked_again() {
        let identity = Identity::of("engine:1");
        assert!(identity.vouches_for(Some("f1")) && identity.vouches_for(None), "nobody asked yet");
        identity.confirm(Some("f1".to_owned()));
        assert!(identity.vouches_for(Some("f1")) && identity.vouches_for(None));
        assert!(!identity.vouches_for(Some("f2")));
        assert!(!identity.vouches_for(Some("f1")), "which of the two is the release nobody knows");
        identity.confirm(Some("f2".to_owned()));
        assert!(identity.vouches_for(Some("f2")));
        identity.doubt("its chat template is another one");
        assert!(!identity.vouches_for(Some("f2")) && identity.has_drifted());
    }

    #[test]
    fn who_is_to_be_confirmed_first_counts_for_nothing_before_and_after_nobody_was_there() {
        let identity = Identity::of("engine:1");
        identity.is_away();
        assert!(identity.vouches_for(None), "nobody would ask it");
        identity.confirm_first();
        assert!(!identity.vouches_for(None) && !identity.has_drifted() && !identity.may_be_another());
        identity.confirm(None);
        assert!(identity.vouches_for(None));
        identity.is_away();
        assert!(!identity.vouches_for(None) && !identity.has_drifted() && !identity.may_be_another());
        identity.confirm(None);
        assert!(identity.vouches_for(None));
        identity.doubt("it is another one");
        identity.doubt("it still is");
        assert_eq!(identity.doubts(), 1);
    }

    #[test]
    fn who_was_passed_over_is_asked_again_where_anybody_asks() {
        let identity = Identity::of("engine:1");
        identity.leave();
        assert!(!identity.may_be_another() && identity.vouches_for(None), "nobody would ask it");
        identity.confirm(None);
        identity.leave();
        assert!(identity.may_be_another() && !identity.vouches_for(None) && !identity.has_drifted());
        identity.confirm(None);
        assert!(!identity.may_be_another() && identity.vouches_for(None));
    }
}
