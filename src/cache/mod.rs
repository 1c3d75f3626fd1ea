//! The exact response cache: an answer given before, for the same question, by the same release.
//!
//! A [`CacheKey`] is made of the release that would answer, the tenant, the route and the request's bytes; the
//! release is also the *namespace*, so that a flip looks into another room and a rollback finds the old one
//! warm. Space is taken from the largest namespace first: a new release cannot push the old one's answers
//! out before it outgrew them.
//!
//! What is written passes the gate of [`admit`]: whole answers of the model's own ending, with nothing
//! left to chance, for a client. An entry lives for a fixed time from its writing; being read does not
//! renew it. What is replayed are the bytes that were sent, so a stream and a body are different entries.
//!
//! Absent on purpose: similarity, shared stores, evidence (a cached answer says nothing about a release).

mod gate;
mod key;
mod memory;

pub use gate::{NotStored, WriteFacts, admit};
pub use key::{CacheKey, Tenant};
pub use memory::{Cache, CacheOptions, Entry, NamespaceStats};
