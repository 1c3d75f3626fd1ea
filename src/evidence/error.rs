//! What evidence refuses, by place and rule.

use crate::domain::{MetricKind, MetricName};
use crate::stats::StatsError;

/// Why a record or a specification cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvidenceError {
    /// Records come in the order of their numbers, without gaps.
    #[error("record {seq} follows record {last}: records are numbered without gaps, in the order of judging")]
    Order {
        /// The offending number.
        seq: u64,
        /// The one before it.
        last: u64,
    },
    /// A request that was judged already: a retry or a copied row is no new evidence.
    #[error("record {seq} ({id}): its id came before, and a request counts once")]
    Again {
        /// The offending number.
        seq: u64,
        /// The id that came again.
        id: String,
    },
    /// A value that the metric's kind cannot take.
    #[error("record {seq} ({id}): {metric} is {value}, which a metric of kind {kind} cannot be")]
    Value {
        /// The record's number.
        seq: u64,
        /// The record's id.
        id: String,
        /// The metric.
        metric: MetricName,
        /// The value.
        value: f64,
        /// The metric's kind.
        kind: MetricKind,
    },
    /// A share of exactly 0 or 1 assigns nothing at random.
    #[error("record {seq} ({id}): an arrival under a share of {share} is no experiment")]
    Share {
        /// The record's number.
        seq: u64,
        /// The record's id.
        id: String,
        /// The share.
        share: crate::domain::Share,
    },
    /// Two snapshots that do not measure the same.
    #[error("snapshots of different metrics cannot be merged")]
    Mismatch,
    /// A latency histogram could not be made.
    #[error("no latency histogram: {0}")]
    Histogram(String),
    /// A statistic refused its input.
    #[error(transparent)]
    Stats(#[from] StatsError),
}
