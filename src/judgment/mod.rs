//! From a snapshot and a policy to a verdict with reasons.

#![doc = include_str!("README.md")]
//!
//! ## For those who change it
//!
//! The judge never sees a stage name or an arm's colour: it is told which metrics must pass, and nothing else about
//! where traffic stands. Absence of evidence is [`Verdict::Inconclusive`], evidence that cannot be trusted is
//! [`Verdict::Invalid`], and neither is ever a pass.

mod ask;
mod bounds;
mod budget;
mod checks;
mod conclusion;
#[cfg(test)]
mod field_tests;
mod forecast;
mod golden;
mod ledger;
mod live;
mod margins;
mod opinion;
mod pace;
mod policy;
mod reason;
mod ruling;
mod shown;
mod strata;
mod verdict;

pub use ask::Ask;
pub use bounds::{Bounds, Worst};
pub use forecast::{
    BaseHarm, Finding, Learned, LimitForecast, MetricForecast, RampForecast, Spread, forecast,
    forecast_limits, forecast_ramp, forecast_tails, least_found,
};
pub use golden::{
    ClientTimers, GoldenAsk, GoldenMetric, GoldenPair, GoldenSlice, RepeatNoise, SequentialEvidence,
    is_decided, judge_golden, judge_sequential,
};
pub use ledger::{Crossed, Crossing, LedgerPoint, Thresholds};
pub use live::judge;
pub use margins::{AtMargin, AtMargins, OtherMargins};
pub use opinion::Opinion;
pub use pace::{Pace, short_time};
pub use policy::{DEFAULT_RESOLUTION_OF_MARGIN, MetricPolicy, Policy, PolicyError, default_resolution_ms};
pub use reason::{Reason, Seen, Unit};
pub use ruling::{
    AlphaLedger, Check, CheckState, Flips, Judgment, MetricJudgment, Question, SliceJudgment, Subject,
};
pub use strata::{Strata, StratumShown};
pub use verdict::Verdict;

#[cfg(test)]
mod merging_tests;
#[cfg(test)]
mod warm_up_tests;
