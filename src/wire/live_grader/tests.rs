//! Rules on answers: what each takes, and what none of them takes.

use super::*;

fn grader(rule: &AnswerRule) -> LiveGrader {
    LiveGrader::new("rule".into(), rule).unwrap()
}

fn check(rule: &AnswerRule, cases: &[(&str, f64)]) {
    for (answer, expected) in cases {
        assert_eq!(grader(rule).score(answer), *expected, "{rule:?} of {answer:?}");
    }
}

fn pattern(text: &str) -> AnswerRule {
    AnswerRule::Pattern(text.to_owned())
}

#[test]
fn an_answer_scores_by_what_is_found_in_it() {
    let answer_line = pattern(r"(?m)^A: -?[\d,.]+$");
    check(&answer_line, &[("so 2+2\nA: 4", 1.0), ("please give me a question", 0.0)]);
    check(&pattern(r"\S"), &[(" \n\t", 0.0), ("é", 1.0)]);
}

#[test]
fn an_empty_answer_never_scores() {
    let not = |rule| AnswerRule::Not(Box::new(rule));
    let short = LengthRange { words_max: Some(5), ..LengthRange::default() };
    for rule in [pattern(".*"), pattern("^$"), AnswerRule::Length(short), not(AnswerRule::Refusal)] {
        check(&rule, &[("", 0.0)]);
    }
    check(&not(AnswerRule::JsonValid), &[("  \n", 0.0), ("{", 1.0), ("{}", 0.0)]);
}

#[test]
fn a_bad_rule_says_what_is_wrong_with_it() {
    let error = |rule: AnswerRule| LiveGrader::new("x".into(), &rule).unwrap_err().to_string();
    assert_eq!(error(pattern("(a")), "\"(a\" is no usable pattern: unclosed group");
    assert!(LiveGrader::new("x".into(), &pattern(r"(\pL{99}){99}")).is_err());
    let english = AnswerRule::Language("english".to_owned());
    assert_eq!(
        error(english),
        "\"english\" is no ISO 639-3 code of a language that can be told, such as eng or deu"
    );
}

#[test]
fn json_is_the_whole_answer_and_one_value() {
    let cases = [
        ("{\"a\": [1, null]}", 1.0),
        (" 42\n", 1.0),
        ("\"text\"", 1.0),
        ("```json\n{}\n```", 0.0),
        ("{} {}", 0.0),
        ("{\"a\": 1,}", 0.0),
        ("{'a': 1}", 0.0),
        ("NaN", 0.0),
        ("Here it is: {}", 0.0),
    ];
    check(&AnswerRule::JsonValid, &cases);
}

/// The first article of the Universal Declaration of Human Rights, as the United Nations publish it.
#[test]
fn languages_are_told_apart() {
    let articles = [
        ("eng", "All human beings are born free and equal in dignity and rights."),
        ("deu", "Alle Menschen sind frei und gleich an Würde und Rechten geboren."),
        ("fra", "Tous les êtres humains naissent libres et égaux en dignité et en droits."),
        ("spa", "Todos los seres humanos nacen libres e iguales en dignidad y derechos."),
        ("rus", "Все люди рождаются свободными и равными в своем достоинстве и правах."),
        ("jpn", "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"),
        ("cmn", "人人生而自由,在尊严和权利上一律平等。"),
        ("ara", "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق."),
    ];
    for (code, _) in articles {
        let cases = articles.map(|(other, text)| (text, f64::from(u8::from(other == code))));
        check(&AnswerRule::Language(code.to_owned()), &cases);
    }
    check(&AnswerRule::Language("eng".to_owned()), &[("12345 67890", 0.0)]);
}
