//! The response cache: an answer given before, for the same question, by the same release.
//!
//! A [`CacheKey`] is made of everything that an answer depends on: the release that would answer and its room's generation, the
//! tenant, the route, the whole request. The release is also the [`Namespace`], so that a flip looks into another room and a
//! rollback finds the old one warm. In memory, space is taken from the largest room first: a new release cannot push the old
//! one's answers out before it outgrew them.
//!
//! What is written passes the gate of [`admit`]: whole answers of the model's own ending, with nothing
//! left to chance, for a client. An entry lives for a fixed time from its writing; being read does not
//! renew it. What is kept are the bytes that the engine sent; whoever asks for the other shape gets them told in it, or asks anew
//! where they cannot be. Those who ask while the same question is under way read its answer along ([`Turn`]).
//!
//! What may be read is one small record, the [`Standing`]. Every look-up reads it at the same moment as the entry, so a release
//! that was revoked, or a tenant that was purged, is unreadable for every replica from the moment that is acknowledged.
//!
//! The second tier answers questions by answers to others that are alike, for templates that opt in: inside one partition (a key
//! with the question left out), past a lexical guard, and only while an always-valid bound on its false hits, from audits of
//! its own, lies within the budget. The store finds the nearest question; the answer is read from it like any other.
//!
//! What it refuses to do, test by test, and who reads along: the README beside this file.
//!
//! Three stores, memory, Redis and Qdrant, behind one trait. A store that does not answer is a cache without hits.
//!
//! Absent on purpose: evidence (a cached answer says nothing of what clients get, or how fast), and any message between replicas that
//! would have to arrive: what one changes is published where a store can, to free memory, and for nothing else.

mod alike;
mod breaker;
mod entry;
mod flights;
mod gate;
mod guard;
mod key;
mod ledger;
mod memory;
mod qdrant;
mod question;
mod redis;
mod remote;
mod semantic;
mod serving;
mod standing;
mod standing_file;
mod store;
mod trust;
mod vectors;

pub use alike::{Alike, Question};
pub use entry::{Entry, Facts};
pub use flights::{Feed, Follower, Head, Joined, Lost, Turn};
pub use gate::{NotStored, WriteFacts, admit};
pub use key::{CacheKey, Namespace, Tenant, TenantSecret};
pub use semantic::{Placed, SemanticOptions, SemanticStats};
pub use serving::{Answer, Cache, CacheOptions, Found, Hit, NamespaceStats, Request, Ticket};
pub use standing::{Change, Selector, Standing};
pub use store::CacheError;

#[cfg(test)]
pub(crate) mod testing;
