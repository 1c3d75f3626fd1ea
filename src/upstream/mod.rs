//! Engines over the network: one pool a slot, its time limits, its failures by name, its readiness.
//!
//! A [`Pool`] sends one request to the least loaded of its endpoints and hands back a [`Reply`]
//! whose body is read as it comes. The connection is driven by whoever reads the reply, not by a task
//! of its own: dropping a reply closes the connection in the same instant, so an answer that nobody
//! waits for stops costing the engine time.
//!
//! Four limits and separate: connect, first byte, idle between bytes, and an optional total. A request
//! is sent again only before the head of its answer and only inside the same pool: to another engine when the connection
//! was refused, so that nothing of it can have reached the first; to the same engine, on a new connection, when a kept one
//! was closed before it was written, or within a second of it, because the engine had given it up just before. What ends
//! later may be what the request did to the engine, and goes to no other one.
//!
//! An endpoint that fails several times in a row is passed over for a while, longer each time, as long as another one
//! of its pool is not: a pool never becomes empty, and nothing moves to another pool.
//!
//! [`report`] asks an engine what it is, so that whoever knows the release can tell that it is not what was locked.
//!
//! Absent on purpose: arms, deploying, evidence, TLS (engines are reached in clear text, inside one
//! network), HTTP/2 (one connection with silent queueing would hide load from the counters).

mod attest;
mod endpoint;
mod error;
mod health;
mod identity;
mod line;
mod options;
mod pool;
mod probe;
mod reply;
mod seat;
mod strict;

pub use attest::{answers, report};
pub use endpoint::{Endpoint, EndpointError};
pub use error::{Limit, UpstreamError};
pub use identity::Identity;
pub use options::{Outgoing, PoolOptions, Timeouts, Weight};
pub use pool::Pool;
pub use probe::{ProbeError, ProbeFault, Ready, models, ready, warm};
pub use reply::{Reply, ReplyBody};
pub use seat::{EndpointState, IDLE_AGE_MAX};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
