//! The golden harness: a suite of cases, two arms, grades.
//!
//! A [`Suite`] names a dataset, how to ask, and which graders matter by what margin. An arm is an engine or a file
//! of [`RecordedAnswers`]. What is wrong with a file is a [`Fault`] with place, rule and hint, all of them at once.
//!
//! Absent on purpose: the verdict, which is the judge's.

mod dataset;
mod embedder;
mod fault;
mod grader;
mod reader;
mod recorded;
mod rows;
mod suite;

pub use dataset::{Ask, Case, read_cases};
pub use embedder::{DIMENSIONS, Embedder, EmbedderError, Embedding};
pub use fault::{Fault, Faults};
pub use grader::{ExactMatch, Grader, NumberFilter, NumberMatch};
pub use recorded::RecordedAnswers;
pub use suite::{LatencyMargins, RequestSpec, Suite, SuiteMetric};

#[cfg(test)]
mod shipped_tests;
