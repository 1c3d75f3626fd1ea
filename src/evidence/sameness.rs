//! Answers that repeat an answer given to another prompt: what a template that lost its variables does.

use std::collections::{HashMap, VecDeque};

use super::{AnswerDigest, PromptDigest};

/// Answers remembered per arm. The oldest is forgotten first; a template that lost its variables repeats
/// itself within a handful of answers.
const REMEMBERED_MAX: usize = 4_096;

/// One arm's recent answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Sameness {
    prompts: HashMap<AnswerDigest, PromptDigest>,
    order: VecDeque<AnswerDigest>,
}

impl Sameness {
    /// Whether `answer` was already given to another prompt; remembers it.
    pub(super) fn repeats(&mut self, answer: AnswerDigest, prompt: PromptDigest) -> bool {
        if let Some(known) = self.prompts.get(&answer) {
            return *known != prompt;
        }
        self.prompts.insert(answer, prompt);
        self.order.push_back(answer);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.prompts.remove(&oldest);
        }
        false
    }
}
