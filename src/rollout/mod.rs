//! A rollout from its first stage to its end, as a pure machine.

#![doc = include_str!("README.md")]
//!
//! ## For those who change it
//!
//! [`Rollout::apply`] is pure: event and time in, effects out. It never sees a number, only verdicts
//! with their reasons. It is journalled before any effect is started, so that a crash repeats an
//! effect at most, under the same id. Hearing an event only notes what it says (or, for an abort and
//! a Fail, ends the rollout); what the stage then calls for is one function of state, plan and time.
//! [`legal`] is the one table of moves.
//!
//! Absent on purpose: statistics, evidence, IO, clocks, network, serialisation.

mod decide;
mod ending;
mod event;
mod machine;
mod moves;
mod note;
mod plan;
mod refusal;
mod stage;
mod state;
mod steps;
mod text;
mod waiting;

pub use ending::Ending;
pub use event::{Effect, EffectKind, Event, OperatorCommand, StageVerdict};
pub use machine::{Parts, PartsError, Rollout, Start};
pub use moves::legal;
pub use note::Note;
pub use plan::{OnInconclusive, Plan, PlanError, Ramp, Window};
pub use refusal::Refusal;
pub use stage::{Stage, StageError};
pub use state::{Finding, Frozen, Hold, Live, Mode, Over, StageClock, State};
pub use waiting::Waiting;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
