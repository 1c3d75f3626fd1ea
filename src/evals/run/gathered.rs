//! What a run holds while it goes on: numbers by case, and the texts of a few pairs worth reading.

use std::collections::{BTreeMap, HashMap};

use super::comparing::{Comparing, Settled};
use super::{Sample, Score};
use crate::domain::Arm;
use crate::evals::dataset::Case;
use crate::evals::error::EvalError;
use crate::evals::golden::Early;
use crate::evals::grader::{BleuCounts, Grader, Reply};
use crate::evals::latency::Times;
use crate::evals::model_graded::Preference;
use crate::evals::order::Turn;
use crate::evals::samples::ComparisonKey;
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
    /// What is compared by a model.
    pub(super) comparing: Option<Comparing>,
}

/// The samples of one arm, by case and repeat; a place is empty until its answer is there.
#[derive(Debug)]
pub(super) struct OfArm {
    places: Vec<Option<Sample>>,
    repeats: u32,
    pub(super) refused: u64,
    /// By metric: what BLEU over all answers is computed from. One that failed or was lost says nothing.
    pub(super) corpus: BTreeMap<usize, BleuCounts>,
}

impl OfArm {
    pub(super) fn new(cases: usize, repeats: u32) -> Self {
        let (places, corpus) = (vec![None; cases * repeats as usize], BTreeMap::new());
        Self { places, repeats, refused: 0, corpus }
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
        self.places.get(begin..begin + repeats)?.iter().map(|place| place.clone().filter(is_whole)).collect()
    }

    /// Puts the scores of a metric, by repeat, into the samples of a case.
    fn settle(&mut self, case: usize, metric: usize, scores: &[Score]) {
        let begin = case * self.repeats as usize;
        for (sample, score) in self.places.iter_mut().skip(begin).flatten().zip(scores) {
            sample.scores[metric] = *score;
        }
    }

    fn count(&mut self, suite: &Suite, case: &Case, answer: Option<&Answer>) {
        let text = answer.filter(|answer| answer.outcome.is_complete()).map_or("", |answer| &answer.text);
        for (at, metric) in suite.metrics.iter().enumerate() {
            if let Grader::Bleu(bleu) = &metric.grader
                && !case.references.is_empty()
            {
                *self.corpus.entry(at).or_default() += bleu.counts(text, &case.references);
            }
        }
    }

    /// Samples by case, those of a case that was not wholly asked left out.
    pub(super) fn by_case(self, cases: usize) -> Vec<Vec<Sample>> {
        let mut places = self.places.into_iter().map(|place| place.filter(is_whole));
        let mut case = || places.by_ref().take(self.repeats as usize).collect::<Option<Vec<_>>>();
        (0..cases).map(|_| case().unwrap_or_default()).collect()
    }
}

fn is_whole(sample: &Sample) -> bool {
    !sample.scores.contains(&Score::Pending)
}

impl Gathered {
    pub(super) fn new(suite: &Suite, repeats: &HashMap<Arm, u32>) -> Self {
        let arms = repeats.iter().map(|(arm, repeats)| (*arm, OfArm::new(suite.cases.len(), *repeats)));
        let (arms, regressions) = (arms.collect(), Regressions::new(suite));
        Self { arms, regressions, capped: None, early: None, comparing: Comparing::new(suite, repeats) }
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
            of_arm.count(suite, &suite.cases[turn.case], answer);
        }
        let settled = self.comparing.as_mut().map(|comparing| comparing.answer(turn, answer));
        self.settle(turn.case, settled.unwrap_or_default());
    }

    /// Takes in what the model that grades said; see [`Comparing::said`].
    pub(super) fn said(&mut self, key: &ComparisonKey, preferred: Option<Preference>) {
        let settled = self.comparing.as_mut().map(|comparing| comparing.said(key, preferred));
        self.settle(key.case, settled.unwrap_or_default());
    }

    fn settle(&mut self, case: usize, settled: Vec<Settled>) {
        for Settled { metric, baseline, candidate, lost } in settled {
            self.regressions.compared(case, metric, lost);
            for (arm, scores) in [(Arm::Baseline, baseline), (Arm::Candidate, candidate)] {
                if let Some(of_arm) = self.arms.get_mut(&arm) {
                    of_arm.settle(case, metric, &scores);
                }
            }
        }
    }

    /// Comparisons that wait to be asked for.
    pub(super) fn backlog(&self) -> usize {
        self.comparing.as_ref().map_or(0, Comparing::backlog)
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
        if metric.grader.compares() {
            return Score::Pending;
        }
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
            self.keep(Regression { case, baseline, candidate });
        }
    }

    /// Takes in that the baseline's answer was preferred, if it was.
    fn compared(&mut self, case: usize, metric: usize, lost: Option<[Option<String>; 2]>) {
        if let Some([baseline, candidate]) = lost.filter(|_| self.metric == Some(metric)) {
            self.keep(Regression { case, baseline, candidate });
        }
    }

    fn keep(&mut self, regression: Regression) {
        self.kept.insert(regression.case, regression);
        if self.kept.len() > REGRESSIONS_MAX {
            self.kept.pop_last();
        }
    }

    pub(super) fn kept(self) -> Vec<Regression> {
        self.kept.into_values().collect()
    }
}
