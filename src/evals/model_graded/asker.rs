//! Asks the model that grades. It is no arm: what it fails to answer is nobody's score, and it is asked again.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{Answers, GraderModel, ModelGraded};
use crate::domain::Outcome;
use crate::evals::engine::{Asked, Engine};
use crate::evals::error::{EvalError, Role};
use crate::evals::run::RunOptions;
use crate::upstream::Timeouts;
use crate::wire::{Answer, Usage};

/// Tries of one comparison before the run ends.
const TRIES_MAX: u32 = 3;

/// Between two tries, and as much again after each.
const PAUSE: Duration = Duration::from_millis(500);

/// What a request gets that is wrong by itself, as one with more tokens than the model reads: asked again, it is wrong again.
const REFUSED: [u16; 3] = [400, 413, 422];

/// The model that grades, ready to be asked.
#[derive(Debug)]
pub(in crate::evals) struct GraderEngine {
    engine: Engine,
    tokens_max: u64,
}

/// What it said of one comparison.
#[derive(Debug)]
pub(in crate::evals) struct Said {
    /// Its text; empty where it refused the request.
    pub(in crate::evals) text: String,
    pub(in crate::evals) usage: Option<Usage>,
    /// Why it refused the request.
    pub(in crate::evals) error: Option<String>,
}

impl GraderEngine {
    /// Reaches it.
    ///
    /// # Errors
    /// When it is not there, or its key is not.
    pub(in crate::evals) async fn connect(
        model: &GraderModel,
        options: &RunOptions,
    ) -> Result<Self, EvalError> {
        let timeouts = Timeouts { total: Some(model.timeout), ..options.timeouts };
        let options = RunOptions { timeouts, ..options.clone() };
        let engine = Engine::connect(Role::GraderModel, model.unlocked()?, None, &options).await?;
        Ok(Self { engine, tokens_max: model.tokens_max })
    }

    /// Has two answers compared; `id` names their case.
    ///
    /// # Errors
    /// When it does not answer, again and again.
    pub(in crate::evals) async fn compare(
        &self,
        graded: &ModelGraded,
        id: &str,
        shown: Answers<'_>,
    ) -> Result<Said, EvalError> {
        let messages = match graded.prompt.messages(&graded.rubric, shown) {
            Ok(messages) => messages,
            // It printed both answers when the suite was read: these are too long for any model.
            Err(error) => {
                return Ok(Said { text: String::new(), usage: None, error: Some(error.to_string()) });
            }
        };
        let body = json!({
            "model": self.engine.model(), "messages": messages, "temperature": 0.0, "max_tokens": self.tokens_max,
            "stream": true, "stream_options": { "include_usage": true },
        });
        let mut found = "no answer came";
        let mut last = None;
        for tries in 1..=TRIES_MAX {
            match self.engine.send(id, &body, None).await? {
                Asked { answer: Some(answer), .. } if is_said(&answer) => return Ok(Said::of(answer)),
                Asked { answer: Some(answer), .. } => {
                    (found, last) = ("its answer is not whole", Some(answer))
                }
                Asked { answer: None, .. } => {}
            }
            if tries < TRIES_MAX {
                sleep(PAUSE * tries).await;
            }
        }
        let outcome = last.map(|answer| format!(": {}", answer.outcome)).unwrap_or_default();
        let text = format!("{found}, at {TRIES_MAX} tries{outcome}");
        Err(EvalError::GraderModel { url: self.engine.url().to_owned(), text })
    }
}

fn is_said(answer: &Answer) -> bool {
    match answer.outcome {
        Outcome::Complete(_) => true,
        Outcome::Errored(status) => REFUSED.contains(&status),
        _ => false,
    }
}

impl Said {
    fn of(answer: Answer) -> Self {
        let Answer { outcome, text, usage, error, .. } = answer;
        let refused = || error.unwrap_or_else(|| outcome.to_string());
        let error = (!outcome.is_complete()).then(refused);
        Self { text, usage, error }
    }
}
