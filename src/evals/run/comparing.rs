//! Answers on their way to the model that grades: they wait for each other, are asked about in both orders, and become scores.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::Score;
use crate::document::parts_digest;
use crate::domain::Arm;
use crate::evals::model_graded::{ModelGraded, Preference, agreed};
use crate::evals::order::Turn;
use crate::evals::samples::ComparisonKey;
use crate::evals::suite::Suite;
use crate::wire::Answer;

/// What became of the comparisons of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pairs of answers that were compared in both orders.
    pub compared: u64,
    /// Of them: ties because each order preferred another answer.
    pub disagreed: u64,
    /// Of them: not scored, because what was said in one order could not be read.
    pub unread: u64,
}

/// What an arm's answer is to a comparison.
#[derive(Clone, Debug)]
enum Half {
    Lost,
    /// It failed, broke off or says nothing.
    Failed,
    Said(Arc<str>),
}

/// One request to the model that grades.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) key: ComparisonKey,
    /// The answer of `key.first`.
    pub(super) a: Arc<str>,
    /// The other one.
    pub(super) b: Arc<str>,
}

/// The scores of a case by one metric, once all of its pairs are compared.
pub(super) struct Settled {
    pub(super) metric: usize,
    /// By repeat.
    pub(super) baseline: Vec<Score>,
    pub(super) candidate: Vec<Score>,
    /// Both first answers, where that of the baseline won.
    pub(super) lost: Option<[Option<String>; 2]>,
}

/// A case whose answers come.
#[derive(Debug, Default)]
struct OfCase {
    halves: HashMap<(Arm, u32), Half>,
    /// By metric and pair.
    scores: BTreeMap<(usize, u32), [Score; 2]>,
    /// What the order that was asked first said.
    first: HashMap<(usize, u32), Option<Preference>>,
}

/// The comparisons of a run.
#[derive(Debug)]
pub(super) struct Comparing {
    graders: Vec<(usize, Arc<ModelGraded>)>,
    /// Answers to a case, of baseline and candidate.
    repeats: [u32; 2],
    cases: HashMap<usize, OfCase>,
    queue: VecDeque<Comparison>,
    /// What an earlier run was told.
    pub(super) recorded: HashMap<ComparisonKey, Option<Preference>>,
    /// By metric of the suite.
    pub(super) tallies: BTreeMap<usize, Tally>,
}

impl Comparing {
    /// What `suite` has compared; `None` where it asks for no comparison.
    pub(super) fn new(suite: &Suite, repeats: &HashMap<Arm, u32>) -> Option<Self> {
        let graders: Vec<_> = suite.model_graded().map(|(at, graded)| (at, Arc::clone(graded))).collect();
        let of = |arm| repeats.get(&arm).copied();
        let repeats = [of(Arm::Baseline)?, of(Arm::Candidate)?];
        let tallies = graders.iter().map(|(at, _)| (*at, Tally::default())).collect();
        let (cases, queue, recorded) = (HashMap::new(), VecDeque::new(), HashMap::new());
        (!graders.is_empty()).then_some(Self { graders, repeats, cases, queue, recorded, tallies })
    }

    /// Pairs of answers to one case. An arm that was recorded has one answer, and all of the other's are compared with it.
    fn pairs(&self) -> u32 {
        self.repeats[0].max(self.repeats[1])
    }

    /// Requests that wait to be sent.
    pub(super) fn backlog(&self) -> usize {
        self.queue.len()
    }

    /// The next request, with whose rubric it is about.
    pub(super) fn next(&mut self) -> Option<(Comparison, Arc<ModelGraded>)> {
        let comparison = self.queue.pop_front()?;
        let (_, graded) = self.graders.iter().find(|(at, _)| *at == comparison.key.metric)?;
        Some((comparison, Arc::clone(graded)))
    }

    /// Takes an answer in, and asks about every pair that it completes.
    pub(super) fn answer(&mut self, turn: Turn, answer: Option<&Answer>) -> Vec<Settled> {
        let Turn { case, repeat, arm } = turn;
        self.cases.entry(case).or_default().halves.insert((arm, repeat), Half::of(answer));
        let own = self.repeats[usize::from(arm == Arm::Candidate)];
        for pair in (0..self.pairs()).filter(|pair| pair % own == repeat) {
            self.complete(case, pair);
        }
        self.settle(case)
    }

    /// Asks about one pair, if both of its answers are there.
    fn complete(&mut self, case: usize, pair: u32) {
        let [blue, green] = [Arm::Baseline, Arm::Candidate].map(|arm| self.half(case, arm, pair).cloned());
        let (Some(blue), Some(green)) = (blue, green) else { return };
        for at in self.graders.iter().map(|(at, _)| *at).collect::<Vec<_>>() {
            match Half::without_asking(&blue, &green) {
                Ok(scores) => self.note(case, at, pair, scores),
                Err([blue, green]) => self.enqueue(case, at, pair, &[blue, green]),
            }
        }
    }

    fn half(&self, case: usize, arm: Arm, pair: u32) -> Option<&Half> {
        let own = self.repeats[usize::from(arm == Arm::Candidate)];
        self.cases.get(&case)?.halves.get(&(arm, pair % own))
    }

    fn enqueue(&mut self, case: usize, metric: usize, pair: u32, texts: &[Arc<str>; 2]) {
        let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        let answers = parts_digest("goldgate/compared/1", &bytes).to_hex()[..16].to_owned();
        for first in [Arm::Baseline, Arm::Candidate] {
            let key = ComparisonKey { case, metric, pair, first, answers: answers.clone() };
            let [blue, green] = texts.clone();
            let (a, b) = if first == Arm::Baseline { (blue, green) } else { (green, blue) };
            match self.recorded.remove(&key) {
                Some(preferred) => self.take(&key, preferred),
                None => self.queue.push_back(Comparison { key, a, b }),
            }
        }
    }

    /// Takes in what was said of one order; `None`: it could not be read.
    pub(super) fn said(&mut self, key: &ComparisonKey, preferred: Option<Preference>) -> Vec<Settled> {
        self.take(key, preferred);
        self.settle(key.case)
    }

    fn take(&mut self, key: &ComparisonKey, preferred: Option<Preference>) {
        let Some(of_case) = self.cases.get_mut(&key.case) else { return };
        let at = (key.metric, key.pair);
        let Some(earlier) = of_case.first.remove(&at) else {
            of_case.first.insert(at, preferred);
            return;
        };
        let both = earlier.zip(preferred);
        if let Some(tally) = self.tallies.get_mut(&key.metric) {
            tally.compared += 1;
            tally.disagreed += u64::from(both.is_some_and(|(one, other)| one != other));
            tally.unread += u64::from(both.is_none());
        }
        let scores = both.map_or([Score::Unscored; 2], |(one, other)| scores(agreed(one, other)));
        self.note(key.case, key.metric, key.pair, scores);
    }

    fn note(&mut self, case: usize, metric: usize, pair: u32, scores: [Score; 2]) {
        if let Some(of_case) = self.cases.get_mut(&case) {
            of_case.scores.insert((metric, pair), scores);
        }
    }

    /// The scores of a case, once everything of it is compared.
    fn settle(&mut self, case: usize) -> Vec<Settled> {
        let all = self.graders.len() * self.pairs() as usize;
        let Some(of_case) = self.cases.remove(&case) else { return Vec::new() };
        if of_case.scores.len() < all {
            self.cases.insert(case, of_case);
            return Vec::new();
        }
        let [baseline, candidate] = self.repeats;
        let settled = self.graders.iter().map(|(metric, _)| Settled {
            metric: *metric,
            baseline: (0..baseline).map(|repeat| of_case.mean(*metric, 0, (repeat, baseline))).collect(),
            candidate: (0..candidate).map(|repeat| of_case.mean(*metric, 1, (repeat, candidate))).collect(),
            lost: of_case.lost(*metric),
        });
        settled.collect()
    }
}

impl OfCase {
    /// The mean score of one answer over the pairs that it is part of: those that leave `repeat` when divided by `repeats`.
    fn mean(&self, metric: usize, half: usize, (repeat, repeats): (u32, u32)) -> Score {
        let of_metric = self.scores.range((metric, 0)..=(metric, u32::MAX));
        let of_answer = of_metric.filter(|((_, pair), _)| pair % repeats == repeat);
        let (mut sum, mut count) = (0.0, 0.0);
        for (_, scores) in of_answer {
            match scores[half].value() {
                Some(value) => (sum, count) = (sum + value, count + 1.0),
                None => return scores[half],
            }
        }
        Score::Value(sum / count)
    }

    fn lost(&self, metric: usize) -> Option<[Option<String>; 2]> {
        let [baseline, candidate] = self.scores.get(&(metric, 0))?.map(Score::is_right);
        let text = |arm| self.halves.get(&(arm, 0)).and_then(Half::text);
        let won = (baseline, candidate) == (Some(true), Some(false));
        won.then(|| [text(Arm::Baseline), text(Arm::Candidate)])
    }
}

impl Half {
    fn of(answer: Option<&Answer>) -> Self {
        let Some(answer) = answer else { return Self::Lost };
        let calls =
            answer.tool_calls.as_deref().map(|calls| format!("\n[tool calls]\n{calls}")).unwrap_or_default();
        let text = format!("{}{calls}", answer.text);
        match answer.outcome.is_complete() && !text.trim().is_empty() {
            true => Self::Said(text.into()),
            false => Self::Failed,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Said(text) => Some(text.to_string()),
            Self::Failed => Some(String::new()),
            Self::Lost => None,
        }
    }

    /// The scores of answers that need no comparison; else their texts. A lost half never helps: the other has won, and that is
    /// all that is known.
    fn without_asking(blue: &Self, green: &Self) -> Result<[Score; 2], [Arc<str>; 2]> {
        const WON: Score = Score::Value(1.0);
        const NOTHING: Score = Score::Value(0.0);
        Ok(match (blue, green) {
            (Self::Lost, Self::Lost) => [Score::Lost; 2],
            (Self::Lost, _) => [Score::Lost, WON],
            (_, Self::Lost) => [WON, Score::Lost],
            (Self::Failed, Self::Failed) => [NOTHING; 2],
            (Self::Said(_), Self::Failed) => [WON, NOTHING],
            (Self::Failed, Self::Said(_)) => [NOTHING, WON],
            (Self::Said(blue), Self::Said(green)) if blue == green => scores(Preference::Tie),
            (Self::Said(blue), Self::Said(green)) => return Err([Arc::clone(blue), Arc::clone(green)]),
        })
    }
}

const fn scores(preference: Preference) -> [Score; 2] {
    match preference {
        Preference::Baseline => [Score::Value(1.0), Score::Value(0.0)],
        Preference::Tie => [Score::Value(0.5), Score::Value(0.5)],
        Preference::Candidate => [Score::Value(0.0), Score::Value(1.0)],
    }
}
