//! What is shipped in `datasets/` and `eval-suites/` is what it says it is.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;

const NUMBER: &str = "number@gsm8k-flexible";

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_has_the_checksum_that_the_readme_gives() {
    let folder = Path::new("datasets");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    for path in files_below(folder).iter().filter(|path| !path.ends_with("README.md")) {
        let name = path.strip_prefix(folder).unwrap().display();
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("datasets/README.md has no row for {name}"));
        assert!(
            row.ends_with(&format!("`{}` |", sha256(path))),
            "{name} is not the file of the README: {row}"
        );
    }
}

fn answers(name: &str) -> RecordedAnswers {
    RecordedAnswers::read(Path::new(&format!("datasets/gsm8k/answers/{name}.jsonl"))).unwrap()
}

/// The published verdict on every answer of a model.
fn labels(name: &str) -> HashMap<String, bool> {
    let text = fs::read_to_string(format!("datasets/gsm8k/scores/{name}.jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row["label_correct"].as_bool().unwrap()))
        .collect()
}

#[test]
fn the_flexible_grader_agrees_with_the_published_label_of_every_answer() {
    let suite = Suite::read("eval-suites/gsm8k.toml".as_ref()).unwrap();
    let metric = suite.metrics.iter().find(|metric| metric.name.as_str() == NUMBER).unwrap();
    for (name, right_expected) in [("6b-finetuning", 286), ("175b-finetuning", 458)] {
        let (answers, labels) = (answers(name), labels(name));
        let mut right_count = 0;
        for case in &suite.cases {
            let score = metric.grader.score(answers.get(&case.id).unwrap().into(), &case.references);
            assert_eq!(score, Some(f64::from(u8::from(labels[&case.id]))), "{name} {}", case.id);
            right_count += u32::from(labels[&case.id]);
        }
        assert_eq!((suite.cases.len(), right_count), (1_319, right_expected), "{name}");
    }
}

#[test]
fn the_strict_grader_finds_no_mark_in_the_recorded_answers() {
    let strict = NumberMatch::new(NumberFilter::Strict).unwrap();
    let suite = Suite::read("eval-suites/gsm8k.toml".as_ref()).unwrap();
    let answers = answers("175b-finetuning");
    assert!(suite.cases.iter().all(|case| strict.find(&answers.get(&case.id).unwrap().text).is_none()));
}

#[test]
fn shipped_suites_can_be_read_and_smoke_is_passed_by_both_models() {
    let suite = Suite::read("eval-suites/smoke.toml".as_ref()).unwrap();
    assert_eq!((suite.cases.len(), suite.metrics.len()), (40, 1));
    for name in ["6b-finetuning", "175b-finetuning"] {
        let answers = answers(name);
        let score = |case: &Case| suite.metrics[0].grader.score(answers.get(&case.id).unwrap().into(), &[]);
        assert!(suite.cases.iter().all(|case| score(case) == Some(1.0)), "{name}");
    }
}

#[test]
fn the_readme_of_the_suites_lists_every_grader() {
    let readme = fs::read_to_string("eval-suites/README.md").unwrap();
    let listed =
        |id: &&str| readme.lines().any(|line| line.starts_with('|') && line.contains(&format!("`{id}`")));
    let unlisted: Vec<&str> = Grader::IDS.into_iter().filter(|id| !listed(id)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}
