//! What a verdict document says of golden cases alone.

use serde::{Deserialize, Serialize};

use super::{rounded, rounded_both};
use crate::judgment::{RepeatNoise, SliceJudgment, Verdict};

/// The cases that share a tag; units as in [`SliceJudgment`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// The tag.
    pub slice: String,
    /// What its evidence says.
    #[serde(with = "crate::wire::words::verdict")]
    pub verdict: Verdict,
    /// Whether its failure fails the whole.
    pub gates: bool,
    /// Its cases.
    pub cases: u64,
    /// Candidate − baseline over them, or ratio − 1.
    pub difference: Option<f64>,
    /// Interval of the difference, of this slice alone.
    pub interval: Option<(f64, f64)>,
    /// Holm's p-value of "worse by more than the margin", over all slices of the verdict.
    pub p_fail: Option<f64>,
}

/// What repeated answers say of noise; see [`RepeatNoise`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseRecord {
    /// Share of the cases whose score flips between two answers of the baseline.
    pub flips_baseline: Option<f64>,
    /// The same of the candidate.
    pub flips_candidate: Option<f64>,
    /// Standard error of the difference that repeats alone make.
    pub within_standard_error: Option<f64>,
    /// Standard deviation of the difference between cases.
    pub between_deviation: Option<f64>,
}

impl From<&SliceJudgment> for SliceRecord {
    fn from(slice: &SliceJudgment) -> Self {
        Self {
            slice: slice.name.clone(),
            verdict: slice.verdict,
            gates: slice.gates,
            cases: slice.cases,
            difference: slice.difference.and_then(rounded),
            interval: slice.interval.and_then(rounded_both),
            p_fail: rounded(slice.p_fail),
        }
    }
}

impl From<RepeatNoise> for NoiseRecord {
    fn from(noise: RepeatNoise) -> Self {
        Self {
            flips_baseline: noise.flips_baseline.and_then(rounded),
            flips_candidate: noise.flips_candidate.and_then(rounded),
            within_standard_error: noise.within_standard_error.and_then(rounded),
            between_deviation: noise.between_deviation.and_then(rounded),
        }
    }
}
