//! The verdict as a document: schema `goldgate/verdict/1`.
//!
//! The same judgment gives the same bytes on every machine and at every re-judging: no timestamps,
//! one order of keys, and numbers rounded to [`VerdictRecord::SIGNIFICANT_DIGITS`], so that the last bit of a
//! logarithm cannot change a file. Keys that a metric may lack say so; every other is always there, and `null` where nothing is known.

#[cfg(test)]
pub(crate) mod fixture;
mod golden;
#[cfg(test)]
mod tests;

pub use golden::{NoiseRecord, SliceRecord};

use serde::{Deserialize, Serialize};

use crate::domain::MetricKind;
use crate::judgment::{
    AlphaLedger, Bounds, Check, CheckState, Flips, Judgment, MetricJudgment, Pace, Question, Reason,
    StratumShown, Verdict,
};

/// A verdict document that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VerdictError {
    /// Not JSON, or not of this shape.
    #[error("not a verdict: {0}")]
    Form(#[from] serde_json::Error),
    /// Another schema, or a version of a newer program.
    #[error("schema is {found:?}, but only \"goldgate/verdict/1\" is understood")]
    Schema {
        /// What the document says.
        found: String,
    },
}

/// One judgment as it is stored, sent and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// Always [`VerdictRecord::SCHEMA`].
    pub schema: String,
    /// The verdict.
    #[serde(with = "super::words::verdict")]
    pub verdict: Verdict,
    /// What was asked.
    #[serde(with = "super::words::question")]
    pub question: Question,
    /// Digest or name of the baseline.
    pub baseline: String,
    /// Digest or name of the candidate.
    pub candidate: String,
    /// Digest of the policy.
    pub policy: String,
    /// Digest of the evidence.
    pub evidence: String,
    /// Metric by metric, in the policy's order.
    pub metrics: Vec<MetricRecord>,
    /// Trust checks.
    pub checks: Vec<CheckRecord>,
    /// What the verdict may err, and has staked; `null` for a fixed sample.
    pub alpha: Option<AlphaRecord>,
    /// What is still needed for a decision.
    pub needs: NeedsRecord,
    /// Why, the decisive reason first.
    pub reasons: Vec<String>,
}

/// One metric's part; units as in [`MetricJudgment`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRecord {
    /// The metric.
    pub name: String,
    /// What kind of number it is: for `latency` and `length`, difference, interval and margin are ratios.
    #[serde(with = "super::words::kind")]
    pub kind: MetricKind,
    /// What its evidence says.
    #[serde(with = "super::words::verdict")]
    pub verdict: Verdict,
    /// Whether it had to pass.
    pub required: bool,
    /// Pairs that entered.
    pub pairs: u64,
    /// Pairs with a missing half.
    pub missing: u64,
    /// The baseline's mean.
    pub baseline: Option<f64>,
    /// The candidate's mean.
    pub candidate: Option<f64>,
    /// Candidate − baseline, or ratio − 1.
    pub difference: Option<f64>,
    /// Interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// Two-sided level of the interval.
    pub level: f64,
    /// The margin.
    pub margin: f64,
    /// Log e-value for passing.
    pub log_e_promote: Option<f64>,
    /// Log e-value for failing, before weighting.
    pub log_e_abort: Option<f64>,
    /// Its share of the budget for failing.
    pub weight: Option<f64>,
    /// Discordant pairs.
    pub flips: Option<FlipsRecord>,
    /// Of a failing metric of live evidence, `sustained` or `burst`: whether blocks of 50 records prove harm as well. Absent
    /// where there are too few to tell, and of every other metric. It is shown and changes no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<String>,
    /// The difference by kind of request, of live evidence: `streamed` and `whole` answers; `short` prompts (below 2,000
    /// bytes), `medium` and `long` ones (16,000 and more). Shown, not tested. A kind that all pairs are of is left out, and
    /// the key where nothing is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<StratumRecord>,
    /// Cases of a golden suite that share a tag. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceRecord>,
    /// What repeated answers of a golden suite say of noise. Absent where every case was asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseRecord>,
    /// Why, with numbers.
    pub reason: String,
    /// Ids of pairs that speak loudest.
    pub examples: Vec<String>,
    /// Where the metric and those pairs are written: lines of a suite, a dataset, an imported configuration. Absent where
    /// nothing is known of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceRecord>,
}

/// Where something that was judged is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The metric's name, or a pair's id.
    pub of: String,
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StratumRecord {
    /// Which.
    pub stratum: String,
    /// Its pairs.
    pub pairs: u64,
    /// Candidate − baseline over them, or ratio − 1.
    pub difference: Option<f64>,
    /// Interval of the difference, at the metric's level.
    pub interval: Option<(f64, f64)>,
}

/// Discordant pairs by who did better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlipsRecord {
    /// The candidate did.
    pub better: u64,
    /// The baseline did.
    pub worse: u64,
}

/// One trust check: `ok`, `unknown` (the text says what is lacking) or `alarm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: CheckWord,
    /// Number and rule; absent when nothing is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// How a trust check stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckWord {
    /// Nothing wrong.
    Ok,
    /// Not enough to say.
    Unknown,
    /// The verdict is invalid.
    Alarm,
}

impl CheckWord {
    /// The word in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Alarm => "alarm",
        }
    }
}

/// The error budgets, and where the e-value stands that all metrics share; units as in [`AlphaLedger`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlphaRecord {
    /// For failing, over all metrics and the whole rollout.
    pub abort: f64,
    /// For passing, each metric.
    pub promote: f64,
    /// Log of the weighted mean of all abort e-values.
    pub log_e_abort: Option<f64>,
}

/// What a decision still needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeedsRecord {
    /// Pairs, if the present trend holds; `null` when no number can be given.
    pub pairs: Option<u64>,
    /// Pairs that came a second when it was judged. Absent where nobody said: golden cases, files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs_per_s: Option<f64>,
}

impl VerdictRecord {
    /// The schema's name and version.
    pub const SCHEMA: &str = "goldgate/verdict/1";

    /// Decimal digits kept of every number. Six tell any two verdicts apart that a person would, and
    /// leave ten digits of slack for mathematics libraries that differ in the last place.
    pub const SIGNIFICANT_DIGITS: usize = 6;

    /// The document: indented, one newline at the end.
    #[must_use]
    pub fn to_json_bytes(&self) -> Vec<u8> {
        // Only a map with other keys than text, or a failing writer, makes this fail: neither is here.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a document back.
    ///
    /// # Errors
    /// Not JSON, another shape, another schema.
    pub fn from_json_bytes(bytes: &[u8]) -> Result<Self, VerdictError> {
        let record: Self = serde_json::from_slice(bytes)?;
        if record.schema != Self::SCHEMA {
            return Err(VerdictError::Schema { found: record.schema });
        }
        Ok(record)
    }

    /// The decisive reason; empty when the judge gave none.
    #[must_use]
    pub fn decisive(&self) -> &str {
        self.reasons.first().map_or("", String::as_str)
    }
}

impl From<&Judgment> for VerdictRecord {
    fn from(judgment: &Judgment) -> Self {
        let Judgment { verdict, question, subject, metrics, checks, alpha, pairs_needed, pace, reasons } =
            judgment;
        Self {
            schema: Self::SCHEMA.to_owned(),
            verdict: *verdict,
            question: *question,
            baseline: subject.baseline.clone(),
            candidate: subject.candidate.clone(),
            policy: subject.policy.clone(),
            evidence: subject.evidence.clone(),
            metrics: metrics.iter().map(MetricRecord::from).collect(),
            checks: checks.iter().map(CheckRecord::from).collect(),
            alpha: alpha.map(AlphaRecord::from),
            needs: NeedsRecord { pairs: *pairs_needed, pairs_per_s: pace.map(Pace::per_s) },
            reasons: reasons.iter().map(Reason::to_string).collect(),
        }
    }
}

impl From<&MetricJudgment> for MetricRecord {
    fn from(metric: &MetricJudgment) -> Self {
        Self {
            name: metric.name.to_string(),
            kind: metric.kind,
            verdict: metric.verdict,
            required: metric.required,
            pairs: metric.pairs,
            missing: metric.missing,
            baseline: metric.baseline.and_then(rounded),
            candidate: metric.candidate.and_then(rounded),
            difference: metric.difference.and_then(rounded),
            interval: metric.interval.as_ref().map(Bounds::ends).and_then(rounded_both),
            level: rounded(metric.level).unwrap_or_default(),
            margin: rounded(metric.margin).unwrap_or_default(),
            log_e_promote: metric.log_e_promote.and_then(rounded),
            log_e_abort: metric.log_e_abort.and_then(rounded),
            weight: metric.weight.and_then(rounded),
            flips: metric.flips.map(|Flips { better, worse }| FlipsRecord { better, worse }),
            opinion: metric.opinion.map(|opinion| opinion.as_str().to_owned()),
            strata: metric.strata.all().iter().map(StratumRecord::from).collect(),
            slices: metric.slices.iter().map(SliceRecord::from).collect(),
            noise: metric.noise.map(NoiseRecord::from),
            reason: metric.reason.to_string(),
            examples: metric.examples.clone(),
            sources: Vec::new(),
        }
    }
}

impl From<&StratumShown> for StratumRecord {
    fn from(shown: &StratumShown) -> Self {
        Self {
            stratum: shown.stratum.as_str().to_owned(),
            pairs: shown.pairs,
            difference: rounded(shown.difference),
            interval: rounded_both(shown.interval),
        }
    }
}

impl From<AlphaLedger> for AlphaRecord {
    fn from(ledger: AlphaLedger) -> Self {
        let AlphaLedger { abort, promote, log_e_abort } = ledger;
        Self { abort, promote, log_e_abort: rounded(log_e_abort) }
    }
}

impl From<&Check> for CheckRecord {
    fn from(check: &Check) -> Self {
        let (state, text) = match &check.state {
            CheckState::Ok => (CheckWord::Ok, None),
            CheckState::Unknown(text) => (CheckWord::Unknown, Some(text.clone())),
            CheckState::Alarm(text) => (CheckWord::Alarm, Some(text.clone())),
        };
        Self { name: check.name.to_owned(), state, text }
    }
}

fn rounded_both((low, high): (f64, f64)) -> Option<(f64, f64)> {
    Some((rounded(low)?, rounded(high)?))
}

/// `value` to [`VerdictRecord::SIGNIFICANT_DIGITS`]; `None` for what JSON cannot say (NaN, infinities).
fn rounded(value: f64) -> Option<f64> {
    let text = format!("{value:.digits$e}", digits = VerdictRecord::SIGNIFICANT_DIGITS - 1);
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(if value == 0.0 { 0.0 } else { value }) // no negative zero in files
}
