//! The route table: the whole of what the proxy knows about a rollout.

use super::Salt;
use crate::domain::{Arm, Share, Slot};

/// How clients are split. The baseline is the rest, so the two cannot fail to add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficSplit {
    candidate: Share,
}

impl TrafficSplit {
    /// All clients on the baseline.
    pub const BASELINE_ONLY: Self = Self { candidate: Share::ZERO };

    /// A split that gives `candidate` to the candidate.
    #[must_use]
    pub const fn new(candidate: Share) -> Self {
        Self { candidate }
    }

    /// The candidate's share.
    #[must_use]
    pub const fn candidate(self) -> Share {
        self.candidate
    }
}

/// What is copied to the other arm, and back to the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorPlan {
    /// Share of the baseline's requests copied to the candidate.
    pub share: Share,
    /// Share of the *mirrored* requests whose copy also goes back to the baseline (the noise floor).
    pub null_share: Share,
}

impl MirrorPlan {
    /// Nothing is copied.
    pub const OFF: Self = Self { share: Share::ZERO, null_share: Share::ZERO };
}

/// One published version of who answers what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Grows with every publication; the proxy ignores an older one.
    pub version: u64,
    /// Evidence is kept apart by epoch. It carries on across the stages of a rollout; a new epoch starts
    /// with every rollout and whenever what is judged changes under it.
    pub epoch: u64,
    /// The slot that plays baseline.
    pub baseline: Slot,
    /// How clients are split.
    pub split: TrafficSplit,
    /// What is copied.
    pub mirror: MirrorPlan,
    /// Keys the hashes.
    pub salt: Salt,
}

impl RouteTable {
    /// Everything on `baseline`, nothing copied: the table of a plain proxy and of every rollback.
    #[must_use]
    pub fn steady(version: u64, epoch: u64, baseline: Slot) -> Self {
        Self {
            version,
            epoch,
            baseline,
            split: TrafficSplit::BASELINE_ONLY,
            mirror: MirrorPlan::OFF,
            salt: Salt::derive("steady"),
        }
    }

    /// Whether two releases are being compared: the candidate gets clients or copies.
    #[must_use]
    pub fn compares(&self) -> bool {
        self.split.candidate() > Share::ZERO || self.mirror.share > Share::ZERO
    }

    /// The slot that plays `arm`.
    #[must_use]
    pub const fn slot(&self, arm: Arm) -> Slot {
        match arm {
            Arm::Baseline => self.baseline,
            Arm::Candidate => self.baseline.other(),
        }
    }
}
