//! What stands in the files of a run: schema `goldgate/run/1`.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::domain::{Arm, MetricName};
use crate::judgment::{LedgerPoint, Verdict};
use crate::report::{CaseRow, Example, Input, LatencyCurve, ScoreCounts, ScoreFlips, TimelineEntry};
use crate::wire::{AtMarginsRecord, PolicyRecord};

const SCHEMA: &str = "goldgate/run/1";

#[derive(Serialize, Deserialize)]
pub(super) struct RunRecord {
    schema: String,
    title: String,
    #[serde(with = "crate::wire::words::verdict")]
    verdict: Verdict,
    reason: String,
    policy: Option<PolicyRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    margins: Vec<AtMarginsRecord>,
    flips: Vec<FlipsRecord>,
    latency: Vec<LatencyRecord>,
    examples: Vec<ExampleRecord>,
    #[serde(default)]
    scores: Vec<ScoresRecord>,
    #[serde(default)]
    cases: Vec<CaseRecord>,
}

#[derive(Serialize, Deserialize)]
struct ScoresRecord {
    metric: String,
    baseline: Vec<u64>,
    candidate: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct CaseRecord {
    id: String,
    tags: Vec<String>,
    question: String,
    baseline: Option<f64>,
    candidate: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct FlipsRecord {
    metric: String,
    both_right: u64,
    both_wrong: u64,
    better: u64,
    worse: u64,
}

#[derive(Serialize, Deserialize)]
struct LatencyRecord {
    metric: String,
    #[serde(with = "crate::wire::words::arm")]
    arm: Arm,
    /// Significant decimal digits the histogram keeps.
    digits: u8,
    /// Microseconds and how often.
    counts: Vec<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct ExampleRecord {
    id: String,
    note: String,
    question: String,
    baseline: Option<String>,
    candidate: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TimelineRecord {
    at_ms: u64,
    stage: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct LedgerRecord {
    records: u64,
    log_e_abort: Option<f64>,
    metrics: Vec<LedgerMetric>,
}

#[derive(Serialize, Deserialize)]
struct LedgerMetric {
    name: String,
    log_e_abort: Option<f64>,
    log_e_promote: Option<f64>,
}

impl From<&Input> for RunRecord {
    fn from(input: &Input) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            title: input.title.clone(),
            verdict: input.verdict,
            reason: input.reason.clone(),
            policy: input.policy.as_ref().map(PolicyRecord::from),
            margins: input.margins.iter().map(AtMarginsRecord::from).collect(),
            flips: input.flips.iter().map(FlipsRecord::from).collect(),
            latency: input.curves.iter().map(LatencyRecord::from).collect(),
            examples: input.examples.iter().map(ExampleRecord::from).collect(),
            scores: input.scores.iter().map(ScoresRecord::from).collect(),
            cases: input.cases.iter().map(CaseRecord::from).collect(),
        }
    }
}

impl RunRecord {
    /// The run without what stands in other files.
    pub(super) fn into_input(self) -> Result<Input, String> {
        if self.schema != SCHEMA {
            return Err(format!("schema is {:?}, but only {SCHEMA:?} is understood", self.schema));
        }
        let curves = self.latency.into_iter().map(LatencyRecord::into_curve).collect::<Result<_, _>>()?;
        Ok(Input {
            title: self.title,
            verdict: self.verdict,
            reason: self.reason,
            verdicts: Vec::new(),
            flips: self.flips.into_iter().map(Into::into).collect(),
            curves,
            ledger: Vec::new(),
            margins: self.margins.into_iter().map(Into::into).collect(),
            policy: self.policy.map(Into::into),
            timeline: Vec::new(),
            examples: self.examples.into_iter().map(Into::into).collect(),
            scores: self.scores.into_iter().map(Into::into).collect(),
            cases: self.cases.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<&LatencyCurve> for LatencyRecord {
    fn from(curve: &LatencyCurve) -> Self {
        let counts = curve.histogram.iter_recorded();
        Self {
            metric: curve.metric.clone(),
            arm: curve.arm,
            digits: curve.histogram.sigfig(),
            counts: counts.map(|count| (count.value_iterated_to(), count.count_at_value())).collect(),
        }
    }
}

impl LatencyRecord {
    fn into_curve(self) -> Result<LatencyCurve, String> {
        let Self { metric, arm, digits, counts } = self;
        let mut histogram = Histogram::new(digits)
            .map_err(|_| format!("latency of {metric}: digits lie between 0 and 5, but {digits} does not"))?;
        for (value, count) in counts {
            histogram
                .record_n(value, count)
                .map_err(|_| format!("latency of {metric}: {value} µs is more than a histogram can hold"))?;
        }
        Ok(LatencyCurve { metric, arm, histogram })
    }
}

impl From<&ScoreFlips> for FlipsRecord {
    fn from(flips: &ScoreFlips) -> Self {
        let ScoreFlips { metric, both_right, both_wrong, better, worse } = flips.clone();
        Self { metric, both_right, both_wrong, better, worse }
    }
}

impl From<FlipsRecord> for ScoreFlips {
    fn from(record: FlipsRecord) -> Self {
        let FlipsRecord { metric, both_right, both_wrong, better, worse } = record;
        Self { metric, both_right, both_wrong, better, worse }
    }
}

impl From<&ScoreCounts> for ScoresRecord {
    fn from(counts: &ScoreCounts) -> Self {
        let ScoreCounts { metric, baseline, candidate } = counts.clone();
        Self { metric, baseline, candidate }
    }
}

impl From<ScoresRecord> for ScoreCounts {
    fn from(record: ScoresRecord) -> Self {
        let ScoresRecord { metric, baseline, candidate } = record;
        Self { metric, baseline, candidate }
    }
}

impl From<&CaseRow> for CaseRecord {
    fn from(case: &CaseRow) -> Self {
        let CaseRow { id, tags, question, baseline, candidate } = case.clone();
        Self { id, tags, question, baseline, candidate }
    }
}

impl From<CaseRecord> for CaseRow {
    fn from(record: CaseRecord) -> Self {
        let CaseRecord { id, tags, question, baseline, candidate } = record;
        Self { id, tags, question, baseline, candidate }
    }
}

impl From<&Example> for ExampleRecord {
    fn from(example: &Example) -> Self {
        let Example { id, note, question, baseline, candidate } = example.clone();
        Self { id, note, question, baseline, candidate }
    }
}

impl From<ExampleRecord> for Example {
    fn from(record: ExampleRecord) -> Self {
        let ExampleRecord { id, note, question, baseline, candidate } = record;
        Self { id, note, question, baseline, candidate }
    }
}

impl From<&TimelineEntry> for TimelineRecord {
    fn from(entry: &TimelineEntry) -> Self {
        let TimelineEntry { at_ms, stage, text } = entry.clone();
        Self { at_ms, stage, text }
    }
}

impl From<TimelineRecord> for TimelineEntry {
    fn from(record: TimelineRecord) -> Self {
        let TimelineRecord { at_ms, stage, text } = record;
        Self { at_ms, stage, text }
    }
}

/// JSON has no infinities: the largest numbers stand for them, and `null` for NaN.
fn stored(log_e: f64) -> Option<f64> {
    (!log_e.is_nan()).then(|| log_e.clamp(f64::MIN, f64::MAX))
}

impl From<&LedgerPoint> for LedgerRecord {
    fn from(point: &LedgerPoint) -> Self {
        let metrics = point.metrics.iter().map(|(name, abort, promote)| LedgerMetric {
            name: name.to_string(),
            log_e_abort: stored(*abort),
            log_e_promote: stored(*promote),
        });
        Self { records: point.records, log_e_abort: stored(point.log_e_abort), metrics: metrics.collect() }
    }
}

impl From<LedgerRecord> for LedgerPoint {
    fn from(record: LedgerRecord) -> Self {
        let read = |log_e: Option<f64>| log_e.unwrap_or(f64::NAN);
        let metrics = record.metrics.into_iter();
        Self {
            records: record.records,
            log_e_abort: read(record.log_e_abort),
            metrics: metrics
                .map(|metric| {
                    (MetricName::new(metric.name), read(metric.log_e_abort), read(metric.log_e_promote))
                })
                .collect(),
        }
    }
}
