//! A golden suite: which cases are asked how, and what loss is tolerated.

mod metrics;
mod parse;

use std::path::Path;

use serde_json::{Map, Value};

use super::dataset::Case;
use super::fault::Faults;
use super::grader::Grader;
use crate::domain::MetricName;

/// A suite that was read and checked, with its cases.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// The version its authors gave it.
    pub version: Option<String>,
    /// The file it came from, as it was named.
    pub file: String,
    /// What is asked, in the dataset's order. May be empty; then nothing can be judged.
    pub cases: Vec<Case>,
    /// How often each case is asked of each arm, from 1.
    pub repeats: u32,
    /// Seeds the order of the requests, unless the run has its own seed.
    pub seed: u64,
    /// What every request carries beside its case.
    pub request: RequestSpec,
    /// What is graded, in the order it is shown. May be empty; then nothing can be judged.
    pub metrics: Vec<SuiteMetric>,
    /// Tolerated slow-downs.
    pub latency: LatencyMargins,
    /// Digest of the suite file's and the dataset's bytes, `suite:…`.
    pub digest: String,
}

/// What every request of a suite carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestSpec {
    /// The model's name; `None`: the first one the engine lists.
    pub model: Option<String>,
    /// The id of the release's prompt template that renders the cases.
    pub template: Option<String>,
    /// Sampling parameters, as they go into the body.
    pub sampling: Map<String, Value>,
}

/// One grader with what is tolerated.
#[derive(Clone, Debug)]
pub struct SuiteMetric {
    /// The metric's name: the grader's id, unless the suite gives another.
    pub name: MetricName,
    /// What scores the answers.
    pub grader: Grader,
    /// Tolerated loss of mean score, in (0, 1).
    pub margin: f64,
    /// Whether it must pass; else it is a guard and can only fail.
    pub required: bool,
}

/// Tolerated slow-downs, as shares of the baseline (`0.1` = 10 % slower). `None`: not judged. All are guards: a gate runs on
/// engines without their usual load, so a fast answer here promises nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencyMargins {
    /// Time to first token.
    pub ttft: Option<f64>,
    /// Time per output token.
    pub tpot: Option<f64>,
    /// End to end.
    pub e2e: Option<f64>,
    /// Output tokens per second, end to end; lower is worse.
    pub tps: Option<f64>,
}

impl Suite {
    /// Reads a suite and its dataset.
    ///
    /// # Errors
    /// Everything that is wrong with either, each with its place.
    pub fn read(path: &Path) -> Result<Self, Faults> {
        parse::read(path)
    }
}

#[cfg(test)]
mod tests;
