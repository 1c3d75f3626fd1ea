//! Recorded answers, and how a question finds its own.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::tokens::token_ends;
use crate::document::Faults;
use crate::evals::{Ask, RecordedAnswers, read_cases};

/// A text with its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) text: Arc<str>,
    pub(super) ends: Arc<[usize]>,
}

impl Reply {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), ends: token_ends(text).into() }
    }
}

/// Recorded answers by case id and by question.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    replies: Vec<Reply>,
    by_id: HashMap<String, usize>,
    /// By whole question, its white space made single spaces.
    by_question: HashMap<String, usize>,
    /// Questions by how they begin, so that a text that contains one is searched once and not per question.
    by_opening: HashMap<String, Vec<String>>,
    opening_bytes: BTreeSet<usize>,
}

/// Bytes of a question that find it inside a longer text.
const OPENING_BYTES: usize = 32;

impl Recorded {
    /// Reads a file of answers and, when given, the dataset that says which question each one answers.
    /// Without it an answer is found by its id alone.
    ///
    /// # Errors
    /// Everything that is wrong with either file.
    pub fn read(answers: &Path, cases: Option<&Path>) -> Result<Self, Faults> {
        let answers = RecordedAnswers::read(answers)?;
        let cases = cases.map(read_cases).transpose()?.unwrap_or_default();
        let questions: HashMap<String, String> =
            cases.into_iter().filter_map(|case| Some((case.id, question(&case.ask)?))).collect();
        Ok(Self::new(
            answers
                .iter()
                .map(|(id, answer)| (id, questions.get(id).map(String::as_str), answer.text.as_str())),
        ))
    }

    /// Answers as `(id, question, answer)`. Of two answers to one question the one with the smaller id counts.
    #[must_use]
    pub fn new<'a>(answers: impl IntoIterator<Item = (&'a str, Option<&'a str>, &'a str)>) -> Self {
        let mut sorted: Vec<_> = answers.into_iter().collect();
        sorted.sort_unstable();
        let mut recorded = Self::default();
        for (id, question, answer) in sorted {
            recorded.by_id.insert(id.to_owned(), recorded.replies.len());
            recorded.add_question(&normalised(question.unwrap_or_default()));
            recorded.replies.push(Reply::new(answer));
        }
        recorded
    }

    fn add_question(&mut self, question: &str) {
        if question.is_empty() || self.by_question.contains_key(question) {
            return;
        }
        let opening = opening(question);
        self.opening_bytes.insert(opening.len());
        self.by_opening.entry(opening.to_owned()).or_default().push(question.to_owned());
        self.by_question.insert(question.to_owned(), self.replies.len());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Reply> {
        self.replies.get(*self.by_id.get(id)?)
    }

    /// The answer to the question that the text is, or else to the longest one it contains.
    pub(super) fn by_text(&self, text: &str) -> Option<&Reply> {
        let text = normalised(text);
        let question = self.by_question.get(&text);
        let index = question.or_else(|| self.by_question.get(self.contained(&text)?))?;
        self.replies.get(*index)
    }

    fn contained(&self, text: &str) -> Option<&str> {
        let mut longest: Option<&str> = None;
        for (start, _) in text.char_indices().filter(|&(at, _)| begins_word(text, at)) {
            let rest = &text[start..];
            for opening in self.opening_bytes.iter().filter_map(|&bytes| rest.get(..bytes)) {
                let questions = self.by_opening.get(opening).into_iter().flatten();
                let found = questions.filter(|question| rest.starts_with(*question)).map(String::as_str);
                longest = found.chain(longest).max_by_key(|question| question.len());
            }
        }
        longest
    }
}

fn begins_word(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(char::is_alphanumeric)
}

fn opening(question: &str) -> &str {
    &question[..question.floor_char_boundary(OPENING_BYTES)]
}

fn normalised(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words a case puts before the model. Variables are not: a template decides where they go, and the
/// longest text among them is what it will surely keep.
fn question(ask: &Ask) -> Option<String> {
    match ask {
        Ask::Prompt(prompt) => Some(prompt.clone()),
        Ask::Messages(messages) => {
            let last = messages.iter().rev().find(|message| message["role"] == "user")?;
            last["content"].as_str().map(str::to_owned)
        }
        Ask::Variables(variables) => {
            let texts = variables.values().filter_map(serde_json::Value::as_str);
            texts.max_by_key(|text| text.len()).map(str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, expected: Option<&str>) {
        let recorded = Recorded::new([
            ("a", Some("How many  eggs are left?"), "three"),
            ("b", Some("How many eggs are left? And how many ducks would you say there are?"), "both"),
            ("c", Some("Two?"), "two"),
            ("d", None, "unasked"),
            ("e", Some("How many eggs are left?"), "a later answer to the first question"),
        ]);
        assert_eq!(recorded.by_text(asked).map(|reply| &*reply.text), expected, "{asked}");
        assert_eq!(recorded.by_id("d").map(|reply| &*reply.text), Some("unasked"));
    }

    #[test]
    fn a_question_finds_its_answer_whatever_wraps_it() {
        check("How many eggs\nare left? ", Some("three"));
        check("Question: \"How many eggs are left?\"\nAnswer:", Some("three"));
        check("How many eggs are left? And how many ducks would you say there are? Think.", Some("both"));
        check("First: Two? Then: How many eggs are left?", Some("three"));
        check("zweiTwo?", None);
        check("How many eggs are", None);
        check("", None);
    }

    #[test]
    fn the_files_of_the_repository_are_read() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/gsm8k");
        let answers = data.join("answers/6b-finetuning.jsonl");
        let recorded = Recorded::read(&answers, Some(&data.join("cases.jsonl"))).unwrap();
        let robe = "Q: A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?";
        let reply = recorded.by_text(robe).unwrap();
        assert!(reply.text.ends_with("A: 3"));
        assert_eq!((recorded.replies.len(), Some(reply)), (1_319, recorded.by_id("gsm8k-test-0001")));
    }
}
