//! Evidence: pairs and arrivals, folded into sums that merge.
//!
//! The walk: an [`Observation`] is one answered request; [`Pair`] joins the two arms' answers to one
//! prompt, metric by metric; [`Arrival`] is one sticky key's first finished request under a split.
//! [`Record`]s are what is stored, and folding the stored records again gives the same snapshot, so
//! that every verdict can be judged again offline.
//!
//! Absent on purpose: verdicts, margins of a team's choice as decisions, stages, clocks.

mod observation;
mod record;

pub use observation::{AnswerDigest, Copies, Observation, PromptDigest, Role, Sample};
pub use record::{Arrival, Halves, Pair, Record};
