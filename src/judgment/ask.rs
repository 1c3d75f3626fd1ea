//! What a judge is asked, in its own words: no stages, no colours.

use super::{Question, Subject};
use crate::domain::MetricName;

/// One question to the judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked: before users see the candidate, or while they do.
    pub question: Question,
    /// What is judged, for the record.
    pub subject: Subject,
    /// The metrics that must pass; all others may only fail.
    pub must_pass: Vec<MetricName>,
}
