//! The one object that every surface renders: text, JSON, HTML, API, webhook and exit code.

use super::{Bounds, Opinion, Pace, Reason, RepeatNoise, Strata, Verdict};
use crate::domain::{MetricKind, MetricName};

/// What was asked of the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// What the baseline once answered well, asked of a candidate that is being warmed.
    WarmUp,
    /// Golden cases, before any traffic.
    Golden,
    /// Mirrored live traffic.
    Mirror,
    /// Split live traffic.
    Ramp,
    /// Two files of results.
    Compare,
}

impl Question {
    /// The word used in files and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warm_up",
            Self::Golden => "golden",
            Self::Mirror => "mirror",
            Self::Ramp => "ramp",
            Self::Compare => "compare",
        }
    }
}

/// What was judged, by digest; all empty where nobody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The baseline's release id, or the name of its file.
    pub baseline: String,
    /// The candidate's release id, or the name of its file.
    pub candidate: String,
    /// Digest of the policy, `pol:…`.
    pub policy: String,
    /// Digest of the evidence, `ev:…`.
    pub evidence: String,
}

/// Pairs in which the arms disagreed, by who did better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flips {
    /// The candidate was right where the baseline was wrong.
    pub better: u64,
    /// The candidate was wrong where the baseline was right.
    pub worse: u64,
}

/// The error budgets of a verdict on live evidence, and what stands against the one that all metrics share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlphaLedger {
    /// Probability of ever failing a release that is within its margins: all metrics, the whole rollout.
    pub abort: f64,
    /// Probability of ever passing a release that is worse by a margin: for each metric that must pass.
    pub promote: f64,
    /// Natural logarithm of the weighted mean of all abort e-values; ln(1/`abort`) fails.
    pub log_e_abort: f64,
}

/// One metric's part of the verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricJudgment {
    /// The metric.
    pub name: MetricName,
    /// What kind of number it is: says whether difference, interval and margin are points or ratios.
    pub kind: MetricKind,
    /// What its evidence says.
    pub verdict: Verdict,
    /// Whether it had to pass.
    pub required: bool,
    /// Pairs (or keys) that entered, missing halves included.
    pub pairs: u64,
    /// Pairs with a missing half.
    pub missing: u64,
    /// Mean over the baseline's values (geometric for ratio kinds), in the metric's unit.
    pub baseline: Option<f64>,
    /// Mean over the candidate's values.
    pub candidate: Option<f64>,
    /// Candidate − baseline in the metric's unit; for ratio kinds the geometric-mean ratio − 1.
    pub difference: Option<f64>,
    /// Interval for the difference at `level`: any-time valid for live evidence, one look for golden.
    pub interval: Option<Bounds>,
    /// Two-sided level of the interval, for example 0.95.
    pub level: f64,
    /// The margin it was judged against, in the metric's unit.
    pub margin: f64,
    /// Natural logarithm of the e-value for passing; `None` for a fixed sample.
    pub log_e_promote: Option<f64>,
    /// Natural logarithm of the e-value for failing, before weighting; `None` for a fixed sample.
    pub log_e_abort: Option<f64>,
    /// Its share of the family that failing is budgeted over; `None` for a fixed sample.
    pub weight: Option<f64>,
    /// Discordant pairs, for metrics that are right or wrong.
    pub flips: Option<Flips>,
    /// Whether a failure lasted or came in a burst; only of live evidence that failed.
    pub opinion: Option<Opinion>,
    /// The difference by kind of request: shown, not tested. Only of live evidence.
    pub strata: Strata,
    /// The difference by word that cases share. Only of a fixed sample.
    pub slices: Vec<SliceJudgment>,
    /// What repeated answers say of noise. Only of a fixed sample.
    pub noise: Option<RepeatNoise>,
    /// Why, with numbers.
    pub reason: Reason,
    /// Ids of pairs that speak loudest for the verdict; at most five.
    pub examples: Vec<String>,
}

/// What a fixed sample says of the cases that share a word.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceJudgment {
    /// The word.
    pub name: String,
    /// Cases that have it.
    pub cases: u64,
    /// Candidate − baseline over them, in the metric's unit; `None` where there are too few.
    pub difference: Option<f64>,
    /// Its interval at the metric's level, of this slice alone.
    pub interval: Option<(f64, f64)>,
    /// Probability, were no slice worse by more than its margin, of any of them looking as bad as this one (Holm).
    pub p_fail: f64,
    /// Pass by its own interval; fail by `p_fail`.
    pub verdict: Verdict,
    /// Whether its failure fails the whole.
    pub gates: bool,
}

/// How a trust check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// Nothing wrong.
    Ok,
    /// Not enough to say; the text says what is lacking.
    Unknown(String),
    /// Broken: the verdict is invalid; the text names number and rule.
    Alarm(String),
}

/// One trust check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name: `sample_ratio`, `null_drift`, `missing`, `scheduling` …
    pub name: &'static str,
    /// How it stands.
    pub state: CheckState,
}

/// The whole answer of the judge to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgment {
    /// The verdict; its exit code is the program's.
    pub verdict: Verdict,
    /// What was asked.
    pub question: Question,
    /// What was judged.
    pub subject: Subject,
    /// Metric by metric, in the policy's order.
    pub metrics: Vec<MetricJudgment>,
    /// Trust checks.
    pub checks: Vec<Check>,
    /// What the verdict may err, and has staked; `None` for a fixed sample.
    pub alpha: Option<AlphaLedger>,
    /// Pairs still needed if the present trend holds; zero when decided, `None` when no number can be given.
    pub pairs_needed: Option<u64>,
    /// How fast evidence came when it was asked for; `None` where nobody said.
    pub pace: Option<Pace>,
    /// Why, the decisive reason first.
    pub reasons: Vec<Reason>,
}
