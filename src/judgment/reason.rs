//! Why a verdict is what it is: data first, and a sentence that carries the numbers.

use std::fmt;

use crate::domain::MetricName;

/// One reason. Its `Display` is the sentence people read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The metric passed: its upper bound lies inside the margin.
    WithinMargin {
        /// The metric.
        metric: MetricName,
        /// Upper end of the interval of the difference.
        upper: f64,
        /// The margin.
        margin: f64,
        /// Whether the numbers are ratios.
        ratio: bool,
    },
    /// The metric failed: its lower bound lies beyond the margin, or its e-value crossed.
    BeyondMargin {
        /// The metric.
        metric: MetricName,
        /// Estimated difference.
        difference: f64,
        /// The margin.
        margin: f64,
        /// Whether the numbers are ratios.
        ratio: bool,
        /// Pairs it took.
        pairs: u64,
    },
    /// Not decided.
    NotEnough {
        /// The metric.
        metric: MetricName,
        /// Pairs so far.
        pairs: u64,
        /// Pairs still needed, when a number can be given.
        needed: Option<u64>,
    },
    /// Nothing was measured.
    NoData {
        /// The metric.
        metric: MetricName,
    },
    /// Too many halves were lost.
    Missing {
        /// The metric.
        metric: MetricName,
        /// Missing halves.
        missing: u64,
        /// Pairs in all.
        pairs: u64,
        /// The largest share tolerated.
        missing_max: f64,
    },
    /// A trust check raised an alarm.
    Check {
        /// The check.
        name: &'static str,
        /// What it said.
        text: String,
    },
    /// Anything the variants above do not say.
    Note(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(text) => f.write_str(text),
            other => write!(f, "{other:?}"),
        }
    }
}
