//! Answers of items, whole and in parts, and every way they end.

use serde_json::{Value, json};

use crate::domain::{Clocks, Outcome};
use crate::wire::{Answer, End, Form, ResponseObserver};

/// An event as servers write it: its type stands in its name and in its data.
fn event(kind: &str, fields: Value) -> String {
    let mut data = json!({"type": kind, "sequence_number": 7});
    data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("event: {kind}\ndata: {data}\n\n")
}

fn delta(kind: &str, text: &str) -> String {
    event(kind, json!({"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": text}))
}

fn said(text: &str) -> String {
    delta("response.output_text.delta", text)
}

fn message(text: &str) -> Value {
    let part = json!({"type": "output_text", "text": text, "annotations": []});
    json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]})
}

fn call(arguments: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "find", "arguments": arguments})
}

fn response(status: &str, output: Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": null,
        "incomplete_details": null, "instructions": "Be brief.", "output": output,
        "tools": [{"type": "function", "name": "find", "parameters": {"type": "object"}}],
        "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 12}})
}

fn last(kind: &str, response: Value) -> String {
    event(kind, json!({"response": response}))
}

fn completed(output: Value) -> String {
    last("response.completed", response("completed", output))
}

/// The n-th event arrives at n + 2 ms.
fn observe(events: &[String], end: End) -> Answer {
    let mut observer = ResponseObserver::new(0.0).in_form(Form::Items);
    observer.headers(200, Some("text/event-stream; charset=utf-8"), 1.0);
    for (number, event) in (2_u32..).zip(events) {
        observer.push(event.as_bytes(), f64::from(number));
    }
    observer.finish(end, 1000.0)
}

fn check(events: &[String], end: End, expected: &str) -> Answer {
    let answer = observe(events, end);
    assert_eq!(answer.outcome.to_string(), expected, "{events:#?}, {end:?}");
    answer
}

fn body(status: u16, body: &str, end: End, expected: &str) -> Answer {
    let mut observer = ResponseObserver::new(0.0).in_form(Form::Items);
    observer.headers(status, Some("application/json"), 1.0);
    observer.push(body.as_bytes(), 2.0);
    let answer = observer.finish(end, 3.0);
    assert_eq!(answer.outcome.to_string(), expected, "{status} {body}");
    answer
}

fn begun() -> Vec<String> {
    let progress = response("in_progress", json!([]));
    let item = json!({"output_index": 0, "item": {"type": "message", "id": "msg_1", "content": []}});
    vec![
        last("response.created", progress.clone()),
        last("response.in_progress", progress),
        event("response.output_item.added", item),
    ]
}

fn after(events: impl IntoIterator<Item = String>) -> Vec<String> {
    begun().into_iter().chain(events).collect()
}

#[test]
fn a_stream_is_complete_with_its_last_event_and_needs_no_done() {
    let events = after([said("hel"), said("lo"), completed(json!([message("hello")]))]);
    for end in [End::Clean, End::Broken, End::Stalled, End::ClientGone] {
        let answer = check(&events, end, "complete(stop)");
        assert_eq!((answer.text.as_str(), answer.tool_calls.as_deref()), ("hello", None));
        let usage = answer.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens), (9, 3, Some(4)));
    }
    let with_done = [events, vec!["data: [DONE]\n\n".to_owned()]].concat();
    check(&with_done, End::Clean, "complete(stop)");
}

#[test]
fn a_recorded_stream_reads_as_it_was_however_it_is_cut() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sse/llama-server-responses.sse");
    let recorded = std::fs::read_to_string(path).unwrap();
    for size in [recorded.len(), 1, 7, 100] {
        let mut observer = ResponseObserver::new(0.0).in_form(Form::Items);
        observer.headers(200, Some("text/event-stream"), 1.0);
        recorded.as_bytes().chunks(size).for_each(|piece| observer.push(piece, 2.0));
        assert!(observer.is_terminated());
        let answer = observer.finish(End::Clean, 3.0);
        assert_eq!(
            answer.outcome.to_string(),
            "complete(stop)",
            "it does not tell that the limit was reached"
        );
        assert_eq!((answer.text.as_str(), answer.token_chunks), (";eeeee", 6));
        let usage = answer.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens), (49, 6, Some(0)));
    }
    let before_the_last = &recorded[..recorded.rfind("event:").unwrap()];
    let answer = check(&[before_the_last.to_owned()], End::Clean, "truncated(no finish)");
    assert_eq!(answer.text, ";eeeee");
}

#[test]
fn a_stream_without_its_last_event_broke() {
    let events = after([said("hel")]);
    let answer = check(&events, End::Clean, "truncated(no finish)");
    assert_eq!((answer.text.as_str(), answer.usage), ("hel", None));
    check(&events, End::Broken, "truncated(no finish)");
    check(&events, End::Stalled, "stalled");
    check(&events, End::ClientGone, "client_gone");
    let done = [events, vec!["data: [DONE]\n\n".to_owned()]].concat();
    check(&done, End::Clean, "truncated(no finish)");
    check(&after([said("a"), "data: {\"type\":\n\n".to_owned()]), End::Clean, "truncated(no finish)");
}

#[test]
fn the_status_decides_and_only_without_one_the_name() {
    let because = |reason: Value| {
        let mut incomplete = response("incomplete", json!([message("a")]));
        incomplete["incomplete_details"] = reason;
        vec![last("response.incomplete", incomplete)]
    };
    check(&because(json!({"reason": "max_output_tokens"})), End::Clean, "complete(length)");
    check(&because(json!({"reason": "content_filter"})), End::Clean, "complete(stop)");
    check(&because(Value::Null), End::Clean, "complete(length)");
    // vLLM names every last event alike.
    let vllm = |status: &str| vec![last("response.completed", response(status, json!([])))];
    check(&vllm("incomplete"), End::Clean, "complete(length)");
    check(&vllm("cancelled"), End::Clean, "aborted");
    check(&vllm("failed"), End::Clean, "errored(500)");
    check(&vllm("in_progress"), End::Clean, "complete(stop)");
    check(&[event("response.completed", json!({}))], End::Clean, "complete(stop)");
    check(&[event("response.cancelled", json!({}))], End::Clean, "aborted");
    let failed = json!({"status": "failed", "error": {"code": "server_error", "message": "gone"}});
    let answer = check(&[last("response.failed", failed)], End::Clean, "errored(500)");
    assert_eq!(answer.error.as_deref(), Some("gone"));
}

#[test]
fn an_error_event_is_an_error_whatever_follows() {
    let bare = event("error", json!({"code": "429", "message": "slow down", "param": null}));
    let answer = check(&after([said("a"), bare]), End::Clean, "errored(429)");
    assert_eq!(answer.error.as_deref(), Some("slow down"));
    let named = "event: error\ndata: {\"code\":503,\"message\":\"gone\"}\n\n".to_owned();
    check(&after([named]), End::Broken, "errored(503)");
    let object = "data: {\"error\":{\"message\":\"gone\",\"code\":500}}\n\n".to_owned();
    check(&after([object.clone()]), End::Clean, "errored(500)");
    check(&after([object, completed(json!([message("a")]))]), End::Clean, "errored(500)");
}

#[test]
fn text_refusal_reasoning_and_calls_are_tokens_and_an_empty_part_is_none() {
    let added = |item: Value| event("response.output_item.added", json!({"output_index": 0, "item": item}));
    for (sent, is_token) in [
        (said("a"), true),
        (delta("response.refusal.delta", "No."), true),
        (delta("response.reasoning_text.delta", "hm"), true),
        (delta("response.reasoning_summary_text.delta", "hm"), true),
        (delta("response.function_call_arguments.delta", "{"), true),
        (delta("response.custom_tool_call_input.delta", "x"), true),
        (added(call("")), true),
        (added(message("")), false),
        (said(""), false),
        (event("response.output_text.done", json!({"text": "a"})), false),
        (event("response.of.another.day", json!({"delta": {"a": 1}})), false),
    ] {
        let answer = observe(&after([sent.clone()]), End::Clean);
        assert_eq!(answer.clocks.first_token_ms, is_token.then_some(5.0), "{sent}");
        assert_eq!(answer.token_chunks, u32::from(is_token), "{sent}");
    }
}

#[test]
fn clocks_tell_the_first_event_and_the_first_and_last_token() {
    let events = after([
        delta("response.reasoning_text.delta", "hm"),
        said("a"),
        said("b"),
        event("response.output_text.done", json!({"text": "ab"})),
        completed(json!([message("ab")])),
    ]);
    let Clocks { headers_ms, first_event_ms, first_token_ms, last_token_ms, end_ms, .. } =
        observe(&events, End::Clean).clocks;
    assert_eq!((headers_ms, first_event_ms), (Some(1.0), Some(2.0)));
    assert_eq!((first_token_ms, last_token_ms, end_ms), (Some(5.0), Some(7.0), 1000.0));
}

#[test]
fn a_call_of_a_function_is_told_without_its_ids() {
    let done = event("response.output_item.done", json!({"item": call("{\"b\": 1, \"a\": 2}")}));
    let expected = r#"[{"arguments":{"a":2,"b":1},"name":"find"}]"#;
    let told = check(&[done.clone(), completed(json!([]))], End::Clean, "complete(tool_calls)");
    assert_eq!(told.tool_calls.as_deref(), Some(expected));
    // Told in parts and once more as a whole it is still one call.
    let twice = [done, completed(json!([call("{\"a\": 2, \"b\": 1}")]))];
    let whole = check(&twice, End::Clean, "complete(tool_calls)");
    assert_eq!((whole.tool_calls.as_deref(), whole.text.as_str()), (Some(expected), ""));
    let custom = json!({"type": "custom_tool_call", "name": "run", "input": "ls"});
    let custom = check(&[completed(json!([custom]))], End::Clean, "complete(tool_calls)");
    assert_eq!(custom.tool_calls.as_deref(), Some(r#"[{"arguments":"ls","name":"run"}]"#));
}

#[test]
fn an_answer_reads_alike_in_parts_and_in_one_body() {
    let refusal = json!({"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]});
    let reasoning = json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]});
    for (part, output) in [
        (said("hello"), json!([reasoning, message("hello")])),
        (delta("response.refusal.delta", "I cannot."), json!([refusal])),
        (said("first, second"), json!([message("first, "), message("second")])),
        (said("one moment"), json!([message("one moment"), call("{}")])),
    ] {
        let streamed = observe(&after([part, completed(output.clone())]), End::Clean);
        let whole = response("completed", output).to_string();
        let whole = body(200, &whole, End::Clean, &streamed.outcome.to_string());
        assert_eq!(
            (&whole.text, &whole.tool_calls, whole.usage),
            (&streamed.text, &streamed.tool_calls, streamed.usage)
        );
        assert_eq!(whole.clocks.first_token_ms, None);
    }
}

#[test]
fn a_body_tells_its_end_in_its_status() {
    let with = |status: &str| response(status, json!([message("a")])).to_string();
    body(200, &with("completed"), End::Clean, "complete(stop)");
    body(200, &with("incomplete"), End::Clean, "complete(length)");
    body(200, &with("cancelled"), End::Clean, "aborted");
    body(200, &with("failed"), End::Clean, "errored(500)");
    body(200, &with("queued"), End::Clean, "truncated(no finish)");
    body(200, &with("completed"), End::Broken, "truncated(no terminator)");
    body(200, &with("completed")[..80], End::Broken, "truncated(no finish)");
    body(200, &with("completed"), End::ClientGone, "client_gone");
    body(429, &with("completed"), End::Clean, "errored(429)");
    let error = r#"{"error":{"message":"no such response","type":"invalid_request_error","code":404}}"#;
    assert_eq!(body(404, error, End::Clean, "errored(404)").error.as_deref(), Some("no such response"));
    body(200, error, End::Clean, "errored(404)");
    body(200, r#"{"object":"error","message":"m","code":400}"#, End::Clean, "errored(400)");
}

#[test]
fn what_is_no_answer_of_items_is_a_bad_gateway() {
    let chat =
        r#"{"object":"chat.completion","choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
    for other in ["", "null", "[]", "{}", "<html>", chat] {
        body(200, other, End::Clean, "errored(502)");
    }
    let mut observer = ResponseObserver::new(0.0).in_form(Form::Choices);
    observer.headers(200, None, 1.0);
    observer.push(response("completed", json!([message("a")])).to_string().as_bytes(), 2.0);
    assert_eq!(observer.finish(End::Clean, 3.0).outcome, Outcome::Errored(502));
}

#[test]
fn a_field_of_another_shape_is_none() {
    let odd = response("completed", json!([message("hello"), 7, {"type": "message", "content": "x"}]));
    let answer = body(200, &odd.to_string(), End::Clean, "complete(stop)");
    assert_eq!(answer.text, "hello");
    let mut odd = odd;
    odd["usage"]["output_tokens"] = Value::Null;
    odd["incomplete_details"] = json!("none");
    assert_eq!(body(200, &odd.to_string(), End::Clean, "complete(stop)").usage, None);
}

#[test]
fn texts_and_calls_are_kept_up_to_their_bounds() {
    let long = "x".repeat(Answer::TEXT_BYTES_MAX);
    let output = json!([message(&long), message(&long), call(&long), call(&long)]);
    let whole = response("completed", output).to_string();
    let answer = body(200, &whole, End::Clean, "complete(tool_calls)");
    assert_eq!(answer.text.len(), Answer::TEXT_BYTES_MAX);
    assert!(answer.tool_calls.unwrap().len() <= Answer::TEXT_BYTES_MAX + 1_000);
    let many = json!((0..200).map(|_| call("{}")).collect::<Vec<_>>());
    let whole = response("completed", many).to_string();
    let answer = body(200, &whole, End::Clean, "complete(tool_calls)");
    assert_eq!(answer.tool_calls.unwrap().matches("find").count(), 64);
}
