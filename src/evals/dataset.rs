//! Golden cases: what is asked, and what a good answer must satisfy.

use std::path::Path;

use serde_json::{Map, Value};

use super::rows::{self, Row};
use crate::document::Faults;

/// One prompt with what a good answer must satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its id, unique in the dataset.
    pub id: String,
    /// What is asked.
    pub ask: Ask,
    /// Good answers, any of which will do; empty when none is needed.
    pub references: Vec<String>,
    /// Words to slice results by.
    pub tags: Vec<String>,
    /// Cases that stand or fall together (one document, one user) share a cluster.
    pub cluster: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Ready chat messages.
    Messages(Vec<Value>),
    /// One user message.
    Prompt(String),
    /// The variables of a release's prompt template.
    Variables(Map<String, Value>),
}

impl Case {
    /// What is asked, as one text for whoever reads it.
    #[must_use]
    pub fn question(&self) -> String {
        match &self.ask {
            Ask::Prompt(text) => text.clone(),
            Ask::Messages(messages) => {
                let text = messages.iter().filter_map(|message| message["content"].as_str());
                text.collect::<Vec<_>>().join("\n\n")
            }
            Ask::Variables(variables) => serde_json::to_string_pretty(variables).unwrap_or_default(),
        }
    }
}

const KEYS: [&str; 7] = ["id", "messages", "prompt", "variables", "reference", "tags", "cluster"];

/// Reads a dataset. A file without rows is an empty dataset: whether that can be judged is not decided here.
///
/// # Errors
/// Every bad row, with its line.
pub fn read_cases(path: &Path) -> Result<Vec<Case>, Faults> {
    rows::read(path, &KEYS, case)
}

/// The same, each with its line.
pub(super) fn read_cases_with_lines(path: &Path) -> Result<Vec<(Case, usize)>, Faults> {
    rows::read(path, &KEYS, |row, id| {
        let line = row.line();
        case(row, id).map(|case| (case, line))
    })
}

fn case(row: &mut Row<'_>, id: String) -> Option<Case> {
    let ask = ask(row);
    let references = row.texts("reference");
    let tags = row.texts("tags");
    let cluster = row.text("cluster");
    Some(Case { id, ask: ask?, references, tags, cluster })
}

fn ask(row: &mut Row<'_>) -> Option<Ask> {
    let given: Vec<&str> =
        ["messages", "prompt", "variables"].into_iter().filter(|key| row.has(key)).collect();
    match given.as_slice() {
        [] => wrong(row, "prompt", "is required"),
        [first, second, ..] => wrong(row, second, &format!("stands beside `{first}`")),
        [key] => only(row, key),
    }
}

fn only(row: &mut Row<'_>, key: &str) -> Option<Ask> {
    match (key, row.take(key)?) {
        ("prompt", Value::String(prompt)) if !prompt.trim().is_empty() => Some(Ask::Prompt(prompt)),
        ("prompt", Value::String(_)) => wrong(row, key, "must not be empty"),
        ("messages", Value::Array(messages)) if !messages.is_empty() && messages.iter().all(is_message) => {
            Some(Ask::Messages(messages))
        }
        ("messages", _) => wrong(row, key, "an array of objects with a `role`, not empty"),
        ("variables", Value::Object(variables)) => Some(Ask::Variables(variables)),
        (_, other) => {
            let expected = if key == "prompt" { "a text" } else { "an object" };
            wrong(row, key, &format!("{expected}, not {}", rows::kind(&other)))
        }
    }
}

fn is_message(message: &Value) -> bool {
    message.get("role").is_some_and(Value::is_string)
}

fn wrong(row: &mut Row<'_>, key: &str, rule: &str) -> Option<Ask> {
    row.wrong(key, rule, "a case asks with exactly one of `prompt`, `messages` or `variables`");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Case>, Faults> {
        rows::parse("cases.jsonl", text.as_bytes(), &KEYS, case)
    }

    fn check(text: &str, expected: &[&str]) {
        let faults = parse(text).expect_err(text).0;
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), expected.len(), "{shown:#?}");
        for (shown, expected) in shown.iter().zip(expected) {
            assert!(shown.starts_with(expected), "{shown}\nis not\n{expected}");
            assert!(shown.contains("\n  hint: "), "{shown}");
        }
    }

    #[test]
    fn every_bad_row_is_named_at_once() {
        check(
            concat!(
                "{\"id\": \"a\", \"prompt\": \"1+1?\"}\n",
                "{\"prompt\": \"no id\"}\n",
                "{\"id\": \"a\", \"prompt\": \"again\"}\n",
                "{\"id\": \"b\"}\n",
                "\n",
                "{\"id\": \"c\", \"prompt\": \"x\", \"messages\": []}\n",
                "{\"id\": \"d\", \"prompt\": \"x\", \"refrence\": \"2\"}\n",
                "{\"id\": \"e\", \"prompt\": \"x\", \"reference\": 2}\n",
                "{\"id\": \"f\", \"prompt\": \n",
                "[1, 2]\n",
                "{\"id\": \"g\", \"prompt\": \"  \"}\n",
                "{\"id\": \"h\", \"messages\": [{\"content\": \"x\"}]}\n",
            ),
            &[
                "cases.jsonl:2:1: id: is required",
                "cases.jsonl:3:1: id: \"a\" stands on line 1 already",
                "cases.jsonl:4:1: prompt: is required",
                "cases.jsonl:6:1: prompt: stands beside `messages`",
                "cases.jsonl:7:1: refrence: no such key\n  hint: did you mean `reference`?",
                "cases.jsonl:8:1: reference: a text or an array of texts",
                "cases.jsonl:9:22: not a row: EOF",
                "cases.jsonl:10:",
                "cases.jsonl:11:1: prompt: must not be empty",
                "cases.jsonl:12:1: messages: an array of objects with a `role`",
            ],
        );
        check(
            "{\"id\": \"a\", \"prompt\": \"\u{fffd}\"}\n{\"id\": 7, \"prompt\": \"x\"}",
            &["cases.jsonl:2:1: id: a text"],
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_a_fault_and_no_panic() {
        let faults = rows::parse("cases.jsonl", b"{\"id\": \"\xff\"}", &KEYS, case).unwrap_err();
        assert!(faults.to_string().starts_with("cases.jsonl:1:"), "{faults}");
    }

    #[test]
    fn a_dataset_without_rows_is_empty_and_not_broken() {
        assert_eq!(parse("\n\n"), Ok(Vec::new()));
    }

    #[test]
    fn all_three_ways_to_ask_are_read() {
        let text = concat!(
            "{\"id\": \"a\", \"prompt\": \"1+1?\", \"reference\": [\"2\", \"two\"], \"tags\": [\"sum\"], \"cluster\": \"k\"}\n",
            "{\"id\": \"b\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\r\n",
            "{\"id\": \"c\", \"variables\": {\"question\": \"x\"}, \"cluster\": null}",
        );
        let cases = parse(text).unwrap();
        assert_eq!(cases[0].references, ["2", "two"]);
        assert_eq!(
            (cases[0].tags.as_slice(), cases[0].cluster.as_deref()),
            (&["sum".to_owned()][..], Some("k"))
        );
        assert!(matches!(&cases[1].ask, Ask::Messages(messages) if messages.len() == 1));
        assert!(matches!(&cases[2].ask, Ask::Variables(variables) if variables.contains_key("question")));
    }
}
