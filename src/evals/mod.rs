//! The golden harness: a suite of cases, two arms, grades, pairs for the judge.
//!
//! A [`Suite`] names a dataset, how to ask, and which graders matter by what margin. An arm is an engine or a file
//! of [`RecordedAnswers`]. [`run()`] asks both arms every case, interleaved in seeded random order with bounded
//! concurrency, grades each answer when it comes, and gives a [`GoldenRun`]: pairs by case, not sums by arm. Texts stay in
//! the file of a [`SampleLog`], which a run that was cut off goes on from.
//!
//! What is wrong with a file is a [`Fault`] with place, rule and hint, all of them at once. What is wrong with the world is an
//! [`EvalError`]. An answer that failed is data and scores 0; an answer that was lost on the way is a missing half, which
//! the judge takes for the worst case and never drops.
//!
//! Where no rule can tell a good answer, a model that is no arm compares both answers as they come (`model_graded.rs`). What it fails to
//! say is nobody's score: it is asked again, and else the run ends with everything kept.
//!
//! Clocks count from the moment a request was due, and the harness watches its own timers meanwhile. Nothing that was
//! answered is sent twice: an engine that fails now and then is what a gate is there to see. Only what it refused for being
//! full (429, 503) comes again, later and more slowly.
//!
//! Absent on purpose: the verdict, which is the judge's; any use of the serving cache.

mod caps;
mod dataset;
mod engine;
mod error;

mod golden;
mod grader;
mod latency;
mod model_graded;
mod order;
mod pace;
mod power;
mod promptfoo;

mod recorded;
mod rows;
mod run;
mod samples;
mod suite;
mod trace;
mod watched;

pub use caps::{Caps, CostCap, Price};
pub use dataset::{Ask, Case, read_cases};
pub use engine::Endpoint;
pub use error::{EvalError, Role};
pub use golden::{Early, GoldenRun, judge_runs};
pub use grader::{
    Bleu, BleuCounts, ChoiceFilter, ChoiceMatch, ExactMatch, F1Rule, Grader, NumberFilter, NumberMatch,
    Reply, Rouge, RougeWords, TextMatch, TextRule, WordF1,
};
pub use latency::{Times, Timing, TimingHistogram};
pub use model_graded::{GraderModel, ModelGraded};
pub use pace::{Arrivals, Pace};
pub use power::{EarlyPower, Power, early_power, power};
pub use promptfoo::PromptfooGrader;
pub use recorded::RecordedAnswers;
pub use run::{
    ArmRun, ArmSource, OnProgress, Outlets, Progress, Regression, RunOptions, Sample, Score, Tally, run,
    run_one,
};
pub use samples::SampleLog;
pub use suite::{CasePlace, LatencyMargins, Places, RequestSpec, SliceRule, Suite, SuiteMetric, Unsupported};
pub use trace::Trace;

#[cfg(test)]
mod shipped_tests;
