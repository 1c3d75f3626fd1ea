//! `model_graded@…`: a model that is no arm reads both answers to a case and says by a rubric which is better.
//!
//! *Definition.* Zheng et al. (2023), arXiv 2306.05685, pairwise comparison as MT-Bench does it: both orders of the answers are
//! asked, since models prefer what stands first; an answer wins when it is preferred in both, and everything else is a tie. The
//! winner scores 1, the other 0, and a tie ½ each, so that a difference of means is wins less losses. Asked at temperature 0.
//!
//! Not asked: answers that are the same text, which tie, and answers that failed or say nothing, which lose. A comparison that
//! cannot be read in one of its orders is a lost half of both arms, which the judge takes for the worst case.

mod asker;
mod prompt;
mod reading;

use std::sync::Arc;
use std::time::Duration;

pub(super) use asker::{GraderEngine, Said};
pub(super) use prompt::{Answers, PAIR_TEMPLATE, Prompt, PromptFault};
pub(super) use reading::{Preference, agreed, preferred};

use super::engine::Endpoint;
use super::error::EvalError;
use crate::document::{Secret, parts_digest};

/// The model that grades, as the suite names it.
#[derive(Clone, Debug)]
pub struct GraderModel {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its name, as it is asked for.
    pub model: String,
    /// Its key, by reference.
    pub key: Option<Secret>,
    /// Gives up on one comparison after this time.
    pub timeout: Duration,
    /// Output tokens of one comparison at most.
    pub tokens_max: u64,
}

impl GraderModel {
    /// Where it is, with its key. The key is read here and kept nowhere else.
    ///
    /// # Errors
    /// When the key is not where the suite says: a fault at its line.
    fn unlocked(&self) -> Result<Endpoint, EvalError> {
        let key = self.key.as_ref().map(|key| key.read(|name| std::env::var(name).ok())).transpose();
        let key = key.map_err(|fault| EvalError::Faults(fault.into()))?;
        let mut endpoint = self.endpoint.clone();
        (endpoint.model, endpoint.key) = (Some(self.model.clone()), key);
        Ok(endpoint)
    }

    /// Refuses to grade an arm that stands at `url` and serves `model`, where that is known.
    ///
    /// # Errors
    /// When either is its own.
    pub(super) fn refuses(&self, file: &str, url: &str, model: Option<&str>) -> Result<(), EvalError> {
        let wrong = |rule: String| Err(EvalError::GradesItself { file: file.to_owned(), rule });
        if self.endpoint.is_at(url) {
            return wrong(format!("{} is an arm's address", self.endpoint.url()));
        }
        match model.filter(|model| model.eq_ignore_ascii_case(&self.model)) {
            Some(model) => wrong(format!("{model:?} is the model of an arm, at {url}")),
            None => Ok(()),
        }
    }
}

/// A rubric, and the model that compares by it.
#[derive(Clone, Debug)]
pub struct ModelGraded {
    pub(super) model: Arc<GraderModel>,
    prompt: Prompt,
    rubric: String,
}

impl ModelGraded {
    pub(super) const fn new(model: Arc<GraderModel>, prompt: Prompt, rubric: String) -> Self {
        Self { model, prompt, rubric }
    }

    /// The id of the grader: another rubric, prompt or model is another grader.
    pub(super) fn id(&self) -> String {
        let Self { model, prompt, rubric } = self;
        let tokens_max = model.tokens_max.to_string();
        let parts = [prompt.text(), rubric, &model.model, &tokens_max].map(str::as_bytes);
        format!("model_graded@1:{}", &parts_digest("goldgate/model-graded/1", &parts).to_hex()[..8])
    }

    /// The text of its prompt template: part of what a suite's digest covers.
    pub(super) fn template(&self) -> &str {
        self.prompt.text()
    }
}
