//! Why a request to the control task is refused.

use crate::domain::RolloutId;
use crate::evidence::EvidenceError;
use crate::rollout::{Refusal, Stage};
use crate::store::StoreError;

/// Why the control task cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// One rollout at a time.
    #[error(
        "rollout {id} is under way ({stage}): abort it, or promote it to its end, before another one starts"
    )]
    Busy {
        /// The one under way.
        id: RolloutId,
        /// Where it stands.
        stage: Stage,
    },
    /// No such rollout is under way.
    #[error("no rollout {id} is under way")]
    Unknown {
        /// What was asked for.
        id: RolloutId,
    },
    /// A name that is not fit for a directory.
    #[error(
        "a rollout is named by 1 to 64 letters, digits, dots, dashes and underscores, starting with a letter or digit, not {id:?}"
    )]
    Name {
        /// The name.
        id: String,
    },
    /// The machine refuses the verb.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy leaves no room for a test.
    #[error("the policy cannot be judged by: {0}")]
    Policy(#[from] EvidenceError),
    /// The evidence that was kept cannot be taken up again.
    #[error("the evidence that was kept cannot be used: {0}")]
    Evidence(#[from] crate::store::EvidenceError),
    /// The control task has ended.
    #[error("the controller has stopped")]
    Stopped,
}
