//! What a page shows of golden runs: who won and lost, latencies, and the answers worth reading.

use hdrhistogram::Histogram;

use super::golden_cases::{cases, scores};
use crate::domain::Arm;
use crate::evals::{ArmRun, GoldenRun, Regression, Sample, SuiteMetric, Timing};
use crate::report::{CaseRow, Example, LatencyCurve, ScoreCounts, ScoreFlips};

/// The golden parts of a page.
pub(super) struct GoldenParts {
    pub(super) flips: Vec<ScoreFlips>,
    pub(super) curves: Vec<LatencyCurve>,
    pub(super) examples: Vec<Example>,
    pub(super) scores: Vec<ScoreCounts>,
    pub(super) cases: Vec<CaseRow>,
}

/// Gathers them from the runs of one gate.
pub(super) fn golden_parts(runs: &[GoldenRun]) -> GoldenParts {
    GoldenParts {
        flips: runs.iter().flat_map(flips).collect(),
        curves: curves(runs),
        examples: runs.iter().flat_map(examples).collect(),
        scores: runs.iter().flat_map(scores).collect(),
        cases: cases(runs),
    }
}

/// First answers of both arms to every case.
fn pairs(run: &GoldenRun) -> impl Iterator<Item = (&Sample, &Sample)> {
    let arms = run.baseline.samples.iter().zip(&run.candidate.samples);
    arms.filter_map(|(baseline, candidate)| Some((baseline.first()?, candidate.first()?)))
}

fn flips(run: &GoldenRun) -> Vec<ScoreFlips> {
    let binary = run.suite.metrics.iter().enumerate().filter(|(_, metric)| metric.grader.is_binary());
    binary.map(|(at, metric)| flips_of(run, at, metric)).collect()
}

fn flips_of(run: &GoldenRun, at: usize, metric: &SuiteMetric) -> ScoreFlips {
    let name = format!("{} · {}", run.suite.name, metric.name);
    let mut flips = ScoreFlips { metric: name, both_right: 0, both_wrong: 0, better: 0, worse: 0 };
    for (baseline, candidate) in pairs(run) {
        let is_right = |sample: &Sample| sample.scores.get(at).and_then(|score| score.is_right());
        let counter = match (is_right(baseline), is_right(candidate)) {
            (Some(true), Some(true)) => &mut flips.both_right,
            (Some(false), Some(false)) => &mut flips.both_wrong,
            (Some(false), Some(true)) => &mut flips.better,
            (Some(true), Some(false)) => &mut flips.worse,
            _ => continue,
        };
        *counter += 1;
    }
    flips
}

/// One curve a timing and arm, over all suites together.
fn curves(runs: &[GoldenRun]) -> Vec<LatencyCurve> {
    let mut curves = Vec::new();
    for timing in [Timing::Ttft, Timing::Tpot, Timing::E2e] {
        for (arm, of) in [(Arm::Baseline, baseline as fn(&GoldenRun) -> &ArmRun), (Arm::Candidate, candidate)]
        {
            if let Some(histogram) = together(runs.iter().map(of), timing) {
                curves.push(LatencyCurve { metric: timing.metric().to_owned(), arm, histogram });
            }
        }
    }
    curves
}

const fn baseline(run: &GoldenRun) -> &ArmRun {
    &run.baseline
}

const fn candidate(run: &GoldenRun) -> &ArmRun {
    &run.candidate
}

/// `None` when nothing was timed.
fn together<'r>(arms: impl Iterator<Item = &'r ArmRun>, timing: Timing) -> Option<Histogram<u64>> {
    let mut of_timing = arms.flat_map(|arm| &arm.latency).filter(|one| one.timing == timing);
    let mut all = of_timing.next()?.micros.clone();
    for one in of_timing {
        // Both grow with their values, so nothing is out of range.
        all.add(&one.micros).ok()?;
    }
    (!all.is_empty()).then_some(all)
}

/// The regressions of the first required grader: the baseline was right and the candidate was not.
fn examples(run: &GoldenRun) -> Vec<Example> {
    let required = run.suite.metrics.iter().find(|metric| metric.required);
    let Some(metric) = required else { return Vec::new() };
    let example = |regression: &Regression| {
        let Regression { case, baseline, candidate } = regression.clone();
        let case = run.suite.cases.get(case)?;
        let note = match metric.grader.compares() {
            true => format!("{}: the baseline's answer was preferred in both orders", metric.name),
            false => {
                let wanted = case.references.join(" or ");
                format!("{}: only the baseline was right; wanted {wanted}", metric.name)
            }
        };
        Some(Example { id: case.id.clone(), note, question: case.question(), baseline, candidate })
    };
    run.regressions.iter().filter_map(example).collect()
}
