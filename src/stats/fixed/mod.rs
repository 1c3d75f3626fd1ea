//! Evidence of a fixed size, looked at once: tests and intervals for golden suites and reports.
//!
//! Each promise holds for one look at a number of cases declared beforehand; looking repeatedly breaks
//! it (see the sequential tests for that).

mod bootstrap;
mod holm;
mod mann_whitney;
mod mcnemar;
mod mean;
mod proportion;
mod quantile;
mod ranks;
mod repeats;
mod tango;
mod wilcoxon;

pub use bootstrap::{Bootstrap, bootstrap_interval};
pub use holm::holm;
pub use mann_whitney::{MannWhitney, mann_whitney};
pub use mcnemar::{McNemar, mcnemar};
pub use mean::{MeanEstimate, clustered_mean, mean};
pub use proportion::{clopper_pearson, wilson};
pub use quantile::{QuantileRanks, quantile_ranks, values_for_upper_limit};
pub use ranks::RankMethod;
pub use repeats::{RepeatedCase, Repeats, repeated_mean};
pub use tango::Tango;
pub use wilcoxon::{Wilcoxon, wilcoxon};
