//! What a run holds while it goes on: numbers by case, and the texts of a few pairs worth reading.

use std::collections::{BTreeMap, HashMap};

use super::{Sample, Score};
use crate::domain::Arm;
use crate::evals::dataset::Case;
use crate::evals::error::EvalError;
use crate::evals::golden::Early;
use crate::evals::grader::Reply;
use crate::evals::latency::Times;
use crate::evals::order::Turn;
use crate::evals::suite::{Suite, SuiteMetric};
use crate::wire::Answer;

/// Pairs whose texts are kept of one suite: enough to see a pattern.
const REGRESSIONS_MAX: usize = 10;

/// Everything that came.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) arms: HashMap<Arm, OfArm>,
    pub(super) regressions: Regressions,
    /// Which cap ended the run before its end, in a sentence.
    pub(super) capped: Option<String>,
    /// What judges the cases as they come.
    pub(super) early: Option<Early>,
}

/// The samples of one arm, by case and repeat; a place is empty until its answer is there.
#[derive(Debug)]
pub(super) struct OfArm {
    places: Vec<Option<Sample>>,
    repeats: u32,
    pub(super) refused: u64,
}

impl OfArm {
    pub(super) fn new(cases: usize, repeats: u32) -> Self {
        Self { places: vec![None; cases * repeats as usize], repeats, refused: 0 }
    }

    fn at(&self, turn: Turn) -> usize {
        turn.case * self.repeats as usize + turn.repeat as usize
    }

    pub(super) fn holds(&self, turn: Turn) -> bool {
        self.places.get(self.at(turn)).is_some_and(Option::is_some)
    }

    /// The samples of one case, when all of them are there.
    fn case(&self, case: usize) -> Option<Vec<Sample>> {
        let (repeats, begin) = (self.repeats as usize, case * self.repeats as usize);
        self.places.get(begin..begin + repeats)?.iter().cloned().collect()
    }

    /// Samples by case, those of a case that was not wholly asked left out.
    pub(super) fn by_case(self, cases: usize) -> Vec<Vec<Sample>> {
        let mut places = self.places.into_iter();
        let mut case = || places.by_ref().take(self.repeats as usize).collect::<Option<Vec<_>>>();
        (0..cases).map(|_| case().unwrap_or_default()).collect()
    }
}

impl Gathered {
    pub(super) fn new(suite: &Suite, repeats: &HashMap<Arm, u32>) -> Self {
        let arms = repeats.iter().map(|(arm, repeats)| (*arm, OfArm::new(suite.cases.len(), *repeats)));
        Self { arms: arms.collect(), regressions: Regressions::new(suite), capped: None, early: None }
    }

    /// Grades an answer and takes its numbers in.
    pub(super) fn take(&mut self, suite: &Suite, turn: Turn, answer: Option<&Answer>, times: Times) {
        let sample = grade(suite, &suite.cases[turn.case], answer, times);
        if turn.repeat == 0 {
            self.regressions.take(turn, &sample, answer);
        }
        if let Some(of_arm) = self.arms.get_mut(&turn.arm) {
            let at = of_arm.at(turn);
            of_arm.places[at] = Some(sample);
        }
    }

    /// Judges what came, where cases are judged as they come. Whether that decides.
    pub(super) fn decides(&mut self, suite: &Suite) -> Result<bool, EvalError> {
        let Some(mut early) = self.early.take() else { return Ok(false) };
        let of_arm = |arm, case| self.arms.get(&arm)?.case(case);
        let both = |case| Some([of_arm(Arm::Baseline, case)?, of_arm(Arm::Candidate, case)?]);
        let decided = early.fold(suite, both);
        self.early = Some(early);
        decided
    }

    /// Counts refusals that were followed by another try.
    pub(super) fn refused(&mut self, arm: Arm, times: u32) {
        if let Some(of_arm) = self.arms.get_mut(&arm) {
            of_arm.refused += u64::from(times);
        }
    }

    /// The sample of a turn that was taken.
    pub(super) fn sample(&self, turn: Turn) -> Option<&Sample> {
        let of_arm = self.arms.get(&turn.arm)?;
        of_arm.places.get(of_arm.at(turn))?.as_ref()
    }

    pub(super) fn holds(&self, turn: Turn) -> bool {
        self.arms.get(&turn.arm).is_some_and(|of_arm| of_arm.holds(turn))
    }
}

fn grade(suite: &Suite, case: &Case, answer: Option<&Answer>, times: Times) -> Sample {
    let score = |metric: &SuiteMetric| {
        let Some(answer) = answer else { return Score::Lost };
        match metric.grader.score(Reply::from(answer), &case.references) {
            None => Score::NotApplicable,
            Some(_) if !answer.outcome.is_complete() => Score::Value(0.0),
            Some(_) if !metric.grader.can_read(Reply::from(answer)) => Score::Unparsable,
            Some(score) => Score::Value(score),
        }
    };
    let scores = suite.metrics.iter().map(score).collect();
    let usage = answer.and_then(|answer| answer.usage);
    let output_tokens = usage.map(|usage| usage.completion_tokens);
    Sample { outcome: answer.map(|answer| answer.outcome), scores, times, output_tokens }
}

/// A case that the baseline answered rightly and the candidate did not, by the first metric that must pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// Index of the case.
    pub case: usize,
    /// What the baseline said; `None`: lost.
    pub baseline: Option<String>,
    /// What the candidate said; `None`: lost.
    pub candidate: Option<String>,
}

/// The first regressions in the suite's order. Of every other pair nothing is held once both halves are there.
#[derive(Debug)]
pub(super) struct Regressions {
    metric: Option<usize>,
    waiting: HashMap<usize, Half>,
    kept: BTreeMap<usize, Regression>,
}

#[derive(Debug)]
struct Half {
    arm: Arm,
    is_right: Option<bool>,
    text: Option<String>,
}

impl Regressions {
    fn new(suite: &Suite) -> Self {
        let metric = suite.metrics.iter().position(|metric| metric.required);
        Self { metric, waiting: HashMap::new(), kept: BTreeMap::new() }
    }

    fn take(&mut self, turn: Turn, sample: &Sample, answer: Option<&Answer>) {
        let Some(metric) = self.metric else { return };
        let text = answer.map(|answer| answer.text.clone());
        let half = Half {
            arm: turn.arm,
            is_right: sample.scores.get(metric).and_then(|score| score.is_right()),
            text,
        };
        let Some(other) = self.waiting.remove(&turn.case) else {
            self.waiting.insert(turn.case, half);
            return;
        };
        let (baseline, candidate) = if turn.arm == Arm::Baseline { (half, other) } else { (other, half) };
        if (baseline.arm, baseline.is_right, candidate.is_right) == (Arm::Baseline, Some(true), Some(false)) {
            let (case, baseline, candidate) = (turn.case, baseline.text, candidate.text);
            self.kept.insert(case, Regression { case, baseline, candidate });
        }
        if self.kept.len() > REGRESSIONS_MAX {
            self.kept.pop_last();
        }
    }

    pub(super) fn kept(self) -> Vec<Regression> {
        self.kept.into_values().collect()
    }
}
