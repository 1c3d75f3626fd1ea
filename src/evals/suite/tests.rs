//! Suites as people mistype them: every fault is told at once, at its place.

use std::fmt::Write;

use super::*;

const SOUND: &str = "name = \"s\"\ndataset = \"cases.jsonl\"\n[[metric]]\ngrader = \"number@gsm8k-strict\"\nmargin = 0.02\nrequired = true\n";

fn read(text: &str, rows: &str) -> Result<Suite, Faults> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cases.jsonl"), rows).unwrap();
    parse::parse("s.toml", text, folder.path())
}

fn check(text: &str, expected: &[&str]) {
    let faults = read(text, "{\"id\": \"a\", \"prompt\": \"x\"}").expect_err(text).0;
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), expected.len(), "{text}\n{shown:#?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.starts_with(expected), "{shown}\nis not\n{expected}");
        assert!(shown.contains("\n  hint: "), "{shown}");
    }
}

fn with(line: &str) -> String {
    format!("{line}\n{SOUND}")
}

fn with_metric(lines: &str) -> String {
    format!("{SOUND}[[metric]]\n{lines}\n")
}

#[test]
fn broken_text_is_located() {
    check("name = \"s\"\ndataset = \n", &["s.toml:2:"]);
    check(&with("name = \"again\""), &["s.toml:2:1: duplicate key"]);
}

#[test]
fn unknown_keys_are_named_with_what_was_meant() {
    check(&with("repeat = 3"), &["s.toml:1:1: repeat: no such key\n  hint: did you mean `repeats`?"]);
    check(
        &with_metric("grader = \"similarity@cosine\"\nmargn = 0.1\nmargin = 0.1"),
        &["s.toml:9:1: metric[1].margn: no such key\n  hint: did you mean `margin`?"],
    );
    check(
        &format!("{SOUND}[request]\nmax_token = 5"),
        &["s.toml:8:13: request.max_token: no such key\n  hint: did you mean `max_tokens`?"],
    );
    check(
        &format!("{SOUND}[latency]\nttft = \"5%\""),
        &["s.toml:8:1: latency.ttft: no such key\n  hint: did you mean `ttft_margin`?"],
    );
}

#[test]
fn everything_is_named_at_once() {
    check(
        "limit = 0\nrepeats = \"x\"\n[[metric]]\nmargin = 3\n[request]\nstream = true\n",
        &[
            "s.toml:1:1: name: is required",
            "s.toml:1:9: limit: a whole number from 1 to 1000000, not 0",
            "s.toml:2:11: repeats: a whole number from 1 to 1000, not \"x\"",
            "s.toml:6:10: request.stream: is not the suite's to set",
            "s.toml:3:1: metric[0].grader: is required",
            "s.toml:4:10: metric[0].margin: a share between 0 and 1, not 3",
            "s.toml:1:1: dataset: is required",
        ],
    );
}

#[test]
fn a_grader_that_does_not_exist_is_no_metric() {
    check(
        &with_metric("grader = \"similarity@cosin\"\nmargin = 0.1"),
        &[
            "s.toml:8:10: metric[1].grader: there is no grader \"similarity@cosin\"\n  hint: did you mean `similarity@cosine`?",
        ],
    );
    check(
        &with_metric("grader = \"regex@1\"\nmargin = 0.1\npattern = \"(a\""),
        &["s.toml:10:11: metric[1].pattern: \"(a\" is no usable pattern: unclosed group"],
    );
    check(
        &with_metric("grader = \"number@gsm8k-strict\"\nmargin = 0.1"),
        &["s.toml:7:1: metric[1]: a second metric called \"number@gsm8k-strict\""],
    );
}

#[test]
fn a_suite_of_guards_alone_could_never_pass() {
    check(&SOUND.replace("required = true\n", ""), &["s.toml:3:1: metric: no metric is required"]);
}

#[test]
fn a_dataset_that_is_not_there_is_named_at_its_key() {
    check(&SOUND.replace("cases.jsonl", "case.jsonl"), &["s.toml:2:11: dataset: "]);
}

#[test]
fn faults_of_the_dataset_are_faults_of_the_suite() {
    let faults = read(SOUND, "{\"prompt\": \"x\"}\n").unwrap_err().to_string();
    assert!(faults.contains("cases.jsonl:1:1: id: is required"), "{faults}");
}

#[test]
fn defaults_are_one_repeat_and_a_fixed_seed() {
    let suite = read(SOUND, "{\"id\": \"a\", \"prompt\": \"x\"}").unwrap();
    assert_eq!((suite.repeats, suite.seed, suite.cases.len()), (1, 1, 1));
    assert_eq!((suite.metrics[0].margin, suite.metrics[0].required), (0.02, true));
    assert_eq!(suite.latency, LatencyMargins::default());
}

#[test]
fn a_limit_takes_the_first_cases_and_the_digest_covers_both_files() {
    let mut rows = String::new();
    for id in 0..5 {
        writeln!(rows, "{{\"id\": \"{id}\", \"prompt\": \"x\"}}").unwrap();
    }
    let all = read(SOUND, &rows).unwrap();
    let some = read(&with("limit = 2"), &rows).unwrap();
    assert_eq!((all.cases.len(), some.cases.len(), some.cases[1].id.as_str()), (5, 2, "1"));
    assert_ne!(all.digest, some.digest);
    assert_ne!(all.digest, read(SOUND, &rows.replace("\"x\"", "\"y\"")).unwrap().digest);
    assert_eq!(all.digest, read(SOUND, &rows).unwrap().digest);
}

#[test]
fn an_empty_suite_can_be_read_and_is_left_to_the_judge() {
    let suite = read("name = \"s\"\ndataset = \"cases.jsonl\"\n", "").unwrap();
    assert!(suite.cases.is_empty() && suite.metrics.is_empty());
}

#[test]
fn fewer_tokens_a_second_are_more_time_a_token() {
    let suite = read(&format!("{SOUND}[latency]\ntps_margin = \"20%\"\nttft_margin = 0.1"), "").unwrap();
    let margins: Vec<(&str, f64)> =
        suite.latency.named().into_iter().map(|(timing, margin)| (timing.metric(), margin)).collect();
    assert_eq!(margins, [("ttft_ms", 0.1), ("token_ms", 0.25)]);
}

#[test]
fn a_margin_can_be_set_for_all_graders_or_for_one_metric() {
    let text = format!(
        "{SOUND}[[metric]]\ngrader = \"similarity@levenshtein\"\nmargin = 0.1\n[latency]\ne2e_margin = 0.1"
    );
    let mut suite = read(&text, "").unwrap();
    assert_eq!(suite.set_margin(None, 0.3), 2);
    assert_eq!(suite.set_margin(Some("similarity@levenshtein"), 0.4), 1);
    assert_eq!((suite.set_margin(Some("e2e_ms"), 0.5), suite.set_margin(Some("ttft_ms"), 0.5)), (1, 0));
    assert_eq!((suite.metrics[0].margin, suite.metrics[1].margin, suite.latency.e2e), (0.3, 0.4, Some(0.5)));
    let names: Vec<&str> = suite.metric_names().collect();
    assert_eq!(names, ["number@gsm8k-strict", "similarity@levenshtein", "e2e_ms"]);
}
