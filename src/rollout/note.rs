//! What people are told while a rollout goes on.

use super::Stage;
use crate::domain::{RolloutId, Timestamp};

/// One sentence of a rollout's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Given by the store, growing from 1: a reader resumes after the last one it saw. 0: not written.
    pub id: u64,
    /// The rollout.
    pub rollout: RolloutId,
    /// When.
    pub at: Timestamp,
    /// The stage it is about.
    pub stage: Stage,
    /// The sentence.
    pub text: String,
}
