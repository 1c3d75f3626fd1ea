//! Shapes are told into each other without loss, or not at all.

use super::*;

fn chat(message: Value, others: Value) -> Value {
    let mut choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
    others_into(&mut choice, others.as_object().unwrap().clone());
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, "system_fingerprint": "fp"})
}

fn said(content: &str) -> Value {
    json!({"role": "assistant", "content": content})
}

fn stream_of(body: &Value, shape: Shape) -> Option<String> {
    let stream = told_as_stream(body.to_string().as_bytes(), shape)?;
    Some(String::from_utf8(stream.to_vec()).unwrap())
}

fn events(stream: &str) -> Vec<Value> {
    let data = stream.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The body is the same after it was told as a stream.
fn check(body: &Value) {
    let stream = stream_of(body, Shape::StreamWithUsage).unwrap_or_else(|| panic!("no stream: {body}"));
    assert!(stream.ends_with("data: [DONE]\n\n") && tells_usage(stream.as_bytes()), "{stream}");
    let back: Value = serde_json::from_slice(&told_as_body(stream.as_bytes()).unwrap()).unwrap();
    assert_eq!(&back, body, "{stream}");
}

#[test]
fn a_body_is_told_as_a_stream_and_back_without_loss() {
    check(&chat(said("Hello, wide world! 🚪\n\nBye."), json!({})));
    check(&chat(said(""), json!({"stop_reason": 7})));
    check(&chat(said(&"長い文".repeat(4_000)), json!({})));
    check(&chat(json!({"role": "assistant", "content": "b", "reasoning_content": "a c"}), json!({})));
    let mut timed = chat(said("a"), json!({}));
    timed["timings"] = json!({"prompt_ms": 1.5});
    check(&timed);
    check(&json!({"id": "cmpl-1", "object": "text_completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "text": "a b", "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}}));
}

#[test]
fn a_told_stream_begins_with_the_role_and_tells_small_pieces_and_no_usage_unless_asked() {
    let stream = stream_of(&chat(said("one two three"), json!({})), Shape::Stream).unwrap();
    let events = events(&stream);
    let deltas: Vec<_> = events.iter().map(|event| event["choices"][0]["delta"].clone()).collect();
    let piece = |text: &str| json!({"content": text});
    let expected = [said(""), piece("one "), piece("two "), piece("three"), json!({})];
    assert_eq!(deltas, expected);
    assert!(
        events.iter().all(|event| event["object"] == "chat.completion.chunk" && event["id"] == "chatcmpl-1")
    );
    let finishes: Vec<_> = events.iter().map(|event| event["choices"][0]["finish_reason"].clone()).collect();
    assert_eq!(finishes[4], "stop");
    assert!(finishes[..4].iter().all(Value::is_null) && !tells_usage(stream.as_bytes()));
}

#[test]
fn a_long_text_is_told_in_a_bounded_number_of_pieces() {
    let text = "a ".repeat(100_000);
    let pieces: Vec<_> = pieces(&text).collect();
    assert!(pieces.len() <= PIECES_MAX && pieces.concat() == text);
}

#[test]
fn what_has_no_other_shape_is_asked_anew() {
    let none = |body: &Value| assert_eq!(stream_of(body, Shape::Stream), None, "{body}");
    none(&chat(json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]}), json!({})));
    none(&chat(json!({"role": "assistant", "content": "a", "audio": {"id": "x"}}), json!({})));
    none(&chat(said("a"), json!({"logprobs": {"content": []}})));
    let mut two = chat(said("a"), json!({}));
    two["choices"].as_array_mut().unwrap().push(json!({"index": 1}));
    none(&two);
    let mut without = chat(said("a"), json!({}));
    without["usage"] = Value::Null;
    assert!(stream_of(&without, Shape::Stream).is_some());
    assert_eq!(stream_of(&without, Shape::StreamWithUsage), None);
    let stream = stream_of(&chat(said("a"), json!({})), Shape::Stream).unwrap();
    assert_eq!(told_as_body(stream.as_bytes()), None, "no usage");
    for delta in [r#"{"tool_calls":[{"index":0}]}"#, r#"{"new":"x"}"#] {
        let stream = format!(
            "data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"delta\":{delta}}}],\"usage\":{{}}}}\n\n"
        );
        assert_eq!(told_as_body(stream.as_bytes()), None, "{delta}");
    }
    assert_eq!((told_as_body(b"data: x\n\n"), told_as_stream(b"x", Shape::Stream)), (None, None));
}

#[test]
fn what_comes_after_the_end_is_not_told_and_an_answer_that_speaks_twice_has_no_other_shape() {
    let stream = stream_of(&chat(said("a"), json!({})), Shape::StreamWithUsage).unwrap();
    let more = stream
        .replace("data: [DONE]", "data: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}");
    assert_eq!(told_as_body(more.as_bytes()), told_as_body(stream.as_bytes()));
    for twice in [json!({"delta": said("b")}), json!({"text": "b"})] {
        assert_eq!(stream_of(&chat(said("a"), twice), Shape::Stream), None);
    }
    for twice in [r#""message":{"content":"b"}"#, r#""text":"b""#] {
        let stream =
            stream.replace(r#""finish_reason":"stop""#, &format!(r#"{twice},"finish_reason":"stop""#));
        assert_eq!(told_as_body(stream.as_bytes()), None, "{stream}");
    }
}

#[test]
fn only_what_asks_for_a_shape_is_left_out_of_a_question() {
    let check = |body: &'static str, expected: &str| {
        let body = Bytes::from_static(body.as_bytes());
        let fields = Fields::read(&body).unwrap();
        assert_eq!(String::from_utf8_lossy(&without_shape(&body, &fields)), expected);
    };
    check(r#"{"a":1}"#, r#"{"a":1}"#);
    check(r#"{"stream":true,"a":1}"#, r#"{"a":1}"#);
    check(r#"{"a":1,"stream":false}"#, r#"{"a":1}"#);
    check(r#"{"a":1,"stream":null,"b":2}"#, r#"{"a":1,"b":2}"#);
    check(r#"{"stream":true,"stream_options":{"include_usage":true},"a":1}"#, r#"{"a":1}"#);
    check(r#"{"stream":true,"stream_options":null}"#, "{}");
    for kept in [
        r#"{"stream":"yes"}"#,
        r#"{"stream":true,"stream_options":{"include_usage":true,"new":1}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":1}}"#,
        r#"{"stream":true,"stream_options":[]}"#,
        r#"{"stream_options":{"include_usage":true}}"#,
        r#"{"stream":false,"stream_options":{}}"#,
    ] {
        check(kept, kept);
    }
}
