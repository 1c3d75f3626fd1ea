//! What stands on either side: an engine, or answers recorded earlier.

use super::RunOptions;
use crate::domain::{Arm, ReleaseId};
use crate::evals::engine::{Asked, Endpoint, Engine};
use crate::evals::error::{EvalError, Role};
use crate::evals::order::Turn;
use crate::evals::recorded::RecordedAnswers;
use crate::evals::suite::Suite;

/// Where an arm's answers come from.
#[derive(Clone, Debug)]
pub enum ArmSource {
    /// Recorded earlier.
    Recorded(RecordedAnswers),
    /// Asked now.
    Engine(Endpoint),
}

impl ArmSource {
    /// How often it can be asked the same: an answer that was recorded once is one sample, however often it is read.
    pub(super) const fn repeats(&self, suite: &Suite) -> u32 {
        match self {
            Self::Recorded(_) => 1,
            Self::Engine(_) => suite.repeats,
        }
    }

    /// What tells its answers from those of any other source.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Recorded(recorded) => format!("file {} {}", recorded.file(), recorded.digest()),
            Self::Engine(endpoint) => endpoint.identity(),
        }
    }

    pub(super) async fn ready(
        self,
        arm: Arm,
        suite: &Suite,
        options: &RunOptions,
    ) -> Result<Ready, EvalError> {
        Ok(match self {
            Self::Recorded(recorded) => Ready::Recorded(recorded),
            Self::Engine(endpoint) => Ready::Engine(Box::new(
                Engine::connect(Role::Arm(arm), endpoint, suite.request.model.clone(), options).await?,
            )),
        })
    }
}

/// What a source is called, kept while the source itself is used up.
pub(super) struct Origin {
    pub(super) source: String,
    pub(super) release: Option<ReleaseId>,
}

impl Origin {
    pub(super) fn of(source: &ArmSource) -> Self {
        match source {
            ArmSource::Recorded(recorded) => Self { source: recorded.file().to_owned(), release: None },
            ArmSource::Engine(endpoint) => {
                let release = endpoint.release.as_ref().map(|release| release.rel());
                Self { source: endpoint.url().to_owned(), release }
            }
        }
    }
}

/// A source that can be asked.
#[derive(Debug)]
pub(super) enum Ready {
    Recorded(RecordedAnswers),
    Engine(Box<Engine>),
}

impl Ready {
    pub(super) const fn is_engine(&self) -> bool {
        matches!(self, Self::Engine(_))
    }

    /// The answer to a turn; see [`Engine::ask`].
    pub(super) async fn ask(
        &self,
        suite: &Suite,
        turn: Turn,
        due_ms: Option<f64>,
    ) -> Result<Asked, EvalError> {
        match self {
            Self::Recorded(recorded) => {
                let answer = recorded.get(&suite.cases[turn.case].id).cloned();
                Ok(Asked { answer, refused: 0 })
            }
            Self::Engine(engine) => engine.ask(suite, turn, due_ms).await,
        }
    }
}
