//! Which operator's verbs are refused, and why.

use super::{Ending, Frozen, Live, Mode, OperatorCommand, Stage, State};
use crate::judgment::Verdict;

/// Why an operator's verb is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing moves any more.
    #[error("the rollout is over ({ending}); start a new one")]
    Over {
        /// How it ended.
        ending: Ending,
    },
    /// The candidate does not answer yet.
    #[error("cannot promote: the candidate is not ready yet")]
    NotReady,
    /// The golden gate has said nothing yet.
    #[error("cannot promote: the golden gate has not ended")]
    GateRunning,
    /// The evidence forbids it.
    #[error(
        "cannot promote: the verdict of {stage} is {verdict}; only pass and inconclusive can be overruled"
    )]
    Verdict {
        /// The stage.
        stage: Stage,
        /// Its verdict.
        verdict: Verdict,
    },
    /// A pause is ended before anything else.
    #[error("cannot {verb}: the rollout is paused; resume it first")]
    Paused {
        /// The verb.
        verb: &'static str,
    },
    /// Nothing that cannot be written down is done.
    #[error("cannot {verb}: the store does not work, and all clients are on the baseline until it does")]
    Frozen {
        /// The verb.
        verb: &'static str,
    },
    /// It waits for an operator as it is.
    #[error("cannot pause: the rollout is held already; promote, resume or abort it")]
    Held,
    /// It goes on by itself.
    #[error("cannot resume: the rollout is neither paused nor held")]
    NotStopped,
    /// The old release still serves.
    #[error("cannot roll back: nothing is promoted yet; abort sends everything back to the baseline")]
    NotPromoted,
}

/// Whether `command` may be given in `state`.
pub(super) fn permits(state: &State, command: &OperatorCommand) -> Result<(), Refusal> {
    let live = match state {
        State::Over(over) => return Err(Refusal::Over { ending: over.ending }),
        State::Live(live) => live,
    };
    let promoted = matches!(live.stage, Stage::Drain | Stage::KeepWarm);
    match command {
        OperatorCommand::Abort { .. } => Ok(()),
        OperatorCommand::Rollback { .. } if promoted => Ok(()),
        OperatorCommand::Rollback { .. } => Err(Refusal::NotPromoted),
        other if live.frozen == Frozen::Yes => Err(Refusal::Frozen { verb: other.name() }),
        OperatorCommand::Promote => promote(live),
        OperatorCommand::Pause => match live.mode {
            Mode::Running => Ok(()),
            Mode::Held(_) => Err(Refusal::Held),
            Mode::Paused => Err(Refusal::Paused { verb: "pause" }),
        },
        OperatorCommand::Resume if live.mode == Mode::Running => Err(Refusal::NotStopped),
        OperatorCommand::Resume => Ok(()),
    }
}

fn promote(live: &Live) -> Result<(), Refusal> {
    if live.mode == Mode::Paused {
        return Err(Refusal::Paused { verb: "promote" });
    }
    match (live.stage, live.verdict().map(|said| said.verdict)) {
        (Stage::Prepare, _) => Err(Refusal::NotReady),
        (Stage::Gate, None) => Err(Refusal::GateRunning),
        (stage, Some(verdict @ (Verdict::Fail | Verdict::Invalid))) => {
            Err(Refusal::Verdict { stage, verdict })
        }
        _ => Ok(()),
    }
}
