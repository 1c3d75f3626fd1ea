//! The questions that are asked, and what each of two recorded models answers to them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use goldgate::mock_engine::{self, Options, Recorded, Timing};
use serde_json::Value;
use tokio::net::TcpListener;

/// The model in the blue slot.
pub(crate) const BLUE: &str = "gpt3-6b-finetuned";
/// The model in the green slot.
pub(crate) const GREEN: &str = "gpt3-175b-finetuned";

/// Questions of a book: enough that clients seldom meet, few enough to read.
const QUESTIONS: usize = 64;

/// Real questions with the answers that two real models gave.
#[derive(Clone)]
pub(crate) struct Book {
    pub(crate) questions: Vec<String>,
    blue: Vec<String>,
    green: Vec<String>,
}

fn datasets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/gsm8k")
}

fn answers_of(model: &str) -> PathBuf {
    let name = if model == BLUE { "6b-finetuning" } else { "175b-finetuning" };
    datasets().join(format!("answers/{name}.jsonl"))
}

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a dataset of the repository");
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}")).to_owned()
}

impl Book {
    pub(crate) fn open() -> Self {
        let cases: Vec<_> = rows(&datasets().join("cases.jsonl")).into_iter().take(QUESTIONS).collect();
        let answers = |model| {
            let all: HashMap<_, _> =
                rows(&answers_of(model)).iter().map(|row| (text(row, "id"), text(row, "output"))).collect();
            cases.iter().map(|case| all[&text(case, "id")].clone()).collect()
        };
        let questions = cases.iter().map(|case| text(case, "prompt")).collect();
        Self { questions, blue: answers(BLUE), green: answers(GREEN) }
    }

    /// The file of all 1,319 questions, as a suite names it.
    pub(crate) fn dataset() -> String {
        datasets().join("cases.jsonl").to_str().expect("a path that is a text").to_owned()
    }

    /// What `model` answers to question `number`.
    pub(crate) fn answer(&self, model: &str, number: usize) -> &str {
        if model == BLUE { &self.blue[number] } else { &self.green[number] }
    }

    /// An engine in this process that serves `model` with its recorded answers.
    pub(crate) async fn engine(model: &str, timing: Timing) -> mock_engine::Running {
        let recorded =
            Recorded::read(&answers_of(model), Some(&datasets().join("cases.jsonl"))).expect("answers");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let options = Options { recorded: Arc::new(recorded), timing, ..Options::new(model) };
        mock_engine::start(options, listener).expect("an engine")
    }
}
