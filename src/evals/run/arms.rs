//! What stands on either side: an engine, or answers recorded earlier.

use super::RunOptions;
use crate::domain::{Arm, ReleaseId};
use crate::evals::dataset::Case;
use crate::evals::engine::{Endpoint, Engine};
use crate::evals::error::EvalError;
use crate::evals::recorded::RecordedAnswers;
use crate::evals::suite::Suite;
use crate::wire::Answer;

/// Where an arm's answers come from.
#[derive(Clone, Debug)]
pub enum ArmSource {
    /// Recorded earlier.
    Recorded(RecordedAnswers),
    /// Asked now.
    Engine(Endpoint),
}

impl ArmSource {
    pub(super) async fn ready(
        self,
        arm: Arm,
        suite: &Suite,
        options: &RunOptions,
    ) -> Result<Ready, EvalError> {
        Ok(match self {
            Self::Recorded(recorded) => Ready::Recorded(recorded),
            Self::Engine(endpoint) => {
                let clock = options.clock.clone();
                Ready::Engine(Box::new(Engine::connect(arm, endpoint, suite, options.timeouts, clock).await?))
            }
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
    /// How often it can be asked the same: an answer that was recorded once is one sample, however often it is read.
    pub(super) const fn repeats(&self, suite: &Suite) -> u32 {
        match self {
            Self::Recorded(_) => 1,
            Self::Engine(_) => suite.repeats,
        }
    }

    /// The answer to `case`; `None` when there is none.
    pub(super) async fn answer(
        &self,
        suite: &Suite,
        case: &Case,
        due_ms: f64,
    ) -> Result<Option<Answer>, EvalError> {
        match self {
            Self::Recorded(recorded) => Ok(recorded.get(&case.id).cloned()),
            Self::Engine(engine) => engine.ask(suite, case, due_ms).await,
        }
    }
}
