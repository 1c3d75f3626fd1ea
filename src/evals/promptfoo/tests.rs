//! Configurations in the form of promptfoo's own examples, with the results that promptfoo's rules give.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::domain::Finish;
use crate::evals::dataset::{Ask, Case};
use crate::evals::grader::Reply;
use crate::evals::suite::CasePlace;

const CAPITALS: &str = "tests/data/promptfoo/capitals/promptfooconfig.yaml";
const TICKETS: &str = "tests/data/promptfoo/tickets/promptfooconfig.yaml";

fn suite(path: &str, unsupported: Unsupported) -> Suite {
    read(path.as_ref(), unsupported).unwrap_or_else(|faults| panic!("{faults}"))
}

fn case<'s>(suite: &'s Suite, id: &str) -> &'s Case {
    suite.cases.iter().find(|case| case.id == id).unwrap_or_else(|| panic!("{id}"))
}

/// The scores of `output`, metric by metric.
fn scores(suite: &Suite, id: &str, output: &str) -> Vec<Option<f64>> {
    let reply = Reply { text: output, finish: Some(Finish::Stop), e2e_ms: Some(1_500.0), ..Reply::default() };
    suite.metrics.iter().map(|metric| metric.grader.score(reply, &case(suite, id).references)).collect()
}

/// A configuration of one prompt and one test with these assertions.
fn config(asserts: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("promptfooconfig.yaml");
    let asserts = asserts.lines().map(|line| format!("      {line}\n")).collect::<String>();
    let text = format!(
        "prompts: ['{{{{q}}}}']\ntests:\n  - vars: {{q: hello, word: Paris}}\n    assert:\n{asserts}"
    );
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Whether an answer passes, and its score.
fn check(asserts: &str, output: &str, pass: bool, score: f64) {
    let (_folder, path) = config(asserts);
    let suite = suite(path.to_str().unwrap(), Unsupported::Refused);
    let found = scores(&suite, "test-1", output);
    assert_eq!(found[0], Some(f64::from(u8::from(pass))), "{asserts}: {output:?}");
    assert!((found[1].unwrap() - score).abs() < 1e-12, "{asserts}: {output:?}: {found:?}, not {score}");
}

fn faults(asserts: &str) -> String {
    let (folder, path) = config(asserts);
    let faults = read(&path, Unsupported::Refused).expect_err(asserts).to_string();
    faults.replace(folder.path().to_str().unwrap(), "x")
}

#[test]
fn tests_prompts_and_variables_are_multiplied_out() {
    let suite = suite(CAPITALS, Unsupported::Refused);
    let ids: Vec<&str> = suite.cases.iter().map(|case| case.id.as_str()).collect();
    let of_first = ["test-1.1/prompt-1", "test-1.1/prompt-2", "test-1.1/prompt-3", "test-1.2/prompt-1"];
    assert_eq!(ids[..4], of_first);
    // Two combinations for three prompts, one test for two of them, four rows for three.
    assert_eq!(ids.len(), 6 + 2 + 12);
    let asks = |id, text: &str| assert_eq!(case(&suite, id).ask, Ask::Prompt(text.to_owned()));
    asks("test-1.2/prompt-1", "What is the capital of Italy? Answer in one sentence.");
    asks("test-2/prompt-2", "Be brief. Name the capital of Peru.");
    let Ask::Messages(messages) = &case(&suite, "test-3/prompt-3").ask else { panic!("a chat") };
    assert_eq!(messages[0]["content"], "You know \"everything\" about Spain.");
    assert_eq!(case(&suite, "test-1.1/prompt-2").tags, ["area:europe"]);
    assert_eq!(case(&suite, "test-1.1/prompt-2").cluster.as_deref(), Some("test-1.1"));
    assert_eq!(suite.request.sampling["temperature"], 0, "that of the one provider");
}

#[test]
fn every_case_and_metric_knows_its_line() {
    let suite = suite(CAPITALS, Unsupported::Refused);
    let place = |id: &str| {
        let at = suite.cases.iter().position(|case| case.id == id).unwrap();
        let CasePlace { file, line } = &suite.places.cases[at];
        (file.rsplit('/').next().unwrap().to_owned(), *line)
    };
    assert_eq!(place("test-1.2/prompt-1"), ("promptfooconfig.yaml".to_owned(), 25));
    assert_eq!(place("test-4/prompt-1"), ("more.csv".to_owned(), 3));
    assert_eq!(place("test-6/prompt-1"), ("more.jsonl".to_owned(), 3));
    let names: Vec<&str> = suite.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["success@promptfoo", "score@promptfoo", "shape", "names"]);
    assert_eq!(suite.places.metrics["success@promptfoo"], 25);
}

#[test]
fn an_answer_is_graded_by_all_that_its_test_expects() {
    let suite = suite(CAPITALS, Unsupported::Refused);
    let check = |id, output, expected: [Option<f64>; 4]| {
        assert_eq!(scores(&suite, id, output), expected, "{id} {output}")
    };
    check("test-1.1/prompt-1", "It is paris.", [Some(1.0), Some(1.0), None, None]);
    // Weights 1, ½, 1, 1; the apology costs one of 3.5.
    check("test-1.1/prompt-1", "Sorry, Paris.", [Some(0.0), Some(2.5 / 3.5), None, None]);
    // One of the set holds: the set passes with half its score, and the test with 2 of 2.5.
    check("test-2/prompt-1", "It is Lima, I believe.", [Some(1.0), Some(0.8), Some(0.5), None]);
    check("test-2/prompt-1", "as an AI, no", [Some(0.0), Some(0.2), Some(0.0), None]);
    check("test-3/prompt-1", "Madrid, in Spain", [Some(1.0), Some(1.0), None, Some(1.0)]);
    check("test-3/prompt-1", "Madrid", [Some(0.0), Some(2.5 / 3.5), None, Some(0.5)]);
    check("test-4/prompt-1", "Nairobi", [Some(1.0), Some(1.0), None, None]);
    check("test-5/prompt-1", "Tokyo", [Some(1.0), Some(1.0), None, None]);
}

#[test]
fn what_cannot_be_checked_is_an_error_at_its_place_with_a_count() {
    let faults = read(TICKETS.as_ref(), Unsupported::Refused).unwrap_err().to_string();
    let file = TICKETS;
    for expected in [
        format!("{file}:20:9: assert: javascript runs code, and is not checked here"),
        format!("{file}:26:9: assert: llm-rubric asks another model, and is not checked here"),
        format!("{file}:32:7: assert: transform runs code before every assertion of its test"),
        format!("{file}:34:9: assert: contains comes behind a transform, which is code"),
        format!(
            "{file}: 5 of 9 assertions are checked; not: contains (1), javascript (1), llm-rubric (1), transform (1)"
        ),
    ] {
        assert!(faults.contains(&expected), "{faults}\nlacks\n{expected}");
    }
}

#[test]
fn what_is_allowed_to_be_left_out_is_named() {
    let suite = suite(TICKETS, Unsupported::Allowed);
    assert!(
        suite
            .places
            .unchecked
            .as_ref()
            .is_some_and(|report| report.starts_with("5 of 9 assertions are checked"))
    );
    let good = r#"{"urgent": true, "product": "printer"}"#;
    assert_eq!(scores(&suite, "test-1", good), [Some(1.0), Some(1.0)]);
    assert_eq!(
        scores(&suite, "test-1", r#"{"urgent": true, "product": "printer", "floor": 3}"#)[0],
        Some(0.0)
    );
    assert_eq!(scores(&suite, "test-2", "{}"), [Some(1.0), Some(1.0)]);
    // Nothing of it is left to check, and nothing checked is no pass.
    assert_eq!(scores(&suite, "test-3", "mouse"), [None, None]);
}

/// As promptfoo's own functions say.
#[test]
fn assertions_hold_as_they_do_in_promptfoo() {
    check("- {type: equals, value: 4.0}", "4", true, 1.0);
    check("- {type: not-equals, value: {a: 1}}", "no json", true, 1.0);
    check("- {type: contains, value: '{{word}}'}", "in Paris", true, 1.0);
    check("- {type: contains-all, value: 'a, \"b, c\"'}", "a and b, c", true, 1.0);
    check("- {type: icontains-all, value: [A, B]}", "a only", false, 0.0);
    check("- {type: not-contains-any, value: [x, y]}", "z", true, 1.0);
    check(
        "- {type: is-json, value: {type: object, properties: {at: {format: date}}}}",
        r#"{"at": "soon"}"#,
        false,
        0.0,
    );
    check("- {type: not-is-json}", "[1]", false, 0.0);
    check("- {type: contains-json, value: 'required: [a]'}", "so: {\"b\": 1} {a: 2}", true, 1.0);
    check("- {type: not-contains-json}", "none", true, 1.0);
    check("- {type: levenshtein, value: kitten}", "sitting", true, 1.0);
    check("- {type: levenshtein, value: kitten, threshold: 0}", "sitting", false, 0.0);
    check(
        "- {type: bleu, value: the cat sat on the mat, threshold: 0.9}",
        "The cat sat on the mat",
        true,
        1.0,
    );
    check("- {type: not-gleu, value: a b c d x f g}", "a b c d e f g", false, 1.0 - 0.5909090909090909);
    check("- {type: finish-reason, value: STOP}", "x", true, 1.0);
    check("- {type: latency, threshold: 1500}", "x", true, 1.0);
    check("- {type: not-latency, threshold: 1500}", "x", false, 0.0);
    check("- {type: word-count, value: 2}", "two words", true, 1.0);
    check("- {type: equals, value: x, weight: 0}\n- {type: equals, value: y}", "y", true, 1.0);
    check("- {type: equals, value: x, weight: 3}\n- {type: equals, value: y}", "x", false, 0.75);
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let check = |asserts: &str, expected: &str| {
        let faults = faults(asserts);
        assert!(faults.contains(expected), "{faults}\nlacks\n{expected}");
    };
    check(
        "- {type: contain, value: x}",
        "x/promptfooconfig.yaml:5:9: type: there is no assertion \"contain\"\n  hint: did you mean `contains`?",
    );
    check("- {value: x}", ":5:9: type: is required");
    check("- {type: contains}", "contains.value: a text is needed");
    check("- {type: regex, value: '(?=x)'}", "regex.value: look-around");
    check("- {type: contains, value: '{{nobody}}'}", "contains.value: there is no variable \"nobody\"");
    check("- {type: contains, value: '{{word | upper}}'}", "only plain {{name}} is filled in");
    check("- {type: latency}", "latency.threshold: is required");
    check("- {type: is-json, value: file://none.json}", "x/none.json cannot be read");
    check(
        "- {type: contains, value: x, treshold: 1}",
        "treshold: is not read here\n  hint: did you mean `threshold`?",
    );
    check("- {type: contains, value: x, threshold: high}", "threshold: a number, not a text");
    check("- {$ref: '#/assertionTemplates/none'}", "$ref: names no template");
    check("- {type: not-rouge-n, value: x}", "rouge-n is defined by a library that is not rebuilt");
}

#[test]
fn files_that_are_code_or_missing_are_faults() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.yaml");
    let text = "prompts: [file://p.py]\ntests: [file://t.js, file://none.csv, 'file://*.yml', 'file://{a,b}.yaml']\nscenarios: [{tests: []}]\nnunjucksFilters: {}\n";
    std::fs::write(&path, text).unwrap();
    let faults = read(&path, Unsupported::Allowed).unwrap_err().to_string();
    for expected in [
        "p.py is code",
        "t.js",
        "none.csv cannot be read",
        "no file is named like *.yml",
        "{a,b}.yaml: one file, not a pattern",
        "scenarios.config: is required",
        "nunjucksFilters",
    ] {
        assert!(faults.contains(expected), "{faults}\nlacks\n{expected}");
    }
    std::fs::write(&path, "prompts: []\n").unwrap();
    let faults = read(&path, Unsupported::Allowed).unwrap_err().to_string();
    assert!(
        faults.contains("prompts: must not be empty") && faults.contains("tests: is required"),
        "{faults}"
    );
}

#[test]
fn a_refusal_is_one_by_its_phrases_and_nothing_said_scores_nothing() {
    let (_folder, path) = config("- type: is-refusal");
    let suite = suite(path.to_str().unwrap(), Unsupported::Refused);
    let check = |output, expected: [Option<f64>; 2]| {
        assert_eq!(scores(&suite, "test-1", output), expected, "{output}")
    };
    check("I'm sorry, but I can't help with that.", [Some(1.0), Some(1.0)]);
    check("Paris, of course.", [Some(0.0), Some(0.0)]);
    check(" ", [Some(1.0), Some(0.0)]);
    let (_folder, path) = config("- type: not-is-refusal");
    let suite = self::suite(path.to_str().unwrap(), Unsupported::Refused);
    assert_eq!(scores(&suite, "test-1", "Paris, of course."), [Some(1.0), Some(1.0)]);
    assert_eq!(scores(&suite, "test-1", ""), [Some(0.0), Some(0.0)]);
}

/// The example of promptfoo's page on scenarios, with two languages and two phrases, and a test that stands by itself.
#[test]
fn a_scenario_is_each_of_its_tests_for_each_of_its_data() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.yaml");
    let text = "prompts: ['Translate into {{language}}: {{input}}']\ndefaultTest: {assert: [{type: contains, value: a}]}\n\
        tests:\n  - vars: {language: Dutch, input: Yes}\n\
        scenarios:\n  - file://scenarios/*.yaml\n  - config: [{vars: {language: Latin, input: No}}]\n";
    std::fs::write(&path, text).unwrap();
    std::fs::create_dir(folder.path().join("scenarios")).unwrap();
    let scenario = "description: two\nconfig:\n  - vars: {language: Spanish, hello: Hola, night: noche}\n  \
        - vars: {language: French, hello: Bonjour, night: nuit}\n    assert: [{type: icontains, value: n}]\n\
        tests:\n  - vars: {input: Hello}\n    assert: [{type: contains, value: '{{hello}}'}]\n  \
        - vars: {input: Night}\n    options: {disableDefaultAsserts: true}\n    assert: [{type: contains, value: '{{night}}'}]\n";
    std::fs::write(folder.path().join("scenarios/translate.yaml"), scenario).unwrap();
    let suite = suite(path.to_str().unwrap(), Unsupported::Refused);
    let asked: Vec<&Ask> = suite.cases.iter().map(|case| &case.ask).collect();
    assert_eq!(asked.len(), 6, "{asked:?}");
    for (asked, text) in asked.iter().zip([
        "Dutch",
        "Spanish: Hello",
        "Spanish: Night",
        "French: Hello",
        "French: Night",
        "Latin",
    ]) {
        assert!(
            matches!(asked, Ask::Prompt(prompt) if prompt.starts_with(&format!("Translate into {text}"))),
            "{asked:?}"
        );
    }
    let score = |id, output| scores(&suite, id, output)[1];
    assert_eq!(score("test-2", "Hola"), Some(1.0), "default and own");
    assert_eq!(score("test-3", "Buenas noche"), Some(1.0), "own alone");
    assert_eq!(score("test-4", "Bonjour"), Some(2.0 / 3.0), "default, the data's and its own");
    assert_eq!(score("test-5", "la nuit"), Some(1.0), "the data's and its own");
    assert_eq!(score("test-6", "na"), Some(1.0), "data that is asked as it stands");
}

#[test]
fn a_pattern_names_files_in_their_order() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for name in ["tests", "tests/deep", "texts"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    write(
        "c.yaml",
        "prompts: ['{{q}}']\ntests:\n  - file://tests/**/*.yaml\n  - vars: {q: 'file://texts/*.txt'}\n    assert: [{type: contains, value: x}]\n",
    );
    let test = |q: &str| format!("- vars: {{q: {q}}}\n  assert: [{{type: contains, value: x}}]\n");
    write("tests/b.yaml", &test("second"));
    write("tests/a.yaml", &test("first"));
    write("tests/deep/c.yaml", &test("third"));
    write("tests/deep/c.yml", &test("of another kind"));
    write("texts/2.txt", "fifth");
    write("texts/1.txt", "fourth");
    let path = folder.path().join("c.yaml");
    let suite = suite(path.to_str().unwrap(), Unsupported::Refused);
    let asked: Vec<(&str, &Ask)> = suite.cases.iter().map(|case| (case.id.as_str(), &case.ask)).collect();
    let expected = [
        ("test-1", "first"),
        ("test-2", "second"),
        ("test-3", "third"),
        ("test-4.1", "fourth"),
        ("test-4.2", "fifth"),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(id, text)| (id, Ask::Prompt(text.to_owned()))).collect();
    assert_eq!(asked, expected.iter().map(|(id, ask)| (*id, ask)).collect::<Vec<_>>());
    let digest = suite.digest.clone();
    write("tests/deep/c.yaml", &test("changed"));
    assert_ne!(
        self::suite(path.to_str().unwrap(), Unsupported::Refused).digest,
        digest,
        "what a pattern names is digested"
    );
}
