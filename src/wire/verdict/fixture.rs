//! Judgments that tests of every surface share.

use crate::domain::{MetricKind, MetricName};
use crate::judgment::{
    AlphaLedger, Check, CheckState, Flips, Judgment, MetricJudgment, Opinion, Question, Reason, Strata,
    Subject, Verdict,
};

/// A mirror's judgment with something of everything: a pass, a failed latency, a metric without data.
pub(crate) fn judgment() -> Judgment {
    Judgment {
        verdict: Verdict::Fail,
        question: Question::Mirror,
        subject: Subject {
            baseline: "rel:4f1c9a".to_owned(),
            candidate: "rel:09abcd".to_owned(),
            policy: "pol:77aa01".to_owned(),
            evidence: "ev:c0ffee".to_owned(),
        },
        metrics: vec![error(), ttft(), helpful()],
        checks: vec![
            Check { name: "sample_ratio", state: CheckState::Ok },
            Check { name: "null_drift", state: CheckState::Unknown("12 null pairs, 50 needed".to_owned()) },
        ],
        alpha: Some(AlphaLedger { abort: 0.01, promote: 0.05, log_e_abort: 5.4 }),
        pairs_needed: Some(0),
        pace: None,
        reasons: vec![
            Reason::Note("ttft_ms is 21.4 % slower, beyond the margin of 5 %".to_owned()),
            Reason::Note("error is within its margin".to_owned()),
        ],
    }
}

fn error() -> MetricJudgment {
    MetricJudgment {
        name: MetricName::from("error"),
        kind: MetricKind::Event,
        verdict: Verdict::Pass,
        required: true,
        pairs: 1204,
        missing: 2,
        baseline: Some(5.0 / 1204.0),
        candidate: Some(4.0 / 1204.0),
        difference: Some(-1.0 / 1204.0),
        interval: Some((-0.004_612_345_678, 0.003_1).into()),
        level: 0.95,
        margin: 0.01,
        log_e_promote: Some(3.41),
        log_e_abort: Some(-1.9),
        weight: Some(0.5),
        flips: Some(Flips { better: 4, worse: 3 }),
        opinion: None,
        strata: Strata::default(),
        slices: Vec::new(),
        noise: None,
        reason: Reason::Note("worse by at most 0.0031".to_owned()),
        examples: vec!["case-17".to_owned()],
    }
}

fn ttft() -> MetricJudgment {
    MetricJudgment {
        name: MetricName::from("ttft_ms"),
        kind: MetricKind::Latency,
        verdict: Verdict::Fail,
        baseline: Some(210.4),
        candidate: Some(255.4),
        difference: Some(0.214),
        interval: Some((0.17, 0.26).into()),
        margin: 0.05,
        log_e_promote: Some(-9.5),
        log_e_abort: Some(7.2),
        weight: Some(0.25),
        flips: None,
        opinion: Some(Opinion::Sustained),
        reason: Reason::Note("slower by 21.4 %, beyond the margin of 5 %".to_owned()),
        examples: vec!["req-1".to_owned(), "req-2".to_owned()],
        ..error()
    }
}

fn helpful() -> MetricJudgment {
    MetricJudgment {
        name: MetricName::from("helpful"),
        kind: MetricKind::Score,
        verdict: Verdict::Inconclusive,
        required: false,
        pairs: 0,
        missing: 0,
        baseline: None,
        candidate: None,
        difference: None,
        interval: None,
        log_e_promote: None,
        log_e_abort: None,
        flips: None,
        opinion: None,
        reason: Reason::Note("nothing was measured".to_owned()),
        examples: Vec::new(),
        ..error()
    }
}
