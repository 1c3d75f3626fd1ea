//! What a rollout hears, and what it asks for.

use crate::judgment::{Reason, Verdict};
use crate::routing::RouteTable;

use super::Stage;

/// A verdict as the machine receives it: the word, the decisive reasons, and nothing numeric to decide on.
#[derive(Clone, Debug, PartialEq)]
pub struct StageVerdict {
    /// The evidence epoch it was judged on; a verdict of another epoch is stale and ignored.
    pub epoch: u64,
    /// What the judge said.
    pub verdict: Verdict,
    /// Why, decisive reason first.
    pub reasons: Vec<Reason>,
}

/// An operator's verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// Move on without waiting for the judge (refused where a verdict is Fail or Invalid).
    Promote,
    /// Stop the clock and keep the present weights.
    Pause,
    /// Go on after a pause.
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

/// What a rollout hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The candidate is ready, or why it is not.
    Prepared(Result<(), String>),
    /// The golden gate ended.
    GateFinished(StageVerdict),
    /// The judge looked at live evidence.
    Judged(StageVerdict),
    /// Time passed.
    Tick,
    /// The old baseline has nothing in flight any more, or the drain limit was reached.
    Drained,
    /// A release, the policy or the configuration changed under the rollout: evidence starts anew.
    DigestChanged {
        /// What changed.
        what: String,
    },
    /// The store cannot be read or written: traffic goes to the baseline until it can.
    StateUnreadable,
    /// The store works again.
    StateReadable,
    /// An operator spoke.
    Operator(OperatorCommand),
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
    Prepare,
    /// Run the golden suites against both slots.
    RunGate {
        /// The epoch the verdict must carry.
        epoch: u64,
    },
    /// Publish a route table: the only way traffic ever moves.
    Publish(RouteTable),
    /// Throw the evidence away and start the given epoch.
    ResetEvidence {
        /// The new epoch.
        epoch: u64,
    },
    /// Tell us when the old baseline has nothing in flight.
    Drain,
    /// Tell people.
    Notify {
        /// The stage it is about.
        stage: Stage,
        /// One sentence with the numbers in it.
        text: String,
    },
}
