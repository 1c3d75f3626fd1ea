//! What other margins would have said, as a document.

use serde::{Deserialize, Serialize};

use crate::domain::MetricKind;
use crate::judgment::{AtMargin, AtMargins, Verdict};

/// What margins so many times as wide would have said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtMarginsRecord {
    /// The factor; 1: the margins as they were set.
    pub factor: f64,
    /// The verdict of all metrics together.
    #[serde(with = "super::words::verdict")]
    pub verdict: Verdict,
    /// The metrics whose margins were changed.
    pub metrics: Vec<AtMarginRecord>,
}

/// One metric at one margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtMarginRecord {
    /// The metric.
    pub name: String,
    /// What kind of number it is: for `latency` and `length` the margin is a ratio.
    #[serde(with = "super::words::kind")]
    pub kind: MetricKind,
    /// The margin.
    pub margin: f64,
    /// What its evidence says against it.
    #[serde(with = "super::words::verdict")]
    pub verdict: Verdict,
}

impl From<&AtMargins> for AtMarginsRecord {
    fn from(at: &AtMargins) -> Self {
        let record = |one: &AtMargin| AtMarginRecord {
            name: one.name.to_string(),
            kind: one.kind,
            margin: one.margin,
            verdict: one.verdict,
        };
        Self { factor: at.factor, verdict: at.verdict, metrics: at.metrics.iter().map(record).collect() }
    }
}

impl From<AtMarginsRecord> for AtMargins {
    fn from(record: AtMarginsRecord) -> Self {
        let one = |record: AtMarginRecord| AtMargin {
            name: record.name.as_str().into(),
            kind: record.kind,
            margin: record.margin,
            verdict: record.verdict,
        };
        let AtMarginsRecord { factor, verdict, metrics } = record;
        Self { factor, verdict, metrics: metrics.into_iter().map(one).collect() }
    }
}
