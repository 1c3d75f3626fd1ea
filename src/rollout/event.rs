//! What a rollout hears, and what it asks for.

use std::time::Duration;

use super::Stage;
use crate::domain::{Share, Timestamp};
use crate::judgment::{Reason, Verdict};
use crate::routing::RouteTable;

/// A verdict as the machine receives it: the word, the decisive reasons, and nothing numeric to decide on.
#[derive(Clone, Debug, PartialEq)]
pub struct StageVerdict {
    /// The evidence epoch it was judged on; a verdict of another epoch is stale and ignored.
    pub epoch: u64,
    /// The stage it was asked for. Evidence grows across stages, so a Fail asked for an earlier stage
    /// of the same epoch still counts; every other verdict of another stage is stale.
    pub stage: Stage,
    /// What the judge said.
    pub verdict: Verdict,
    /// Why, decisive reason first.
    pub reasons: Vec<Reason>,
}

/// An operator's verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// Move on without waiting for the judge (refused where the verdict is Fail or Invalid).
    Promote,
    /// Stop the clock and keep the present weights.
    Pause,
    /// Go on after a pause; after a hold, give the stage its time once more.
    Resume,
    /// Everything back to the baseline.
    Abort {
        /// Why, for the history.
        why: String,
    },
    /// After promotion: everything back to the old release.
    Rollback {
        /// Why, for the history.
        why: String,
    },
}

impl OperatorCommand {
    /// The verb.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort { .. } => "abort",
            Self::Rollback { .. } => "rollback",
        }
    }
}

/// What a rollout hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The candidate is ready, or why it is not.
    Prepared {
        /// The epoch whose effect asked; an answer of another epoch is stale and ignored.
        epoch: u64,
        /// Nothing, or what stood in the way.
        result: Result<(), String>,
    },
    /// The golden gate ended.
    GateFinished(StageVerdict),
    /// The judge looked at live evidence.
    Judged(StageVerdict),
    /// The judge needs more copies to decide in time, or fewer; heard in the mirror stage only.
    MirrorShare {
        /// The epoch whose evidence says so.
        epoch: u64,
        /// The share that is to be copied; the plan bounds it.
        share: Share,
        /// Why, as a clause.
        why: String,
    },
    /// Time passed.
    Tick,
    /// The old baseline has nothing in flight any more, or the drain limit was reached.
    Drained,
    /// A release, the policy or the configuration changed under the rollout: evidence starts anew.
    DigestChanged {
        /// What changed, as a clause: `the policy changed`.
        what: String,
    },
    /// The store cannot be read or written: traffic goes to the baseline until it can.
    StateUnreadable,
    /// The store works again.
    StateReadable,
    /// The process started again and read this rollout from the store. Time that nobody watched
    /// does not count, and the verdict must be given again on the evidence that was kept.
    Restarted {
        /// When the stored state was written.
        durable: Timestamp,
    },
    /// An operator spoke.
    Operator(OperatorCommand),
}

impl Event {
    /// The word used in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Prepared { .. } => "prepared",
            Self::GateFinished(_) => "gate_finished",
            Self::Judged(_) => "judged",
            Self::MirrorShare { .. } => "mirror_share",
            Self::Tick => "tick",
            Self::Drained => "drained",
            Self::DigestChanged { .. } => "digest_changed",
            Self::StateUnreadable => "state_unreadable",
            Self::StateReadable => "state_readable",
            Self::Restarted { .. } => "restarted",
            Self::Operator(command) => command.name(),
        }
    }
}

/// What a rollout asks to be done. The id makes a repetition after a crash harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Idempotency id: `<rollout>/<n>`.
    pub id: String,
    /// What to do.
    pub kind: EffectKind,
}

/// The kinds of effect.
#[derive(Clone, Debug, PartialEq)]
pub enum EffectKind {
    /// Start, attest and warm the candidate's slot.
    Prepare {
        /// The epoch the answer must carry.
        epoch: u64,
    },
    /// Run the golden suites against both slots.
    RunGate {
        /// The epoch the verdict must carry.
        epoch: u64,
    },
    /// Publish a route table: the only way traffic ever moves.
    Publish(RouteTable),
    /// The stage begins to be judged: what was learned so far stays, and the judge opens one more
    /// wallet on the abort side, so that a fault that begins here is found as fast as a fresh one.
    OpenStage {
        /// The stage that begins.
        stage: Stage,
    },
    /// Throw the evidence away and start the given epoch.
    ResetEvidence {
        /// The new epoch.
        epoch: u64,
    },
    /// Tell us when the old baseline has nothing in flight.
    Drain {
        /// How long it may take.
        limit: Duration,
    },
    /// Tell people.
    Notify {
        /// The stage it is about.
        stage: Stage,
        /// One sentence with the numbers in it.
        text: String,
    },
}

impl EffectKind {
    /// The word used in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Prepare { .. } => "prepare",
            Self::RunGate { .. } => "run_gate",
            Self::Publish(_) => "publish",
            Self::OpenStage { .. } => "open_stage",
            Self::ResetEvidence { .. } => "reset_evidence",
            Self::Drain { .. } => "drain",
            Self::Notify { .. } => "notify",
        }
    }
}
