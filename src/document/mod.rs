//! Files that people write: read so that every fault is told at once, at its place, with a remedy.
//!
//! A `Reader` goes through TOML key by key, goes on after a fault, and knows where everything stands; a `Node` is the same for YAML.
//! Configuration, releases and suites each read their own keys with it; rows of a dataset have faults of the same
//! shape. [`canonical_json`] is the other direction: one spelling per value, so that equal content has equal
//! digests.
//!
//! Absent on purpose: what any key means, but for the rules on answers, which two kinds of file write alike.

mod answer_rule;
mod canonical;
mod fault;
mod json_schema;
mod reader;
mod secret;
mod values;
mod yaml;

pub use canonical::{canonical_json, parts_digest};
pub use fault::{Fault, Faults};
pub use json_schema::{JsonSchema, SchemaError};
pub use secret::Secret;

pub(crate) use answer_rule::{answer_rule_keys, answer_rules};
pub(crate) use fault::did_you_mean;
pub(crate) use reader::{Item, Reader, Section, json};
pub(crate) use yaml::{Key, Node, Place, Tree};
