//! A page drawn from files is the page drawn at the end of the run.

use super::*;
use crate::report::html::{html, tests::run};

#[test]
fn a_page_from_files_is_the_same_page() {
    let directory = tempfile::tempdir().unwrap();
    let mut input = run();
    input.ledger[0].log_e_abort = f64::NEG_INFINITY;
    input.ledger[1].log_e_abort = f64::NAN;
    write_run(directory.path(), &input).unwrap();
    let back = read_run(directory.path()).unwrap();
    assert_eq!(html(&back).unwrap(), html(&input).unwrap());
}

#[test]
fn the_deciding_verdict_stands_alone_and_makes_a_page() {
    let directory = tempfile::tempdir().unwrap();
    let input = run();
    write_run(directory.path(), &input).unwrap();
    let bytes = std::fs::read(directory.path().join("verdict.json")).unwrap();
    assert_eq!(bytes, input.decisive().unwrap().to_json_bytes());
    std::fs::remove_file(directory.path().join("run.json")).unwrap();
    let page = html(&read_run(directory.path()).unwrap()).unwrap();
    assert!(page.contains("exit code 1") && page.contains("rel:09abcd over rel:4f1c9a"));
}

fn check_refused(file: &str, content: &str, expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    write_run(directory.path(), &run()).unwrap();
    std::fs::write(directory.path().join(file), content).unwrap();
    let error = read_run(directory.path()).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn broken_files_are_refused_by_name_and_line() {
    check_refused(
        "timeline.jsonl",
        "{\"at_ms\":1,\"stage\":\"gate\",\"text\":\"x\"}\n\n{\"at_ms\":-1}\n",
        "timeline.jsonl:3: ",
    );
    check_refused("ledger.jsonl", "7", "ledger.jsonl:1: ");
    check_refused("verdicts.jsonl", "{}", "verdicts.jsonl:1: missing field");
    check_refused("run.json", "{\n  \"schema\": 3\n}", "run.json:2: ");
    let record = serde_json::to_string(&RunRecord::from(&run())).unwrap();
    check_refused("run.json", &record.replace("run/1", "run/2"), "only \"goldgate/run/1\" is understood");
    check_refused("run.json", &record.replace("\"digits\":3", "\"digits\":9"), "between 0 and 5");
}

#[test]
fn an_empty_directory_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let error = read_run(directory.path()).unwrap_err().to_string();
    assert!(error.contains("verdict.json"), "{error}");
}
