//! What the model that grades is shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::release::{PromptError, PromptTexts, Prompts, RenderError};

/// The prompt of suites that bring none.
pub(in crate::evals) const PAIR_TEMPLATE: &str = include_str!("pair.j2");

const NAME: &str = "pair";

/// What a template may ask for; a name that is none of these is a slip.
const VARIABLES: &str = r#"{"type": "object", "properties": {"question": {}, "rubric": {}, "references": {}, "answer_a": {}, "answer_b": {}}}"#;

/// A template that was compiled, and shown to print both answers.
#[derive(Clone, Debug)]
pub(in crate::evals) struct Prompt {
    text: String,
    prompts: Prompts,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::evals) enum PromptFault {
    #[error(transparent)]
    Compile(#[from] PromptError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("{file}: {name} is not printed, and without it nothing is compared")]
    Unused { file: String, name: &'static str },
}

/// One question and two answers, in the order they are shown in.
#[derive(Clone, Copy, Debug)]
pub(in crate::evals) struct Answers<'a> {
    pub(in crate::evals) question: &'a str,
    pub(in crate::evals) references: &'a [String],
    pub(in crate::evals) a: &'a str,
    pub(in crate::evals) b: &'a str,
}

impl Prompt {
    /// The template `text`, which came from `file`. Undefined variables are errors.
    ///
    /// # Errors
    /// When it is no template, asks for something else than question, rubric, references, `answer_a` and `answer_b`, or does
    /// not print both answers.
    pub(in crate::evals) fn new(file: &str, text: String) -> Result<Self, PromptFault> {
        let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let texts =
            PromptTexts { entries: one(NAME, file), files: one(file, &text), schemas: one(NAME, VARIABLES) };
        let prompt = Self { prompts: Prompts::compile(&texts)?, text };
        let (a, b) = ("(the first answer)", "(the second answer)");
        let references = ["(a good answer)".to_owned()];
        let shown =
            prompt.messages("", Answers { question: "(a question)", references: &references, a, b })?;
        let shown = shown.to_string();
        match [("answer_a", a), ("answer_b", b)].into_iter().find(|(_, answer)| !shown.contains(answer)) {
            Some((name, _)) => Err(PromptFault::Unused { file: file.to_owned(), name }),
            None => Ok(prompt),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The messages of one request.
    ///
    /// # Errors
    /// When it prints too much.
    pub(super) fn messages(&self, rubric: &str, shown: Answers<'_>) -> Result<Value, RenderError> {
        let Answers { question, references, a, b } = shown;
        let variables = json!({
            "question": question, "rubric": rubric, "references": references, "answer_a": a, "answer_b": b,
        });
        self.prompts.render(NAME, &variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let fault = Prompt::new("pair.j2", text.to_owned()).expect_err(text).to_string();
        assert!(fault.starts_with(expected), "{fault}\nis not\n{expected}");
    }

    #[test]
    fn a_template_that_cannot_compare_is_refused_at_its_line() {
        check("{{ answer_a }}\n{% if %}", "pair.j2:2: syntax error");
        check(
            "{{ answer_a }} {{ answer_b }} {{ anwser }}",
            "prompt \"pair\": the template asks for \"anwser\"",
        );
        check("{{ answer_a }}", "pair.j2: answer_b is not printed");
        check("{{ answer_b }}", "pair.j2: answer_a is not printed");
        check("{{ answer_a }} {{ answer_b }}\n{{ question.text.more }}", "prompt \"pair\": pair.j2:2: ");
    }

    #[test]
    fn the_prompt_that_is_brought_along_shows_everything_and_runs_nothing() {
        let prompt = Prompt::new("pair.j2", PAIR_TEMPLATE.to_owned()).unwrap();
        let references = ["four".to_owned()];
        let shown = Answers { question: "2+2?", references: &references, a: "{{ 1 + 1 }}", b: "5" };
        let messages = prompt.messages("Be right.", shown).unwrap();
        let text = messages[0]["content"].as_str().unwrap();
        for part in [
            "Be right.",
            "[Question]\n2+2?",
            "[A good answer]\nfour",
            "[Answer A]\n{{ 1 + 1 }}\n",
            "[Answer B]\n5\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        let plain = prompt.messages("Be right.", Answers { references: &[], ..shown }).unwrap();
        assert!(!plain.to_string().contains("[A good answer]"), "{plain}");
    }
}
