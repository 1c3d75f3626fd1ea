//! What is the same question, and what is the same answer.

use super::*;
use crate::domain::{Clocks, Finish, Outcome};

fn prompt(body: &str) -> PromptDigest {
    RequestHead::parse(body.as_bytes()).unwrap().prompt_digest(body.as_bytes())
}

#[test]
fn a_question_is_its_content_and_not_its_spelling() {
    let first = prompt(r#"{"model":"a","messages":[{"role":"user","content":"hi"}]}"#);
    let same = prompt(r#"{"stream":true,"messages":[{"content":"hi", "role":"user"}],"model":"b"}"#);
    assert_eq!(first, same);
    let others = [
        r#"{"model":"a","messages":[{"role":"user","content":"ho"}]}"#,
        r#"{"model":"a","prompt":[{"role":"user","content":"hi"}]}"#,
        r#"{"model":"a","prompt":{"id":"t"}}"#,
        r#"{"model":"a","prompt":{"id":"u"}}"#,
        r#"{"model":"a","prompt":{"id":"t","variables":{"q":1}}}"#,
        r#"{"model":"a","input":[{"role":"user","content":"hi"}]}"#,
        r#"{"model":"a","input":"hi"}"#,
        r#"{"model":"a","input":"hi","instructions":"t"}"#,
        r#"{"model":"a"}"#,
    ];
    for (position, body) in others.iter().enumerate() {
        assert_ne!(first, prompt(body), "{body}");
        others[..position].iter().for_each(|earlier| assert_ne!(prompt(earlier), prompt(body), "{body}"));
    }
}

#[test]
fn the_users_last_words_are_found() {
    let check = |body: &str, expected: Option<&str>| {
        let head = RequestHead::parse(body.as_bytes()).unwrap();
        assert_eq!(head.user_text(body.as_bytes()).as_deref(), expected, "{body}");
    };
    check(
        r#"{"model":"m","messages":[{"role":"user","content":"1"},{"role":"user","content":"2"},{"role":"assistant","content":"3"}]}"#,
        Some("2"),
    );
    check(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]}]}"#,
        Some("a\nb"),
    );
    check(r#"{"model":"m","prompt":"p"}"#, Some("p"));
    check(r#"{"model":"m","prompt":["p","q"]}"#, Some("p\nq"));
    check(r#"{"model":"m","prompt":[1,2]}"#, None);
    check(r#"{"model":"m","messages":[{"role":"system","content":"s"}]}"#, None);
    check(r#"{"model":"m","prompt":{"id":"t"}}"#, None);
    check(r#"{"model":"m","instructions":"i","input":"p"}"#, Some("p"));
    let part = r#"[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call"}]"#;
    check(&format!(r#"{{"model":"m","input":{part}}}"#), Some("a"));
}

fn answered(text: &str, tool_calls: Option<&str>) -> Option<AnswerDigest> {
    answer_digest(&Answer {
        outcome: Outcome::Complete(Finish::Stop),
        clocks: Clocks::default(),
        text: text.to_owned(),
        tool_calls: tool_calls.map(str::to_owned),
        usage: None,
        fingerprint: None,
        token_chunks: 1,
        error: None,
    })
}

#[test]
fn an_answer_is_its_words() {
    assert_eq!(answered("a  b\nc", None), answered(" a b c\n", None));
    assert_ne!(answered("a b", None), answered("a b", Some("[]")));
    assert_ne!(answered("A", None), answered("a", None));
    assert_eq!(answered(" \n", None), None);
    assert!(answered("", Some("[{}]")).is_some());
}

#[test]
fn words_are_cut_at_unicodes_white_space_in_ascii_and_beyond() {
    let whitespace: String =
        (0..=0x3000).filter_map(char::from_u32).filter(|char| char.is_whitespace()).collect();
    for separator in whitespace.chars() {
        let check = |around: &str| {
            let text = format!("{separator}{around}{separator}{separator}b\u{1c}c{separator}");
            let words: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(one_spaced(&text), words.join(" ").into_bytes(), "{separator:?}");
        };
        check("a");
        check("é");
    }
}

/// Digests of one process meet those of another, so that their bytes may never change.
#[test]
fn digests_are_what_they_were() {
    let hex = |bytes: [u8; 16]| bytes.map(|byte| format!("{byte:02x}")).concat();
    let question = prompt(r#"{"model":"a","messages":[{"role":"user","content":"one\ntwo \"é\""}]}"#);
    let answer = answered(" It is\n\n 42,\u{a0}é. ", None).map(|digest| hex(digest.0));
    assert_eq!(hex(question.0), "4147d7a29a77c14e86d9ba2a614fddb9");
    assert_eq!(answer.as_deref(), Some("1266f280aeba4fae9af55407cd486283"));
}
