//! From runs to one verdict.

use super::GoldenRun;
use crate::document::parts_digest;
use crate::domain::MetricName;
use crate::judgment::{
    GoldenAsk, GoldenMetric, Judgment, Question, SequentialEvidence, Subject, judge_golden, judge_sequential,
};

/// What the runs of one gate say together: every suite's metrics under one verdict. With several suites, a metric is
/// called by its suite as well (`gsm8k/number@gsm8k-flexible`). No run at all is [`crate::judgment::Verdict::Invalid`].
#[must_use]
pub fn judge_runs(runs: &[GoldenRun]) -> Judgment {
    let several = runs.len() > 1;
    let early: Option<Vec<_>> = runs.iter().map(|run| sequential(run, several)).collect();
    if let Some(early) = early.filter(|early| !early.is_empty()) {
        return judge_sequential(&early, &subject(runs));
    }
    let named = |run: &GoldenRun, metric: GoldenMetric| match several {
        true => {
            GoldenMetric { name: MetricName::new(format!("{}/{}", run.suite.name, metric.name)), ..metric }
        }
        false => metric,
    };
    let metrics: Vec<_> =
        runs.iter().flat_map(|run| run.metrics().into_iter().map(move |metric| named(run, metric))).collect();
    let mut ask = GoldenAsk::new(Question::Golden, subject(runs));
    for timers in runs.iter().filter_map(|run| run.client) {
        *ask.client.get_or_insert_default() += timers;
    }
    ask.capped = runs.iter().find_map(|run| run.capped.clone());
    judge_golden(&metrics, &ask)
}

fn sequential(run: &GoldenRun, several: bool) -> Option<SequentialEvidence<'_>> {
    let early = run.early.as_ref()?;
    let capped = run.capped.as_ref().map(|capped| format!("; ended by {capped}")).unwrap_or_default();
    Some(SequentialEvidence {
        prefix: several.then_some(run.suite.name.as_str()),
        snapshot: early.snapshot(),
        policy: early.policy(),
        client: run.client,
        note: format!("{}{capped}", early.note()),
    })
}

/// The subject of all runs; the digests of one run are its own.
fn subject(runs: &[GoldenRun]) -> Subject {
    let subjects: Vec<Subject> = runs.iter().map(GoldenRun::subject).collect();
    let together = |prefix: &str, of: fn(&Subject) -> &str| match &subjects[..] {
        [one] => of(one).to_owned(),
        all => {
            let parts: Vec<&[u8]> = all.iter().map(|subject| of(subject).as_bytes()).collect();
            format!("{prefix}:{}", &parts_digest("goldgate/golden-runs/1", &parts).to_hex()[..16])
        }
    };
    let arm =
        |of: fn(&Subject) -> &str| subjects.first().map(|subject| of(subject).to_owned()).unwrap_or_default();
    Subject {
        baseline: arm(|subject| &subject.baseline),
        candidate: arm(|subject| &subject.candidate),
        policy: together("pol", |subject| &subject.policy),
        evidence: together("ev", |subject| &subject.evidence),
    }
}
