//! A golden suite: which cases are asked how, and what loss is tolerated.

mod metrics;
mod parse;

pub(super) use parse::SAMPLING_KEYS;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::dataset::Case;
use super::grader::Grader;
use super::latency::Timing;
use super::model_graded::ModelGraded;
use super::promptfoo;
use crate::document::Faults;
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
    /// What becomes of a loss that is proven among the cases of one tag alone.
    pub slices: SliceRule,
    /// Digest of the bytes of the suite's file, of schemas that it names, and of the dataset, `suite:…`.
    pub digest: String,
    /// Where its parts stand, and what of it is not checked.
    pub places: Places,
}

/// Where the parts of a suite stand, for whoever shows what came of them.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The line of each metric in the suite's file, by its name.
    pub metrics: HashMap<String, usize>,
    /// Where each case stands, in the order of the cases.
    pub cases: Vec<CasePlace>,
    /// What an imported suite asks for and nobody checks, in words; `None`: nothing.
    pub unchecked: Option<String>,
}

/// Where a case stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasePlace {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
}

/// What is done about assertions of an imported suite that cannot be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// They are faults.
    Refused,
    /// They are left out, and the verdict says so.
    Allowed,
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
    /// Whether every request begins with a line that no other has, against caches of prefixes.
    pub nonce: bool,
}

/// What becomes of a loss that is proven among the cases of one tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SliceRule {
    /// It is told.
    #[default]
    Show,
    /// It fails the verdict.
    Gate,
}

/// One grader with what is tolerated.
#[derive(Clone, Debug)]
pub struct SuiteMetric {
    /// The metric's name: the grader's id, unless the suite gives another.
    pub name: MetricName,
    /// The id of the grader.
    pub grader_id: String,
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
    /// End-to-end time per output token. A suite writes it as `tps_margin`: 5 % fewer tokens per second are 1/0.95 of
    /// the time.
    pub token: Option<f64>,
}

impl Suite {
    /// Reads a suite and its dataset.
    ///
    /// # Errors
    /// Everything that is wrong with either, each with its place.
    pub fn read(path: &Path) -> Result<Self, Faults> {
        Self::read_with(path, Unsupported::Refused)
    }

    /// Reads every suite.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>, Faults> {
        Self::read_all_with(paths, Unsupported::Refused)
    }

    /// Reads a suite: a TOML file of this program, or a configuration of promptfoo in YAML or JSON.
    fn read_with(path: &Path, unsupported: Unsupported) -> Result<Self, Faults> {
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("yaml" | "yml" | "json") => promptfoo::read(path, unsupported),
            _ => parse::read(path),
        }
    }

    /// Reads every suite; `unsupported` says what is done about what imported ones ask for and nobody can check.
    ///
    /// # Errors
    /// As [`Suite::read_all`].
    pub fn read_all_with(paths: &[PathBuf], unsupported: Unsupported) -> Result<Vec<Self>, Faults> {
        let (mut suites, mut faults) = (Vec::new(), Vec::new());
        for path in paths {
            match Self::read_with(path, unsupported) {
                Ok(suite) => suites.push(suite),
                Err(wrong) => faults.extend(wrong.0),
            }
        }
        Faults(faults).or(suites)
    }

    /// Judges by another margin: that of the metric called `name`, or of every grader when there is no name. Gives how
    /// many margins it set; a latency takes one only if the suite judges it.
    pub fn set_margin(&mut self, name: Option<&str>, margin: f64) -> usize {
        let graders =
            self.metrics.iter_mut().filter(|metric| name.is_none_or(|name| metric.name.as_str() == name));
        let graders = graders.map(|metric| &mut metric.margin);
        let timings = self.latency.named_mut().into_iter();
        let timings = timings.filter(|(timing, _)| name == Some(timing.metric())).map(|(_, margin)| margin);
        graders.chain(timings).map(|old| *old = margin).count()
    }

    /// The metrics whose answers a model compares, by their index.
    pub(super) fn model_graded(&self) -> impl Iterator<Item = (usize, &Arc<ModelGraded>)> {
        self.metrics.iter().enumerate().filter_map(|(at, metric)| match &metric.grader {
            Grader::ModelGraded(graded) => Some((at, graded)),
            _ => None,
        })
    }

    /// The names of all metrics that are judged, graders first.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        let timings = self.latency.named().into_iter().map(|(timing, _)| timing.metric());
        self.metrics.iter().map(|metric| metric.name.as_str()).chain(timings)
    }
}

impl LatencyMargins {
    /// The margins that are set, each with what it judges.
    #[must_use]
    pub fn named(mut self) -> Vec<(Timing, f64)> {
        self.named_mut().into_iter().map(|(timing, margin)| (timing, *margin)).collect()
    }

    fn named_mut(&mut self) -> Vec<(Timing, &mut f64)> {
        let Self { ttft, tpot, e2e, token } = self;
        let all = Timing::ALL.into_iter().zip([ttft, tpot, e2e, token]);
        all.filter_map(|(timing, margin)| Some((timing, margin.as_mut()?))).collect()
    }
}

#[cfg(test)]
mod tests;
