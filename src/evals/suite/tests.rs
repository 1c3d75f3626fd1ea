//! Suites as people mistype them: every fault is told at once, at its place.

use std::fmt::Write;

use super::*;
use crate::evals::grader::Reply;

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

/// A suite whose one guard is `lines`, on a case with this reference.
fn guarded(lines: &str, reference: &str) -> Result<Suite, Faults> {
    let row = serde_json::json!({"id": "a", "prompt": "x", "reference": reference}).to_string();
    read(&with_metric(&format!("{lines}\nmargin = 0.1")), &row)
}

fn score(lines: &str, output: &str, reference: &str) -> Option<f64> {
    let suite = guarded(lines, reference).expect(lines);
    let reply = Reply { text: output, ..Reply::default() };
    suite.metrics[1].grader.score(reply, &suite.cases[0].references)
}

#[test]
fn every_id_is_a_grader_under_its_own_name() {
    // What two arms' answers are compared by scores none alone, and has tests of its own.
    for id in Grader::IDS.into_iter().filter(|id| *id != "model_graded@1") {
        let options = match id {
            "regex@1" => "pattern = 'x'",
            "json_schema@2020-12" => "schema = {type = \"object\"}",
            "length@1" => "chars_max = 5",
            "language@whatlang-0.18" => "language = \"eng\"",
            "number@gsm8k-strict" => "name = \"number@gsm8k-strict \"",
            "finish_reason@1" => "value = \"stop\"",
            _ => "",
        };
        let reference = if id == "tool_call@1" { "[]" } else { "7" };
        let suite = guarded(&format!("grader = \"{id}\"\n{options}"), reference).expect(id);
        assert_eq!(suite.metrics[1].name.as_str().trim(), id);
        let score = suite.metrics[1]
            .grader
            .score(Reply { text: "7", ..Reply::default() }, &suite.cases[0].references);
        assert!(score.is_some_and(|score| (0.0..=1.0).contains(&score)), "{id}: {score:?}");
    }
}

#[test]
fn options_reach_their_grader() {
    assert_eq!(
        score("grader = \"contains@promptfoo\"\nvalues = [\"Lyon\", \"Nice\"]", "in Nice", "Paris"),
        Some(1.0)
    );
    assert_eq!(score("grader = \"not-contains-all@promptfoo\"", "Paris", "Paris"), Some(0.0));
    assert_eq!(score("grader = \"not-refusal@1\"", "I cannot help you.", ""), Some(0.0));
    assert_eq!(score("grader = \"length@1\"\nwords_min = 2", "one", ""), Some(0.0));
    assert_eq!(
        score("grader = \"json_schema@2020-12\"\nschema.required = [\"a\"]", "{\"b\": 1}", ""),
        Some(0.0)
    );
    assert_eq!(score("grader = \"finish_reason@1\"", "x", "stop"), Some(0.0));
}

#[test]
fn options_that_cannot_be_used_are_located() {
    let check = |lines: &str, expected: &str| {
        let faults = guarded(lines, "7").expect_err(lines).0;
        let shown = faults.first().map(ToString::to_string).unwrap_or_default();
        assert!(shown.starts_with(expected) && shown.contains("\n  hint: "), "{shown}\nis not\n{expected}");
    };
    check(
        "grader = \"not-f1@squad\"",
        "s.toml:8:10: metric[1].grader: f1@squad has more scores than 0 and 1",
    );
    check("grader = \"not-f1@squid\"", "s.toml:8:10: metric[1].grader: there is no grader \"f1@squid\"");
    check("grader = \"length@1\"", "s.toml:7:1: metric[1].chars_max: is required");
    check(
        "grader = \"language@whatlang-0.18\"\nlanguage = \"en\"",
        "s.toml:9:12: metric[1].language: \"en\" is no ISO 639-3 code",
    );
    check(
        "grader = \"json_schema@2020-12\"\nschema = {type = 3}",
        "s.toml:9:10: metric[1].schema: no usable JSON Schema",
    );
    check("grader = \"json_schema@2020-12\"\nschema = \"x.json\"", "s.toml:9:10: metric[1].schema: ");
    check("grader = \"equals@promptfoo\"\nvalues = []", "s.toml:9:10: metric[1].values: must not be empty");
    check(
        "grader = \"finish_reason@1\"\nvalue = \"tired\"",
        "s.toml:9:9: metric[1].value: \"tired\" is not one of: stop, tool_calls, length",
    );
    check("grader = \"refusal@1\"\npattern = 'x'", "s.toml:9:1: metric[1].pattern: no such key");
}

#[test]
fn references_that_a_grader_cannot_use_are_named() {
    let faults = guarded("grader = \"tool_call@1\"", "weather").unwrap_err().to_string();
    let expected = "s.toml:2:11: dataset: the reference of case \"a\" is no call {\"name\": …, \"arguments\": {…}}, nor an array of them, which tool_call@1 needs";
    assert!(faults.starts_with(expected), "{faults}");
}

#[test]
fn a_schema_in_a_file_is_read_from_the_suites_folder_and_belongs_to_its_digest() {
    let text = with_metric("grader = \"json_schema@2020-12\"\nschema = \"answer.json\"\nmargin = 0.1");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cases.jsonl"), "{\"id\": \"a\", \"prompt\": \"x\"}").unwrap();
    let digest = |schema: &str| {
        std::fs::write(folder.path().join("answer.json"), schema).unwrap();
        parse::parse("s.toml", &text, folder.path()).unwrap().digest
    };
    assert_ne!(digest("{\"type\": \"object\"}"), digest("{\"type\": \"array\"}"));
    assert_eq!(digest("true"), digest("true"));
}

#[test]
fn slices_and_nonce_are_read_and_what_is_neither_is_told() {
    let rows = "{\"id\": \"a\", \"prompt\": \"x\"}";
    let suite = read(&format!("slices = \"gate\"\n{SOUND}[request]\nnonce = true\n"), rows).unwrap();
    assert_eq!((suite.slices, suite.request.nonce), (SliceRule::Gate, true));
    let plain = read(SOUND, rows).unwrap();
    assert_eq!((plain.slices, plain.request.nonce), (SliceRule::Show, false));
    check(&with("slices = \"fail\""), &["s.toml:1:10: slices: show or gate, not \"fail\""]);
}

const COMPARED: &str = "name = \"s\"\ndataset = \"cases.jsonl\"\n[grader_model]\nurl = \"http://127.0.0.1:8200/v1\"\nmodel = \"big\"\n[[metric]]\ngrader = \"model_graded@1\"\nmargin = 0.1\nrequired = true\nrubric = \"Which is right?\"\n";

#[test]
fn a_model_that_grades_is_named_once_and_its_rubric_is_part_of_the_id() {
    let id = |text: &str| read(text, "").unwrap().metrics[0].grader_id.clone();
    let first = id(COMPARED);
    assert!(first.starts_with("model_graded@1:") && first.len() == "model_graded@1:".len() + 8, "{first}");
    assert_eq!(read(COMPARED, "").unwrap().metrics[0].name.as_str(), first);
    for (from, to) in [("right", "nice"), ("\"big\"", "\"small\""), ("model = ", "max_tokens = 99\nmodel = ")]
    {
        assert_ne!(id(&COMPARED.replace(from, to)), first, "{to}");
    }
    assert_eq!(id(&COMPARED.replace("8200", "8201")), first, "where it stands changes no score");
    let named = read(&COMPARED.replace("margin", "name = \"helpful\"\nmargin"), "").unwrap();
    assert_eq!((named.metrics[0].name.as_str(), &named.metrics[0].grader_id), ("helpful", &first));
}

#[test]
fn what_is_wrong_with_a_model_that_grades_is_told_at_its_line() {
    let wrong = |from: &str, to: &str, expected: &str| {
        assert!(COMPARED.contains(from));
        check(&COMPARED.replace(from, to), &[expected]);
    };
    wrong(
        "[grader_model]\nurl = \"http://127.0.0.1:8200/v1\"\nmodel = \"big\"\n",
        "",
        "s.toml:4:10: metric[0].grader: no model is named",
    );
    wrong("http:", "ftp:", "s.toml:4:7: grader_model.url: \"ftp:");
    wrong(
        "model = \"big\"",
        "model = \"big\"\nkey = \"hunter2\"",
        "s.toml:6:7: grader_model.key: no reference to a secret",
    );
    wrong(
        "model = \"big\"",
        "model = \"big\"\ntimeout = \"soon\"",
        "s.toml:6:11: grader_model.timeout: a duration",
    );
    wrong(
        "model = \"big\"",
        "modell = \"big\"\nmodel = \"big\"",
        "s.toml:5:1: grader_model.modell: no such key",
    );
    wrong("rubric = \"Which is right?\"", "", "s.toml:6:1: metric[0].rubric: is required");
    wrong("rubric =", "prompt = \"none.j2\"\nrubric =", "s.toml:10:10: metric[0].prompt: ");
    let unused =
        COMPARED.replace("model_graded@1", "non_empty@1").replace("rubric = \"Which is right?\"\n", "");
    check(&unused, &["s.toml:3:1: grader_model: no metric asks for it"]);
}

#[test]
fn a_stemmer_is_another_measure_and_has_another_id() {
    let metric = |options: &str| {
        guarded(&format!("grader = \"rouge1@rouge_score\"\n{options}"), "meeting friends").unwrap().metrics[1]
            .clone()
    };
    let (plain, stemmed) = (metric(""), metric("use_stemmer = true"));
    assert_eq!(
        (plain.grader_id.as_str(), stemmed.name.as_str()),
        ("rouge1@rouge_score", "rouge1@rouge_score-stemmed")
    );
    let score = |metric: &SuiteMetric| {
        metric
            .grader
            .score(Reply { text: "meetings friend", ..Reply::default() }, &["meeting friends".to_owned()])
    };
    assert_eq!((score(&plain), score(&stemmed)), (Some(0.0), Some(1.0)));
    check(
        &with_metric("grader = \"rouge1@rouge_score\"\nmargin = 0.1\nuse_stemmer = 1"),
        &["s.toml:10:15: metric[1].use_stemmer: true or false"],
    );
}
