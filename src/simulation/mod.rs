//! Operating characteristics of a policy: how often it is wrong, and how soon it is right, in worlds whose truth is known.
//!
//! The walk is the shipped one. A [`Traffic`] draws [`crate::evidence::Sample`]s in the place of the proxy; from there
//! on they pass the same pairing, collector, judge and rollout machine as live ones, with a look every so many records.
//! A [`Scenario`] is one world, one truth and one policy; [`Scenario::run`] is one rollout in it, and [`repeat`] is many
//! of them on several threads, summed up as [`Characteristics`].
//!
//! A run is a seed and a number: the same two give the same rollout, on any machine and any number of threads.
//!
//! Absent on purpose: clocks (records are the only time), IO, and rules of judging. A rule that is compared with ours
//! lives in the benches.

mod answers;
mod characteristics;
mod decision;
#[cfg(test)]
mod mirror_share_tests;
mod rate;
mod repeat;
mod scenario;
mod traffic;
mod users;
mod world;

pub use characteristics::{Characteristics, Times};
pub use rate::Rate;
pub use repeat::{Repeats, repeat};
pub use scenario::{Ended, Scenario, ScenarioError};
pub use traffic::Traffic;
pub use world::{UnknownWorld, World};
