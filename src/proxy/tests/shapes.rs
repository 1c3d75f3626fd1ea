//! A stored answer in the shape that its next reader wants.

use serde_json::{Value, json};

use super::rig::*;
use crate::proxy::UsageChunks;
use crate::upstream::testing::{Engine, LAST_CHUNK, Seen, Step, chunk, chunked_head, whole};

const STREAM: &str = r#","stream":true"#;
const WITH_USAGE: &str = r#","stream":true,"stream_options":{"include_usage":true}"#;
const SAID: &str = "One, two: three.";

/// Answers in whichever shape is asked for, with everything that engines send.
fn engine_answer(seen: &Seen) -> Vec<Step> {
    let is_chat = seen.head.contains("/chat/");
    let (object, id) =
        if is_chat { ("chat.completion", "chatcmpl-1") } else { ("text_completion", "cmpl-1") };
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    if !seen.text().contains("\"stream\":true") {
        let said = if is_chat {
            json!({"message": {"role": "assistant", "content": SAID}})
        } else {
            json!({"text": SAID})
        };
        let mut choice = json!({"index": 0, "logprobs": null, "finish_reason": "stop"});
        choice.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        let body = json!({"id": id, "object": object, "created": 7, "model": "m", "choices": [choice], "usage": usage});
        return vec![Step::Send(whole("200 OK", "application/json", &body.to_string()))];
    }
    let object = if is_chat { "chat.completion.chunk" } else { object };
    let event = |choices: Value, usage: Value| {
        let chunk = json!({"id": id, "object": object, "created": 7, "model": "m", "choices": choices, "usage": usage});
        Step::Send(chunk_of(&chunk))
    };
    let part = |text: &str| {
        if is_chat {
            json!({"index": 0, "delta": {"content": text}})
        } else {
            json!({"index": 0, "text": text})
        }
    };
    let mut last = part("");
    last["finish_reason"] = "stop".into();
    let mut steps = vec![Step::Send(chunked_head("text/event-stream"))];
    for text in ["One, ", "two: ", "three."] {
        steps.push(event(json!([part(text)]), Value::Null));
    }
    steps.push(event(json!([last]), Value::Null));
    if seen.text().contains("include_usage\":true") {
        steps.push(event(json!([]), usage));
    }
    steps.extend([Step::Send(chunk(&done())), Step::Send(LAST_CHUNK.to_vec())]);
    steps
}

fn chunk_of(event: &Value) -> Vec<u8> {
    chunk(&format!("data: {event}\n\n"))
}

fn asks(route: &str, fields: &str) -> String {
    if route == CHAT { chat(fields) } else { format!(r#"{{"model":"chat","prompt":"hi"{fields}}}"#) }
}

/// What a client reads: text, finish, whether the usage was told.
fn read(answer: &Answer) -> (String, String, bool) {
    let events: Vec<Value> = match answer.header("content-type").unwrap() {
        "application/json" => vec![serde_json::from_str(&answer.body).unwrap()],
        _ => {
            assert!(answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
            let data = answer.body.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
            data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
        }
    };
    let places = ["/choices/0/message/content", "/choices/0/delta/content", "/choices/0/text"];
    let text =
        events.iter().flat_map(|event| places.iter().filter_map(|place| event.pointer(place)?.as_str()));
    let finish = events.iter().find_map(|event| event.pointer("/choices/0/finish_reason")?.as_str()).unwrap();
    let usage = events.iter().any(|event| event["usage"]["total_tokens"] == 5);
    (text.collect(), finish.to_owned(), usage)
}

#[tokio::test]
async fn a_hit_is_told_in_the_shape_that_its_reader_asks_for() {
    for route in [CHAT, "/v1/completions"] {
        for first in ["", STREAM, WITH_USAGE] {
            let engine = Engine::start(engine_answer).await;
            let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
            let ask = async |fields: &str| rig.client().await.ask(route, "", &asks(route, fields)).await;
            let first_answer = ask(first).await;
            for (fields, content_type, usage) in [
                ("", "application/json", true),
                (STREAM, "text/event-stream", false),
                (WITH_USAGE, "text/event-stream", true),
            ] {
                let hit = ask(fields).await;
                assert_eq!(hit.header("x-goldgate-cache"), Some("hit"), "{route}: {first} then {fields}");
                assert!(hit.header("content-type").unwrap().starts_with(content_type), "{}", hit.head);
                assert_eq!(
                    read(&hit),
                    (SAID.to_owned(), "stop".to_owned(), usage),
                    "{route}: {first} then {fields}"
                );
                if fields == first {
                    assert_eq!(hit.body, first_answer.body, "the same shape is the same bytes");
                }
                for name in ["x-goldgate-cache-age", "x-goldgate-cache-entry", "x-goldgate-arm"] {
                    assert!(hit.header(name).is_some(), "{name}");
                }
            }
            assert_eq!(engine.seen().len(), 1, "{route}: {first}");
        }
    }
}

#[tokio::test]
async fn json_is_never_handed_to_a_streaming_client() {
    let engine = Engine::start(engine_answer).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    rig.ask(&chat("")).await;
    let hit = rig.ask(&chat(STREAM)).await;
    assert!(hit.body.starts_with("data: {") && hit.body.contains(r#""role":"assistant""#), "{}", hit.body);
    assert!(hit.body.matches("data: ").count() > 4, "small chunks: {}", hit.body);
}

#[tokio::test]
async fn an_answer_without_the_other_shape_is_asked_for_anew_and_counted_as_a_miss() {
    let engine = Engine::start(engine_answer).await;
    let rig = Rig::new(&engine, None, |setup| {
        (setup.cache, setup.options.usage) = (true, UsageChunks::AsClient);
    })
    .await;
    for (fields, word) in [(STREAM, "miss"), (STREAM, "hit"), ("", "miss"), (STREAM, "hit"), ("", "hit")] {
        assert_eq!(rig.ask(&chat(fields)).await.header("x-goldgate-cache"), Some(word), "{fields}");
    }
    let stats = rig.cache.as_ref().unwrap().stats().into_values().next().unwrap();
    assert_eq!((stats.hits, stats.misses, stats.entries), (3, 2, 1));
}

#[tokio::test]
async fn what_else_is_asked_of_a_stream_is_another_question() {
    let engine = Engine::start(engine_answer).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    rig.ask(&chat(STREAM)).await;
    for fields in [
        r#","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}"#,
        r#","stream":true,"stream_options":{"include_obfuscation":false}"#,
        r#","stream":true,"streams":1"#,
    ] {
        assert_eq!(rig.ask(&chat(fields)).await.header("x-goldgate-cache"), Some("miss"), "{fields}");
    }
}
