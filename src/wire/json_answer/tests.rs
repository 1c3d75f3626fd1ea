//! Bodies that came in one piece.

use super::*;

const GOOD: &str = r#"{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;

fn check(status: u16, body: &str, end: End, expected: &str) -> Answer {
    let answer =
        read_body(Form::Choices, status, body.as_bytes(), end, Clocks { end_ms: 9.0, ..Clocks::default() });
    assert_eq!(answer.outcome.to_string(), expected, "{status} {body} {end:?}");
    answer
}

#[test]
fn a_whole_answer_is_complete_and_has_no_first_token() {
    let answer = check(200, GOOD, End::Clean, "complete(stop)");
    assert_eq!((answer.text.as_str(), answer.usage.unwrap().completion_tokens), ("hello", 2));
    assert_eq!((answer.clocks.first_token_ms, answer.clocks.end_ms), (None, 9.0));
    let text =
        check(200, r#"{"choices":[{"text":"hi","finish_reason":"length"}]}"#, End::Clean, "complete(length)");
    assert_eq!(text.text, "hi");
}

#[test]
fn a_status_outside_2xx_decides() {
    check(429, GOOD, End::Clean, "errored(429)");
    check(503, "", End::Broken, "errored(503)");
    let refused =
        check(404, r#"{"error":{"message":"no such model","code":404}}"#, End::Clean, "errored(404)");
    assert_eq!(refused.error.as_deref(), Some("no such model"));
    check(302, "", End::Clean, "errored(302)");
}

#[test]
fn what_no_engine_writes_is_a_bad_gateway() {
    let page = check(200, "<html><body>Sign in</body></html>", End::Clean, "errored(502)");
    assert_eq!(page.error.as_deref(), Some("<html><body>Sign in</body></html>"));
    for body in ["", "null", "[]", "{}", r#"{"ok":true}"#, "{\"choices\":[{"] {
        check(200, body, End::Clean, "errored(502)");
    }
}

#[test]
fn an_error_object_inside_a_200_is_an_error() {
    check(200, r#"{"error":{"message":"m","code":500}}"#, End::Clean, "errored(500)");
    check(200, r#"{"object":"error","message":"m","code":400}"#, End::Clean, "errored(400)");
}

#[test]
fn an_answer_without_finish_broke() {
    check(200, r#"{"choices":[]}"#, End::Clean, "truncated(no finish)");
    check(
        200,
        r#"{"choices":[{"message":{"content":"a"},"finish_reason":""}]}"#,
        End::Clean,
        "truncated(no finish)",
    );
    check(200, r#"{"choices":[{"message":{"content":"a"},"finish_reason":"abort"}]}"#, End::Clean, "aborted");
    check(200, &GOOD[..60], End::Broken, "truncated(no finish)");
    check(200, GOOD, End::Broken, "truncated(no terminator)");
    check(200, &GOOD[..60], End::Stalled, "stalled");
    check(200, &GOOD[..60], End::ClientGone, "client_gone");
}

#[test]
fn a_field_of_another_shape_is_none_and_the_answer_still_one() {
    let with = |from: &str, to: &str| check(200, &GOOD.replace(from, to), End::Clean, "complete(stop)");
    let parts =
        r#"[{"type":"text","text":"hel"},{"type":"thinking","thinking":[1]},3,{"type":"text","text":"lo"}]"#;
    assert_eq!(with("\"hello\"", parts).text, "hello");
    assert_eq!(with("\"completion_tokens\":2", "\"completion_tokens\":null").usage, None);
    assert_eq!(with("\"completion_tokens\":2", "\"completion_tokens\":\"two\"").usage, None);
    assert_eq!(with("\"prompt_tokens\":7", "\"prompt_tokens\":-1.5").usage.unwrap().prompt_tokens, 0);
    for (from, to) in [
        ("\"index\":0", "\"index\":null"),
        ("\"index\":0", "\"index\":\"0\""),
        ("\"chat.completion\"", "{\"is\":[1,{\"a\":null}]}"),
        ("\"role\":\"assistant\"", "\"tool_calls\":{},\"reasoning\":7"),
        ("\"role\":\"assistant\"", "\"tool_calls\":null,\"reasoning_content\":[\"a\"]"),
    ] {
        assert_eq!(with(from, to).text, "hello", "{to}");
    }
    assert_eq!(with("\"choices\":[", "\"system_fingerprint\":5,\"choices\":[null,").fingerprint, None);
}
