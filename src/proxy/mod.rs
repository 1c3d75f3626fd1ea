//! The data plane: what users feel.
//!
//! The walk of one request: [`start`]'s accept loop hands it to the handler; `admission` reads it and
//! places it on an arm; that arm's release looks into its cache, is applied to the body, and its pool
//! answers; `relay` passes the bytes on untouched while `flight` watches a copy of them; at the end the
//! answer becomes an observation, joined with those of its copies (`mirror`), and leaves as a
//! [`crate::evidence::Sample`].
//!
//! What holds here:
//! - The table is read once per request, the slot's occupant once; a request ends on the release it was
//!   admitted to, whatever is published meanwhile.
//! - A client never waits for a copy: copies have their own bound and limits, and what does not fit is dropped
//!   and counted. `offered = sent + dropped`, and once all have ended `sent = paired + orphaned`.
//! - A client that leaves drops its answer, and with it the connection to the engine. State of a request is
//!   owned by its future or its body, so there is no map to clean up.
//! - An answer that others read along, because they asked the same meanwhile, is read on for them when its client leaves, and
//!   ends when the last of them has left. They are no evidence, and neither is what the cache answers.
//! - An engine that breaks off ends the client's answer with an error, never with a clean end.
//! - A request whose end could be in doubt is refused and ends its connection; every other body goes on whole, with
//!   one length, in a head of our own. What the HTTP server would settle silently (a length beside chunks, the same length
//!   twice, chunk extensions) is refused before it: see `strict`. Lines of a head that end without CR are read as lines.
//! - The Responses route is compared as chat is, but for what an engine is to remember or to run: see `responses`.
//! - One event may be taken out again: the usage chunk that the proxy itself asked for. Nothing else changes.
//!
//! Absent on purpose: decisions, verdicts, stages, a cache for the Responses route. Not built yet: observation of the
//! embeddings route (it is relayed, and is no evidence).

mod admission;
mod along;
mod apply;
mod asking;
mod caching;
mod connection;
mod counters;
mod deadline;
mod favourites;
mod flight;
mod handler;
mod head;
mod headers;
mod leading;
mod mirror;
mod observe;
mod options;
mod parts;
mod pin;
mod recorder;
mod refusal;
mod relay;
mod repeat;
mod responses;
mod route;
mod server;
mod socket;
mod sticky;
mod strict;
mod timers;
mod usage_filter;
mod warm_up;

pub use counters::{CopyCounters, CopyCounts, Counters, Counts, RequestCounters, RequestCounts};
pub use options::{Limits, MirrorOptions, ProxyOptions, UsageChunks};
pub use parts::{Deployed, Occupant, ProxyParts, Slots};
pub use pin::PinKeys;
pub use server::{DrainReport, Running, start};
pub use sticky::{StickyForm, StickySource};
pub use warm_up::{WarmUp, WarmUpOptions, Warmed};

#[cfg(test)]
mod tests;
