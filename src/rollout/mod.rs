//! The rollout machine: `apply(event, now) → effects`, pure; one table of legal moves.
//!
//! It never sees a number, only verdicts with their reasons. It is journalled before any effect is
//! started, so a crash repeats an effect at most, under the same idempotency id.

mod event;
mod stage;

pub use event::{Effect, EffectKind, Event, OperatorCommand, StageVerdict};
pub use stage::Stage;
