//! The asking itself: who is asked what when, and what stops it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::arms::{ArmSource, Ready};
use super::comparing::{Comparing, Comparison};
use super::gathered::Gathered;
use super::{Outlets, Progress, RunOptions};
use crate::domain::Arm;
use crate::evals::caps::Spent;
use crate::evals::engine::Asked;
use crate::evals::error::EvalError;
use crate::evals::golden::Early;
use crate::evals::latency::times;
use crate::evals::model_graded::{Answers, GraderEngine, ModelGraded, Said, preferred};
use crate::evals::order::{self, Turn};
use crate::evals::samples::{Kept, RunKey};
use crate::evals::suite::Suite;
use crate::telemetry::Clock;

/// Asks every case of every arm that no earlier run asked already.
pub(super) async fn ask(
    suite: &Arc<Suite>,
    sources: Vec<(Arm, ArmSource)>,
    options: &RunOptions,
    mut outlets: Outlets<'_>,
) -> Result<Gathered, EvalError> {
    let repeats = sources.iter().map(|(arm, source)| (*arm, source.repeats(suite))).collect();
    check_grader(suite, &sources)?;
    let mut gathered = Gathered::new(suite, &repeats);
    if suite.cases.is_empty() || suite.metrics.is_empty() {
        return Ok(gathered);
    }
    let seed = options.seed.unwrap_or(suite.seed);
    let key = RunKey::of(suite, seed, sources.iter().map(|(arm, source)| (*arm, source.identity())));
    let mut spent = Spent::default();
    if let Some(log) = &mut outlets.samples {
        let compared = log.comparisons().read(suite, &key)?;
        compared.usage.into_iter().for_each(|usage| spent.add(Some(usage)));
        if let Some(comparing) = &mut gathered.comparing {
            comparing.recorded = compared.preferred;
        }
        log.each(suite, &key, |row| {
            spent.add(row.usage);
            gathered.refused(row.turn.arm, row.refused);
            gathered.take(suite, row.turn, row.answer.as_ref(), row.times);
        })?;
    }
    let all = order::turns(suite.cases.len(), suite.repeats, seed).into_iter();
    let mut all: Vec<Turn> =
        all.filter(|turn| repeats.get(&turn.arm).is_some_and(|repeats| turn.repeat < *repeats)).collect();
    if let Some(abort_alpha) = options.sequential.filter(|_| sources.len() == 2) {
        let order = order::by_case(&mut all);
        gathered.early = Some(Early::new(suite, order, abort_alpha)?);
    }
    let open: Vec<Turn> = all.iter().copied().filter(|turn| !gathered.holds(*turn)).collect();
    let due_ms = options.pace.as_ref().map(|pace| pace.due_ms(open.len(), seed));
    let progress = Progress { done: all.len() - open.len(), total: all.len() };
    if gathered.decides(suite)? || (open.is_empty() && gathered.backlog() == 0) {
        return Ok(gathered);
    }
    let sources = if open.is_empty() { Vec::new() } else { sources };
    let crew = Arc::new(Crew::gather(suite, sources, options).await?);
    warm_up(&crew, options).await?;
    let start_ms = options.clock.monotonic_ms();
    let due_ms: Option<Vec<f64>> = due_ms.map(|due_ms| due_ms.iter().map(|due| start_ms + due).collect());
    let in_flight = InFlight::default();
    Run { crew, key, options, outlets, gathered, spent, progress, in_flight }
        .all(&open, due_ms.as_deref())
        .await
}

/// Refuses what a model that grades cannot do: grade one arm alone, or an arm that is known to be itself.
fn check_grader(suite: &Suite, sources: &[(Arm, ArmSource)]) -> Result<(), EvalError> {
    let Some((at, graded)) = suite.model_graded().next() else { return Ok(()) };
    if sources.len() < 2 {
        let (file, metric) = (suite.file.clone(), suite.metrics[at].name.to_string());
        return Err(EvalError::OneArm { file, metric });
    }
    sources.iter().try_for_each(|(_, source)| match source {
        ArmSource::Recorded(_) => Ok(()),
        ArmSource::Engine(endpoint) => {
            let model = endpoint.named().or_else(|| suite.request.model.clone());
            graded.model.refuses(&suite.file, endpoint.url(), model.as_deref())
        }
    })
}

/// What the tasks of a run share.
#[derive(Debug)]
struct Crew {
    suite: Arc<Suite>,
    arms: HashMap<Arm, Ready>,
    grader: Option<GraderEngine>,
    clock: Arc<dyn Clock>,
}

/// What a request brought.
enum Came {
    Answer(Turn, Result<Asked, EvalError>),
    Comparison(Box<Comparison>, Result<Said, EvalError>),
}

impl Crew {
    /// Reaches everyone who will be asked, before anyone is.
    async fn gather(
        suite: &Arc<Suite>,
        sources: Vec<(Arm, ArmSource)>,
        options: &RunOptions,
    ) -> Result<Self, EvalError> {
        let (mut arms, graded) = (HashMap::new(), suite.model_graded().next());
        for (arm, source) in sources {
            let ready = source.ready(arm, suite, options).await?;
            if let Ready::Engine(engine) = &ready {
                engine.tell_kept(suite);
            }
            if let (Ready::Engine(engine), Some((_, graded))) = (&ready, graded) {
                graded.model.refuses(&suite.file, engine.url(), Some(engine.model()))?;
            }
            arms.insert(arm, ready);
        }
        let grader = match graded {
            Some((_, graded)) => Some(GraderEngine::connect(&graded.model, options).await?),
            None => None,
        };
        Ok(Self { suite: Arc::clone(suite), arms, grader, clock: Arc::clone(&options.clock) })
    }

    /// Has the model that grades compare two answers.
    async fn compare(self: Arc<Self>, comparison: Comparison, graded: Arc<ModelGraded>) -> Came {
        let case = &self.suite.cases[comparison.key.case];
        let Comparison { a, b, .. } = &comparison;
        let question = case.question();
        let shown = Answers { question: &question, references: &case.references, a, b };
        let said = match &self.grader {
            Some(grader) => grader.compare(&graded, &case.id, shown).await,
            None => Err(EvalError::Client("nobody is there to grade".to_owned())),
        };
        Came::Comparison(Box::new(comparison), said)
    }

    /// Asks one turn when it is due on the run's clock; `None`: at once. What is overdue is late already, and waits for nothing.
    async fn ask(self: Arc<Self>, turn: Turn, due_ms: Option<f64>) -> (Turn, Result<Asked, EvalError>) {
        let wait_ms = due_ms.map_or(0.0, |due_ms| due_ms - self.clock.monotonic_ms());
        if wait_ms > 0.0 {
            sleep(Duration::from_secs_f64(wait_ms / 1_000.0)).await;
        }
        let asked = match self.arms.get(&turn.arm) {
            Some(ready) => ready.ask(&self.suite, turn, due_ms).await,
            None => Ok(Asked::default()),
        };
        (turn, asked)
    }
}

/// Asks every engine some cases before the first that counts: of a cold engine the first answers are the slowest.
async fn warm_up(crew: &Arc<Crew>, options: &RunOptions) -> Result<(), EvalError> {
    let engines = [Arm::Baseline, Arm::Candidate].into_iter();
    let engines: Vec<Arm> = engines.filter(|arm| crew.arms.get(arm).is_some_and(Ready::is_engine)).collect();
    let mut asking = JoinSet::new();
    for at in 0..options.warm_up {
        // A repeat that no run has, so that a nonce is none of the run's either.
        let turn = |arm| Turn { case: at % crew.suite.cases.len(), repeat: u32::MAX, arm };
        for arm in &engines {
            asking.spawn(Arc::clone(crew).ask(turn(*arm), None));
        }
        while asking.len() > options.concurrency.saturating_sub(engines.len()) {
            let Some(came) = asking.join_next().await else { break };
            came.map_err(|error| EvalError::Client(error.to_string()))?.1?;
        }
    }
    while let Some(came) = asking.join_next().await {
        came.map_err(|error| EvalError::Client(error.to_string()))?.1?;
    }
    Ok(())
}

/// Comparisons that wait before no more answers are asked for: their texts are held in memory.
const WAITING_MAX: usize = 4_096;

/// Requests under way. Comparisons have a budget of their own, so that they hold up no request that is timed.
#[derive(Clone, Copy, Debug, Default)]
struct InFlight {
    answers: usize,
    comparisons: usize,
}

/// A run under way.
struct Run<'r, 'o> {
    crew: Arc<Crew>,
    key: RunKey,
    options: &'r RunOptions,
    outlets: Outlets<'o>,
    gathered: Gathered,
    spent: Spent,
    progress: Progress,
    in_flight: InFlight,
}

impl Run<'_, '_> {
    /// Every turn of `open`. Requests run beside this task, so that grading here delays no clock of theirs.
    async fn all(mut self, open: &[Turn], due_ms: Option<&[f64]>) -> Result<Gathered, EvalError> {
        let (mut asking, mut next, most) = (JoinSet::new(), 0, self.options.concurrency.max(1));
        loop {
            self.compare(&mut asking, most);
            let waits = self.gathered.backlog() > WAITING_MAX;
            while self.in_flight.answers < most && next < open.len() && !waits && self.may_go_on() {
                let (crew, turn, due_ms) =
                    (Arc::clone(&self.crew), open[next], due_ms.map(|due_ms| due_ms[next]));
                asking.spawn(async move {
                    let (turn, asked) = crew.ask(turn, due_ms).await;
                    Came::Answer(turn, asked)
                });
                (self.in_flight.answers, next) = (self.in_flight.answers + 1, next + 1);
            }
            match asking.join_next().await {
                // Only a task that panicked or was cancelled does not come back, and neither happens here.
                Some(came) => self.take(came.map_err(|error| EvalError::Client(error.to_string()))?)?,
                None => break,
            }
            if self.gathered.decides(&self.crew.suite)? {
                asking.shutdown().await;
                break;
            }
        }
        if let Some(log) = &mut self.outlets.samples {
            log.sync()?;
        }
        Ok(self.gathered)
    }

    /// Asks for comparisons whose answers are there, so many at once.
    fn compare(&mut self, asking: &mut JoinSet<Came>, most: usize) {
        while self.in_flight.comparisons < most && self.gathered.backlog() > 0 && self.may_go_on() {
            let next = self.gathered.comparing.as_mut().and_then(Comparing::next);
            let Some((comparison, graded)) = next else { return };
            asking.spawn(Arc::clone(&self.crew).compare(comparison, graded));
            self.in_flight.comparisons += 1;
        }
    }

    /// Whether nothing is used up yet. What is under way when a cap is reached still counts.
    fn may_go_on(&mut self) -> bool {
        let Progress { done, total } = self.progress;
        if self.gathered.capped.is_none() {
            let reached = self.options.caps.reached(self.spent);
            self.gathered.capped = reached.map(|cap| format!("{cap} after {done} of {total} answers"));
        }
        self.gathered.capped.is_none()
    }

    fn take(&mut self, came: Came) -> Result<(), EvalError> {
        match came {
            Came::Answer(turn, asked) => {
                self.in_flight.answers -= 1;
                self.take_answer(turn, asked?)
            }
            Came::Comparison(comparison, said) => {
                self.in_flight.comparisons -= 1;
                self.take_comparison(&comparison, &said?)
            }
        }
    }

    fn take_comparison(&mut self, comparison: &Comparison, said: &Said) -> Result<(), EvalError> {
        let key = &comparison.key;
        if let Some(log) = &mut self.outlets.samples {
            log.comparisons().append(&self.crew.suite, &self.key, key, said)?;
        }
        self.spent.add(said.usage);
        self.gathered.said(key, preferred(&said.text, key.first));
        Ok(())
    }

    fn take_answer(&mut self, turn: Turn, asked: Asked) -> Result<(), EvalError> {
        let Asked { answer, refused } = asked;
        let (suite, times) = (&self.crew.suite, answer.as_ref().map(times).unwrap_or_default());
        self.gathered.take(suite, turn, answer.as_ref(), times);
        self.gathered.refused(turn.arm, refused);
        let usage = answer.as_ref().and_then(|answer| answer.usage);
        self.spent.add(usage);
        if let (Some(log), Some(sample)) = (&mut self.outlets.samples, self.gathered.sample(turn)) {
            log.append(suite, &self.key, &Kept { turn, answer, times, usage, refused }, &sample.scores)?;
        }
        self.progress.done += 1;
        (self.outlets.on_progress)(self.progress);
        Ok(())
    }
}
