//! What graders have in common: the best reference counts, none is no score, and no answer never scores.

use super::*;
use crate::domain::AnswerRule;

fn check(grader: &Grader, output: &str, references: &[&str], expected: Option<f64>) {
    let references: Vec<String> = references.iter().map(ToString::to_string).collect();
    let reply = Reply { text: output, finish: Some(Finish::Stop), ..Reply::default() };
    assert_eq!(grader.score(reply, &references), expected, "{output:?} against {references:?}");
}

fn live(rule: &AnswerRule) -> Grader {
    Grader::Live(LiveGrader::new("rule".into(), rule).unwrap())
}

#[test]
fn the_best_reference_counts_and_none_at_all_is_no_score() {
    check(&Grader::Levenshtein, "two", &["2", "two"], Some(1.0));
    check(&Grader::Levenshtein, "kitten", &["sitting"], Some(1.0 - 3.0 / 7.0));
    check(&Grader::Levenshtein, "two", &[], None);
    check(&Grader::Levenshtein, "", &["two"], Some(0.0));
    check(&live(&AnswerRule::Pattern(r"\S".into())), "two", &[], Some(1.0));
    check(&Grader::Rouge(Rouge::One, RougeWords::Whole), "two", &["2", "two"], Some(1.0));
    check(&Grader::Chrf, "two", &[], None);
    check(&Grader::Bleu(Bleu::new().unwrap()), "two", &[], None);
}

#[test]
fn a_score_is_turned_round_but_no_answer_stays_none() {
    let not = |grader| Grader::Not(Box::new(grader));
    let contains = || Grader::Text(TextMatch { rule: TextRule::Contains, values: vec!["AI".to_owned()] });
    check(&not(contains()), "As an AI", &[], Some(0.0));
    check(&not(contains()), "Sure", &[], Some(1.0));
    check(&not(contains()), " ", &[], Some(0.0));
    check(&not(Grader::JsonMatch), "{}", &[], None);
    let called = Reply { tool_calls: Some("[]"), ..Reply::default() };
    assert_eq!(not(contains()).score(called, &[]), Some(1.0));
}

#[test]
fn an_end_is_that_of_the_suite_or_of_the_case() {
    check(&Grader::FinishReason(Some(Finish::Stop)), "x", &["length"], Some(1.0));
    check(&Grader::FinishReason(Some(Finish::Length)), "x", &[], Some(0.0));
    check(&Grader::FinishReason(None), "x", &["length", "stop"], Some(1.0));
    check(&Grader::FinishReason(None), "x", &["length"], Some(0.0));
    check(&Grader::FinishReason(None), "x", &[], None);
    let broken = Reply { text: "x", ..Reply::default() };
    assert_eq!(Grader::FinishReason(None).score(broken, &["stop".to_owned()]), Some(0.0));
}

#[test]
fn a_reference_that_nothing_could_agree_with_is_a_fault() {
    assert_eq!(Grader::JsonMatch.fault("{a}"), Some("is no JSON"));
    assert!(Grader::ToolCall.fault("weather").is_some_and(|rule| rule.starts_with("is no call")));
    assert!(Grader::FinishReason(None).fault("tired").is_some());
    assert!(Grader::Not(Box::new(Grader::JsonMatch)).fault("{a}").is_some());
    for (grader, reference) in [
        (Grader::JsonMatch, "7"),
        (Grader::ToolCall, "[]"),
        (Grader::FinishReason(None), "tool_calls"),
        (Grader::Levenshtein, "{a}"),
    ] {
        assert_eq!(grader.fault(reference), None, "{grader:?} {reference:?}");
    }
}
