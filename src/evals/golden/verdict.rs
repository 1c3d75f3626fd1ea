//! From runs to one verdict.

use super::GoldenRun;
use crate::document::parts_digest;
use crate::domain::MetricName;
use crate::judgment::{
    GoldenAsk, GoldenMetric, Judgment, MetricJudgment, Question, Reason, SequentialEvidence, Subject,
    judge_golden, judge_sequential,
};

/// What the runs of one gate say together: every suite's metrics under one verdict. With several suites, a metric is
/// called by its suite as well (`gsm8k/number@gsm8k-flexible`). No run at all is [`crate::judgment::Verdict::Invalid`].
#[must_use]
pub fn judge_runs(runs: &[GoldenRun]) -> Judgment {
    let several = runs.len() > 1;
    let early: Option<Vec<_>> = runs.iter().map(|run| sequential(run, several)).collect();
    if let Some(early) = early.filter(|early| !early.is_empty()) {
        let mut judgment = judge_sequential(&early, &subject(runs));
        judgment.metrics.retain(|metric| !is_clean_guard(metric));
        add_noise(&mut judgment, runs);
        return judgment;
    }
    let named = |run: &GoldenRun, metric: GoldenMetric| {
        let name = name_in(run, &metric.name, several);
        GoldenMetric { name, ..metric }
    };
    let metrics: Vec<_> =
        runs.iter().flat_map(|run| run.metrics().into_iter().map(move |metric| named(run, metric))).collect();
    let mut ask = GoldenAsk::new(Question::Golden, subject(runs));
    for timers in runs.iter().filter_map(|run| run.client) {
        *ask.client.get_or_insert_default() += timers;
    }
    ask.capped = runs.iter().find_map(|run| run.capped.clone());
    let mut judgment = judge_golden(&metrics, &ask);
    judgment.reasons.extend(runs.iter().flat_map(|run| corpus_notes(run, several)));
    judgment.reasons.extend(runs.iter().flat_map(GoldenRun::compared).map(Reason::Note));
    judgment
}

/// What a metric is called beside those of other suites.
fn name_in(run: &GoldenRun, name: &MetricName, several: bool) -> MetricName {
    if several { MetricName::new(format!("{}/{name}", run.suite.name)) } else { name.clone() }
}

/// BLEU over all answers together, beside the mean of their own.
fn corpus_notes(run: &GoldenRun, several: bool) -> Vec<Reason> {
    let (baseline, candidate) = (&run.baseline.corpus_bleu, &run.candidate.corpus_bleu);
    let both = baseline.iter().filter_map(|(at, blue)| Some((*at, blue, candidate.get(at)?)));
    let note = both.map(|(at, blue, green)| {
        let name = name_in(run, &run.suite.metrics[at].name, several);
        Reason::Note(format!(
            "{name} over the whole corpus: baseline {blue:.4}, candidate {green:.4}; shown, not tested"
        ))
    });
    note.collect()
}

/// A guard of answers that nobody could read, where every one could be: as for a whole sample, it is not shown.
fn is_clean_guard(metric: &MetricJudgment) -> bool {
    let clean = (metric.baseline, metric.candidate) == (Some(0.0), Some(0.0));
    metric.name.as_str().ends_with(":unparsable") && clean && metric.missing == 0
}

/// What repeats say of the cases that were judged.
fn add_noise(judgment: &mut Judgment, runs: &[GoldenRun]) {
    for run in runs {
        for (index, metric) in run.suite.metrics.iter().enumerate() {
            let name = name_in(run, &metric.name, runs.len() > 1);
            let judged = judgment.metrics.iter_mut().find(|judged| judged.name == name);
            judged.into_iter().for_each(|judged| judged.noise = run.noise(index));
        }
    }
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
