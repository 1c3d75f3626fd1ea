//! The one task that owns a rollout: it hears, journals, and starts what is to be done.
//!
//! ```text
//! operators ─┐
//! samples ───┼─▶ next input ─▶ machine.apply ─▶ journal (durable) ─▶ effects started, never awaited
//! finished ──┤                                                            │
//! ticks ─────┘◀───────────────────────────────────────────────────────────┘ report back as inputs
//! ```
//!
//! One owner, one order of events. Nothing here waits for the network, so that a rollback never queues
//! behind a call; the local disk is waited for, because what is not durable has not happened. When the
//! disk fails, all clients go to the baseline until it works again.
//!
//! [`Control::spawn`] takes [`ControlParts`] and gives a [`Handle`], which is all that the admin port,
//! the demo and the command line know of it, and a [`ControlTask`], whose owner stops it and waits.
//!
//! Absent on purpose: HTTP, statistics, engines. The gate, the preparation of a candidate and the count of
//! requests in flight come in as functions.

mod effects;
mod error;
mod feed;
mod gathering;
mod handle;
mod input;
mod ledger;
mod look;
mod margins;
mod mirror_share;
mod pace;
mod parts;
mod resume;
mod start;
mod status;
mod step;
mod task;
mod warm_up;

pub use error::ControlError;
pub use feed::Feed;
pub use handle::Handle;
pub use ledger::Look;
pub use margins::Margins;
pub use parts::{ControlParts, GateRequest, GateRunner, InFlight, PrepareRunner, Releases};
pub use start::StartRequest;
pub use status::{Alphas, Needs, Status, StoreHealth};
pub use task::{Control, ControlTask};

#[cfg(test)]
mod tests;
