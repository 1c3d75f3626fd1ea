//! What a page shows of single golden cases: how often which score was given, and every case with its two.

use crate::evals::{GoldenRun, Sample, Score};
use crate::report::{CaseRow, ScoreCounts};

/// Parts of [0, 1] that scores are counted in.
const BINS: usize = 20;

/// Letters of a question in a table.
const QUESTION_LETTERS_MAX: usize = 200;

/// Cases of one page: those with the greatest losses. A table of more is searched where the samples are.
const CASES_MAX: usize = 2_000;

/// One histogram for every metric with more scores than right and wrong.
pub(super) fn scores(run: &GoldenRun) -> Vec<ScoreCounts> {
    let graded = run.suite.metrics.iter().enumerate().filter(|(_, metric)| !metric.grader.is_binary());
    let counts = graded.map(|(at, metric)| ScoreCounts {
        metric: format!("{} · {}", run.suite.name, metric.name),
        baseline: counted(&run.baseline.samples, at),
        candidate: counted(&run.candidate.samples, at),
    });
    counts.collect()
}

fn counted(samples: &[Vec<Sample>], metric: usize) -> Vec<u64> {
    let mut bins = vec![0; BINS];
    for score in samples.iter().flatten().filter_map(|sample| value(sample, metric)) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score lies in [0, 1]")]
        let bin = (score.clamp(0.0, 1.0) * BINS as f64) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    bins
}

fn value(sample: &Sample, metric: usize) -> Option<f64> {
    sample.scores.get(metric)?.value()
}

/// The cases by the first required metric, those with the greatest losses first. Of repeats the first is shown.
pub(super) fn cases(runs: &[GoldenRun]) -> Vec<CaseRow> {
    let mut rows: Vec<CaseRow> = runs.iter().flat_map(of_run).collect();
    let change = |row: &CaseRow| row.candidate.unwrap_or(0.0) - row.baseline.unwrap_or(0.0);
    rows.sort_by(|one, other| change(one).total_cmp(&change(other)));
    rows.truncate(CASES_MAX);
    rows
}

fn of_run(run: &GoldenRun) -> Vec<CaseRow> {
    let Some(at) = run.suite.metrics.iter().position(|metric| metric.required) else { return Vec::new() };
    let arms = run.baseline.samples.iter().zip(&run.candidate.samples);
    let rows = run.suite.cases.iter().zip(arms).filter_map(|(case, (baseline, candidate))| {
        let (baseline, candidate) = (baseline.first()?, candidate.first()?);
        let applies =
            [baseline, candidate].iter().all(|sample| sample.scores.get(at) != Some(&Score::NotApplicable));
        applies.then(|| CaseRow {
            id: case.id.clone(),
            tags: case.tags.clone(),
            question: case.question().chars().take(QUESTION_LETTERS_MAX).collect(),
            baseline: value(baseline, at),
            candidate: value(candidate, at),
        })
    });
    rows.collect()
}
