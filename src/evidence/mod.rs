//! Evidence: pairs and arrivals, folded into sums that merge.
//!
//! The walk: an [`Observation`] is one answered request; a [`Sample`] is one client's request with its
//! copies; [`Pairing`] turns samples into [`Record`]s: a [`Pair`] joins the two arms' answers to one
//! prompt, metric by metric, an [`Arrival`] is one sticky key's first finished request under a split.
//! Records are what is stored. A [`Collector`] folds them, in their order, into a [`Snapshot`], and
//! folding the stored records again gives the same snapshot, so that every verdict can be judged again.
//!
//! Each metric has one or more tests, its [`Aspect`]s; a [`Strand`] holds the e-processes of one.
//!
//! Absent on purpose: verdicts, error budgets, stages, clocks. Margins are here only as the null means
//! that the e-processes bet against.

mod blocks;
mod collector;
mod conditions;
mod digest;
mod drops;
mod error;
mod harm;
mod load;
mod metric;
mod observation;
mod pairing;
mod recent;
mod record;
mod sameness;
mod spec;
mod strand;
mod strata;
mod sums;
mod tenants;

pub use collector::{Assigned, Collector, NULL_FAILED, REQUEST_BYTES, Snapshot};
pub use conditions::{IN_FLIGHT, TIMERS_LATE_MS, UNCACHED_TOKENS, is_condition};
pub use digest::EvidenceDigest;
pub use drops::Drops;
pub use error::EvidenceError;
pub use harm::points as harm_difference;
pub use load::LoadRange;
pub use metric::MetricEvidence;
pub use observation::{AnswerDigest, Copied, Copies, Dropped, Observation, PromptDigest, Role, Said, Sample};
pub use pairing::{Pairing, PairingOptions, PassedOver, Replays, StageSplit, Usual};
pub use recent::{IdDigest, RecentIds};
pub use record::{Arrival, Halves, Names, Pair, Record, RecordBatch};
pub use spec::{Aspect, MetricSpec, THREEFOLD_MARGIN};
pub use strand::Strand;
pub use strata::{Breakdown, STREAMED, Stratum};
pub use sums::{LatencyHistogram, Sum};
