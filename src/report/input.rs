//! A whole run as plain data: what the page draws and what a run directory holds.

use hdrhistogram::Histogram;

use crate::domain::Arm;
use crate::judgment::{AtMargins, LedgerPoint, Policy, Verdict};
use crate::wire::VerdictRecord;

/// One run, from golden gate to promotion or rollback, or a single verdict. Empty parts are left out.
#[derive(Clone, Debug)]
pub struct Input {
    /// The page's title: what was rolled out.
    pub title: String,
    /// How the run ended; its exit code is the program's.
    pub verdict: Verdict,
    /// The decisive reason, one sentence with the numbers in it.
    pub reason: String,
    /// The last verdict of each stage, in order.
    pub verdicts: Vec<VerdictRecord>,
    /// Golden cases by who was right.
    pub flips: Vec<ScoreFlips>,
    /// Latency of both arms.
    pub curves: Vec<LatencyCurve>,
    /// The e-values, look by look.
    pub ledger: Vec<LedgerPoint>,
    /// What other margins would have said of the live evidence.
    pub margins: Vec<AtMargins>,
    /// What it was judged by: draws the thresholds, and judges the evidence again.
    pub policy: Option<Policy>,
    /// What happened when.
    pub timeline: Vec<TimelineEntry>,
    /// Pairs worth reading.
    pub examples: Vec<Example>,
    /// How often which score was given, of metrics with more scores than right and wrong.
    pub scores: Vec<ScoreCounts>,
    /// The golden cases, the greatest losses first.
    pub cases: Vec<CaseRow>,
}

/// How often each arm was given which score of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreCounts {
    /// The metric.
    pub metric: String,
    /// The baseline's scores, in equal parts of [0, 1].
    pub baseline: Vec<u64>,
    /// The candidate's.
    pub candidate: Vec<u64>,
}

/// One golden case with its scores by the first required metric of its suite. Its texts come from datasets and are trusted by
/// nobody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseRow {
    /// Its id.
    pub id: String,
    /// Words to slice by.
    pub tags: Vec<String>,
    /// What was asked, perhaps cut.
    pub question: String,
    /// The baseline's score; `None`: its answer was lost.
    pub baseline: Option<f64>,
    /// The candidate's.
    pub candidate: Option<f64>,
}

/// Golden cases of one right-or-wrong metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreFlips {
    /// The metric.
    pub metric: String,
    /// Both arms were right.
    pub both_right: u64,
    /// Both arms were wrong.
    pub both_wrong: u64,
    /// Only the candidate was right.
    pub better: u64,
    /// Only the baseline was right.
    pub worse: u64,
}

/// One metric's latencies on one arm.
#[derive(Clone, Debug)]
pub struct LatencyCurve {
    /// The metric: `ttft_ms`, `tpot_ms`, `e2e_ms` …
    pub metric: String,
    /// Whose.
    pub arm: Arm,
    /// In microseconds.
    pub histogram: Histogram<u64>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When, in milliseconds since the run began.
    pub at_ms: u64,
    /// The stage it happened in.
    pub stage: String,
    /// One sentence with the numbers in it.
    pub text: String,
}

/// One pair worth reading. All of its text comes from clients and models and is trusted by nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// The pair's id.
    pub id: String,
    /// Why it is shown, for example "only the baseline was right".
    pub note: String,
    /// What was asked.
    pub question: String,
    /// What the baseline answered; `None` when the half is missing.
    pub baseline: Option<String>,
    /// What the candidate answered; `None` when the half is missing.
    pub candidate: Option<String>,
}

impl Input {
    /// A page about one verdict and nothing else.
    #[must_use]
    pub fn of_verdict(title: impl Into<String>, record: VerdictRecord) -> Self {
        Self {
            title: title.into(),
            verdict: record.verdict,
            reason: record.decisive().to_owned(),
            verdicts: vec![record],
            flips: Vec::new(),
            curves: Vec::new(),
            ledger: Vec::new(),
            margins: Vec::new(),
            policy: None,
            timeline: Vec::new(),
            examples: Vec::new(),
            scores: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// The stage verdict that decided the run: the last one that says what the run says, or else the last.
    #[must_use]
    pub fn decisive(&self) -> Option<&VerdictRecord> {
        self.verdicts.iter().rev().find(|record| record.verdict == self.verdict).or(self.verdicts.last())
    }
}
