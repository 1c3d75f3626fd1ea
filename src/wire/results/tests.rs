//! Files as the tools wrote them, and what is wrong with files that they did not.

use super::*;
use crate::wire::ScoreRow;

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("tests/data/results/{name}")).unwrap()
}

fn read(text: &str) -> Vec<ScoreRow> {
    read_results(text.as_bytes(), &ResultsAsk::default()).unwrap()
}

fn read_of(text: &str, provider: &str) -> Vec<ScoreRow> {
    read_results(text.as_bytes(), &ResultsAsk { provider: Some(provider), ..ResultsAsk::default() }).unwrap()
}

/// Id and scores by row, in one line each.
fn check(rows: &[ScoreRow], expected: &[&str]) {
    let score = |score: &Option<f64>| score.map_or_else(|| "lost".to_owned(), |score| format!("{score:.2}"));
    let line = |row: &ScoreRow| {
        let scores: Vec<_> =
            row.scores.iter().map(|(name, value)| format!("{name} {}", score(value))).collect();
        format!("{}: {}", row.id, scores.join("; "))
    };
    assert_eq!(rows.iter().map(line).collect::<Vec<_>>(), expected);
}

fn check_fault(text: &str, expected: &str) {
    let faults = read_results(text.as_bytes(), &ResultsAsk::default()).expect_err(expected);
    assert!(faults[0].to_string().contains(expected), "{}", faults[0]);
}

#[test]
fn samples_of_lm_eval_are_a_case_a_document_and_a_metric_a_filter() {
    let rows = read(&fixture("lm-eval-blue.jsonl"));
    check(
        &rows,
        &[
            "0: exact_match,strict-match 1.00; exact_match,flexible-extract 1.00",
            "1: exact_match,strict-match 1.00; exact_match,flexible-extract 1.00",
            "2: exact_match,strict-match 0.00; exact_match,flexible-extract 1.00",
        ],
    );
    let green = read(&fixture("lm-eval-green.jsonl"));
    assert!(rows.iter().zip(&green).all(|(one, other)| one.asked == other.asked && one.asked.is_some()));
}

#[test]
fn results_of_promptfoo_are_one_providers_and_only_an_error_loses_them() {
    let text = fixture("promptfoo.json");
    let expected = [
        "test 0: success 1.00; score 1.00; right 1.00",
        "test 1: success 0.00; score 0.67; right 0.00",
        "test 2: success lost; score lost; right lost",
    ];
    // By its label and by its id.
    check(&read_of(&text, "green"), &expected);
    check(&read_of(&text, "mock:green"), &expected);
    let asked = |name| read_of(&text, name).into_iter().map(|row| (row.id, row.asked));
    let in_order = |name| asked(name).collect::<std::collections::BTreeMap<_, _>>();
    assert_eq!(in_order("blue"), in_order("green"));
}

#[test]
fn logs_of_inspect_have_letters_that_are_numbers_and_scorers_with_several() {
    check(
        &read(&fixture("inspect-green.json")),
        &[
            "product: match 0.00; parts/short 1.00; parts/half 0.50",
            "rest: match 0.00; parts/short 1.00; parts/half 0.50",
            "sum: match 1.00; parts/short 1.00; parts/half 0.50",
        ],
    );
}

#[test]
fn messages_of_inspect_ask_the_same_whatever_ids_a_run_gave_them() {
    let asked = |message: &str| {
        let text = fixture("inspect-blue.json");
        read(&text.replace("\"input\": \"What is 2 + 3?\"", &format!("\"input\": [{message}]")))[2]
            .asked
            .clone()
    };
    let one = asked("{\"id\": \"a\", \"content\": \"2 + 3?\", \"role\": \"user\"}");
    assert_eq!(one, asked("{\"id\": \"b\", \"content\": \"2 + 3?\", \"role\": \"user\"}"));
    assert_ne!(one, asked("{\"id\": \"a\", \"content\": \"2 + 4?\", \"role\": \"user\"}"));
}

#[test]
fn a_sample_of_inspect_that_ended_in_an_error_lost_every_score() {
    let text = fixture("inspect-blue.json").replacen(
        "\"epoch\": 1,",
        "\"epoch\": 1, \"error\": {\"message\": \"gone\"},",
        1,
    );
    check(&read(&text)[..1], &["product: match lost; parts/short lost; parts/half lost"]);
}

#[test]
fn logs_of_openai_evals_give_matches_and_a_failed_sample_is_lost() {
    check(&read(&fixture("evals-blue.jsonl"))[..1], &["sums.dev.0: correct 1.00"]);
    let green = ["sums.dev.0: correct 1.00", "sums.dev.1: correct 0.00", "sums.dev.2: correct lost"];
    check(&read(&fixture("evals-green.jsonl")), &green);
    let measured = fixture("evals-blue.jsonl")
        .replace("\"match\", \"data\": {\"correct\": true", "\"metrics\", \"data\": {\"f1\": 0.5");
    let only = ["f1".to_owned()];
    let rows = read_results(measured.as_bytes(), &ResultsAsk { metrics: &only, provider: None }).unwrap();
    check(&rows[..1], &["sums.dev.0: f1 0.50"]);
}

#[test]
fn answers_to_one_question_stand_or_fall_together() {
    let together = |name: &str| {
        let rows = read(&fixture(name));
        let first = rows[0].cluster.clone().unwrap();
        rows.iter().filter(|row| row.cluster.as_ref() == Some(&first)).count()
    };
    assert_eq!((together("promptfoo-repeat.json"), together("inspect-epochs.json")), (2, 2));
    assert!(read(&fixture("inspect-blue.json")).iter().all(|row| row.cluster.is_none()));
    let epochs = read(&fixture("inspect-epochs.json"));
    assert!(epochs.len() == 6 && epochs.iter().any(|row| row.id == "sum, epoch 2"));
}

#[test]
fn a_case_that_comes_twice_is_refused_with_both_lines() {
    let lm_eval = fixture("lm-eval-blue.jsonl");
    check_fault(
        &format!("{lm_eval}{lm_eval}"),
        "7:1: doc_id,filter: \"0,strict-match\" stands on line 1 already",
    );
    let inspect = fixture("inspect-blue.json");
    let line =
        |index| inspect.lines().enumerate().filter(|(_, line)| *line == "    {").nth(index).unwrap().0 + 1;
    let twice = inspect.replace("\"id\": \"rest\"", "\"id\": \"product\"");
    let (first, second) = (line(0), line(1));
    check_fault(&twice, &format!("{second}:1: samples[1].id: \"product\" stands on line {first} already"));
    check_fault(
        &fixture("promptfoo-repeat.json").replace("\"testIdx\": 1", "\"testIdx\": 0"),
        "\"test 0\" stands on",
    );
    let evals = fixture("evals-blue.jsonl");
    check_fault(&evals.replace("dev.1", "dev.0"), "5:1: sample_id: \"sums.dev.0: match\" stands on line 3");
}

#[test]
fn a_file_of_several_providers_needs_a_name() {
    let text = fixture("promptfoo.json");
    check_fault(
        &text,
        "the answers of several providers: \"blue\", \"green\" (say whose with --blue-provider",
    );
    let other = |text: &str| {
        let ask = ResultsAsk { provider: Some("red"), ..ResultsAsk::default() };
        read_results(text.as_bytes(), &ask).unwrap_err()[0].to_string()
    };
    assert!(other(&text).contains("no answer is of provider \"red\", only of \"blue\", \"green\""));
    assert!(other(&fixture("lm-eval-blue.jsonl")).contains("the file names no providers"));
}

#[test]
fn values_that_are_no_scores_are_refused_unless_nobody_asked_for_them() {
    let text = fixture("lm-eval-blue.jsonl");
    check_fault(&text.replacen("\"exact_match\": 1.0", "\"exact_match\": NaN", 1), "1:");
    check_fault(&text.replacen("\"exact_match\": 1.0", "\"exact_match\": NaN", 1), "not a number (NaN, inf)");
    let listed = text.replace("\"exact_match\": 1.0", "\"exact_match\": [1, 2]");
    check_fault(&listed, "1:1: exact_match,strict-match: a number, true, false or null, not [1,2]");
    let wanted = ["exact_match,loose".to_owned()];
    let ask = ResultsAsk { metrics: &wanted, provider: None };
    assert!(read_results(listed.as_bytes(), &ask).unwrap().iter().all(|row| row.scores.is_empty()));
    check_fault(
        &fixture("inspect-blue.json").replace("\"value\": \"C\"", "\"value\": \"fine\""),
        "].match: a number",
    );
    check_fault(
        &fixture("inspect-blue.json").replace("\"value\": \"C\"", "\"value\": \"nan\""),
        "].match: a number",
    );
    check_fault(
        &fixture("inspect-blue.json").replace("\"value\": \"C\"", "\"value\": NaN"),
        ": not JSON of a known kind",
    );
    check_fault(
        &fixture("promptfoo-repeat.json").replace("\"score\": 1,", "\"score\": 3,"),
        "[0].score: 3 is no score",
    );
}

#[test]
fn files_that_do_not_say_enough_are_refused_with_what_to_do() {
    let lm_eval = fixture("lm-eval-blue.jsonl");
    check_fault(
        &lm_eval.replace("\"prompt_hash\"", "\"prompt\""),
        "prompt_hash: is required (older versions",
    );
    check_fault(&lm_eval.replace("\"filter\"", "\"sieve\""), "filter: is required");
    check_fault(&lm_eval.replace("\"metrics\"", "\"measures\""), "metrics: is required");
    check_fault(
        &lm_eval.replace("\"exact_match\": 0.0", "\"em\": 0"),
        "exact_match: is named under metrics and missing",
    );
    check_fault(&lm_eval[..lm_eval.len() - 20], "6:");
    let inspect = fixture("inspect-blue.json");
    check_fault(
        &inspect.replace("\"status\": \"success\"", "\"status\": \"error\""),
        "the run ended with \"error\"",
    );
    check_fault(&inspect.replace("\"samples\": [\n    {", "\"rows\": [\n    {"), "samples: there are none");
    check_fault(&inspect[..inspect.len() / 2], "not JSON of a known kind: EOF");
    check_fault(&fixture("promptfoo.json").replace("\"version\": 3,", "\"version\": 2,"), "3 is read, not 2");
}
