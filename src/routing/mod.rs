//! Who answers which request: a pure function of a published table and the request's keys.
//!
//! Absent on purpose: evidence, verdicts, health. A rollback is one [`RouteTable`] published; the
//! proxy reads the current table once per request and never decides anything itself.

mod assign;
mod mirror_share;
mod table;

pub use assign::{Salt, StickyKey, assign, cache_blind, mirror_selected};
pub use mirror_share::{MirrorDemand, MirrorRange, Room};
pub use table::{MirrorPlan, RouteTable, TrafficSplit};
