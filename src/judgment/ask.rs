//! What a judge is asked, in its own words: no stages, no colours.

use super::{Question, Subject};
use crate::domain::MetricName;

/// Whether a latency may pass although the arms worked at different loads. It may always fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyPass {
    /// Only where the arms' ranges of requests in flight overlap.
    AtComparableLoad,
    /// Always: the arms were driven alike.
    Always,
}

/// One question to the judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked, for the record.
    pub question: Question,
    /// What is judged, for the record.
    pub subject: Subject,
    /// The metrics that must pass; all others may only fail.
    pub must_pass: Vec<MetricName>,
    /// When a latency may pass.
    pub latency_pass: LatencyPass,
}
