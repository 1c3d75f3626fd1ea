//! The Responses route: evidence as chat is, apart from what an engine is to remember or to run.

use serde_json::{Value, json};

use super::copies::adds_up;
use super::rig::*;
use crate::domain::{Arm, Finish, Missing, Outcome};
use crate::evidence::{Copied, Role, Said, Sample};
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head, whole};

const RESPONSES: &str = "/v1/responses";

fn asks(fields: &str) -> String {
    format!(r#"{{"model":"chat","input":"hi"{fields}}}"#)
}

fn event(kind: &str, fields: &Value) -> String {
    let mut data = json!({"type": kind});
    data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("event: {kind}\ndata: {data}\n\n")
}

fn response(status: &str, output: Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": status, "output": output,
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}})
}

fn message(text: &str) -> Value {
    json!([{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}])
}

/// The events of a streamed answer.
fn told(text: &str) -> Vec<String> {
    vec![
        event("response.created", &json!({"response": response("in_progress", json!([]))})),
        event("response.output_text.delta", &json!({"delta": text})),
        event("response.completed", &json!({"response": response("completed", message(text))})),
    ]
}

fn stream(events: &[String], then: Step) -> Vec<Step> {
    let sends = events.iter().map(|event| Step::Send(chunk(event)));
    std::iter::once(Step::Send(chunked_head("text/event-stream"))).chain(sends).chain([then]).collect()
}

fn end() -> Step {
    Step::Send(LAST_CHUNK.to_vec())
}

fn body(answer: &Value) -> Vec<Step> {
    vec![Step::Send(whole("200 OK", "application/json", &answer.to_string()))]
}

/// What a client got of `steps`, and what the evidence is told.
async fn observed(steps: Vec<Step>, fields: &str) -> (Answer, Sample) {
    let engine = Engine::always(steps).await;
    let mut rig = Rig::plain(&engine).await;
    let answer = rig.client().await.ask(RESPONSES, "", &asks(fields)).await;
    let seen = engine.seen()[0].text();
    assert!(seen.starts_with(r#"{"model":"blue-model","input":"hi""#), "{seen}");
    assert!(!seen.contains("include_usage") && !seen.contains("store"), "{seen}");
    (answer, rig.sample().await)
}

#[tokio::test]
async fn a_streamed_response_is_relayed_byte_for_byte_and_is_evidence() {
    let events = told("please");
    let (answer, sample) = observed(stream(&events, end()), r#","stream":true"#).await;
    assert_eq!((answer.status, answer.is_whole, answer.body), (200, true, events.concat()));
    let serving = sample.serving;
    assert_eq!(serving.outcome, Outcome::Complete(Finish::Stop));
    assert_eq!((serving.output_tokens, serving.prompt_tokens), (Some(2), Some(3)));
    assert_eq!((serving.arm, serving.role, serving.streamed), (Arm::Baseline, Role::Serving, true));
    assert_eq!(serving.scores, [("polite".into(), 1.0)]);
    let clocks = serving.clocks;
    assert!(clocks.first_event_ms.unwrap() <= clocks.first_token_ms.unwrap());
    assert!(clocks.first_token_ms.unwrap() <= clocks.end_ms);
}

#[tokio::test]
async fn a_response_in_one_body_is_evidence() {
    let (answer, sample) = observed(body(&response("completed", message("please"))), "").await;
    assert_eq!(answer.status, 200);
    let serving = sample.serving;
    assert_eq!((serving.outcome, serving.output_tokens), (Outcome::Complete(Finish::Stop), Some(2)));
    assert_eq!((serving.scores[0].1, serving.clocks.first_token_ms), (1.0, None));
}

#[tokio::test]
async fn a_response_that_broke_or_failed_is_seen_as_such() {
    let check = async |steps: Vec<Step>, is_whole: bool, outcome: Outcome| {
        let (answer, sample) = observed(steps.clone(), r#","stream":true"#).await;
        assert_eq!((answer.is_whole, sample.serving.outcome), (is_whole, outcome), "{steps:?}");
    };
    let begun = &told("a")[..2];
    let no_finish = Outcome::Truncated(Missing::Finish);
    check(stream(begun, end()), true, no_finish).await;
    check(stream(begun, Step::Close), false, no_finish).await;
    check(stream(begun, Step::Reset), false, no_finish).await;
    let last = |kind: &str, whole: Value| {
        let last = event(kind, &json!({"response": whole}));
        stream(&[begun, &[last]].concat(), end())
    };
    let failed = json!({"status": "failed", "error": {"code": "server_error", "message": "gone"}});
    check(last("response.failed", failed), true, Outcome::Errored(500)).await;
    let incomplete = response("incomplete", message("a"));
    check(last("response.incomplete", incomplete), true, Outcome::Complete(Finish::Length)).await;
    let call = json!([{"type": "function_call", "name": "find", "arguments": "{}"}]);
    let called = last("response.completed", response("completed", call));
    check(called, true, Outcome::Complete(Finish::ToolCalls)).await;
    let chat = stream(&[token("a"), finish(), done()], end());
    check(chat, true, no_finish).await;
}

/// A proxy that copies everything to the candidate and back to the baseline.
async fn mirrored(blue: &Engine, green: &Engine) -> Rig {
    Rig::new(blue, Some(green), |setup| setup.table = all_mirrored()).await
}

#[tokio::test]
async fn responses_are_paired_with_copies_that_no_engine_keeps() {
    for (fields, answer) in [
        (r#","stream":true"#, (|text| stream(&told(text), end())) as fn(&str) -> Vec<Step>),
        (r#","store":true"#, (|text| body(&response("completed", message(text)))) as fn(&str) -> Vec<Step>),
    ] {
        let (blue, green) = (Engine::always(answer("please b")).await, Engine::always(answer("g")).await);
        let mut rig = mirrored(&blue, &green).await;
        let answer = rig.client().await.ask(RESPONSES, "", &asks(fields)).await;
        assert_eq!(answer.status, 200);
        let Sample { serving, copied } = rig.sample().await;
        let copies = copied.sent().unwrap();
        let (candidate, null) = (copies.candidate.as_ref().unwrap(), copies.null.as_ref().unwrap());
        for copy in [candidate, null] {
            assert_eq!((copy.outcome, copy.prompt), (Outcome::Complete(Finish::Stop), serving.prompt));
            assert_eq!(copy.output_tokens, Some(2));
        }
        assert!(serving.prompt.is_some() && matches!(serving.answer, Said::Digest(_)));
        assert_eq!(null.answer, serving.answer);
        assert_ne!(candidate.answer, serving.answer);
        assert_eq!((candidate.scores[0].1, null.scores[0].1), (0.0, 1.0));
        let copied = green.seen()[0].text();
        assert!(copied.contains("green-model") && copied.contains(r#""store":false"#), "{copied}");
        let is_unkept = |text: &str| text.contains(r#""store":false"#);
        assert_eq!(blue.seen().iter().filter(|seen| is_unkept(&seen.text())).count(), 1, "the null copy");
        rig.proxy.drain().await;
        adds_up(&rig.counters.snapshot().mirror);
    }
}

#[tokio::test]
async fn what_only_one_engine_remembers_is_relayed_and_no_evidence() {
    let answer = body(&response("completed", message("a")));
    let (blue, green) = (Engine::always(answer.clone()).await, Engine::always(answer).await);
    let mut rig = mirrored(&blue, &green).await;
    for fields in
        [r#","previous_response_id":"resp_0""#, r#","conversation":"conv_1""#, r#","background":true"#]
    {
        assert_eq!(rig.client().await.ask(RESPONSES, "", &asks(fields)).await.status, 200);
        assert!(blue.seen().last().unwrap().text().contains(fields), "as it was asked");
    }
    let mut client = rig.client().await;
    client.send(b"GET /v1/responses/resp_1 HTTP/1.1\r\nhost: g\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    assert!(blue.seen().last().unwrap().head.starts_with("GET /v1/responses/resp_1 HTTP/1.1"));
    rig.proxy.drain().await;
    assert!(rig.samples.recv().await.is_none());
    assert_eq!((green.seen().len(), rig.counters.snapshot().mirror.offered), (0, 0));
}

#[tokio::test]
async fn a_request_whose_tools_the_engine_runs_is_served_and_not_copied() {
    let answer = body(&response("completed", message("a")));
    let (blue, green) = (Engine::always(answer.clone()).await, Engine::always(answer).await);
    let mut rig = mirrored(&blue, &green).await;
    for (tools, copies) in [
        (r#"[{"type":"web_search"}]"#, 0),
        (r#"[{"type":"function","name":"f"},{"type":"mcp","server_label":"s"}]"#, 0),
        (r#""none""#, 0),
        (r#"[{"type":"function","name":"f"},{"type":"custom","name":"c"}]"#, 1),
        ("null", 2),
    ] {
        let fields = format!(r#","tools":{tools}"#);
        assert_eq!(rig.client().await.ask(RESPONSES, "", &asks(&fields)).await.status, 200);
        let sample = rig.sample().await;
        assert_eq!(sample.serving.outcome, Outcome::Complete(Finish::Stop), "{tools}");
        assert_eq!(green.seen().len(), copies, "{tools}");
        assert_eq!(sample.copied == Copied::No, copies == 0, "{tools}");
    }
}

#[tokio::test]
async fn a_response_is_not_cached() {
    let engine = Engine::always(body(&response("completed", message("a")))).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    for asked in 1..=2 {
        let answer = rig.client().await.ask(RESPONSES, "", &asks("")).await;
        assert_eq!(answer.header("x-goldgate-cache"), Some("bypass"));
        assert_eq!(engine.seen().len(), asked);
    }
}
