//! What comes back: the same bytes, the same end, and an observation of it.

use super::rig::*;
use crate::domain::{Arm, Finish, Missing, Outcome};
use crate::evidence::{Copied, Role};
use crate::upstream::Timeouts;
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head, whole};

const SOON: std::time::Duration = std::time::Duration::from_millis(30);

fn stream_with(events: &[&str]) -> Vec<Step> {
    let sends = events.iter().map(|event| Step::Send(chunk(event)));
    std::iter::once(Step::Send(chunked_head("text/event-stream"))).chain(sends).collect()
}

#[tokio::test]
async fn bytes_come_back_as_the_engine_sent_them_and_name_who_answered() {
    let events =
        [": ping\r\n\r\n", "data: {\"a\": 1.50, \"é\":", "\"x\"}\r\r", "data:[DONE]\n", "\nleft over"];
    let mut steps = stream_with(&events);
    steps.push(Step::Send(LAST_CHUNK.to_vec()));
    let engine = Engine::always(steps).await;
    let rig = Rig::plain(&engine).await;
    let body = chat(r#", "stream": true, "unknown":  [1.50]"#);
    let answer =
        rig.client().await.ask(CHAT, "x-request-id: mine\r\nauthorization: Bearer k\r\n", &body).await;
    assert_eq!((answer.status, answer.body.as_str(), answer.is_whole), (200, &*events.concat(), true));
    assert_eq!(answer.header("x-goldgate-request-id"), Some("mine"));
    assert_eq!(answer.header("x-goldgate-release"), Some("sem:blue"));
    assert_eq!(answer.header("x-goldgate-arm"), Some("baseline"));
    assert_eq!(answer.header("x-goldgate-cache"), Some("bypass"));
    assert!(answer.header("server-timing").unwrap().starts_with("proxy;dur="));
    let seen = &engine.seen()[0];
    assert!(seen.text().starts_with(r#"{"model":"blue-model","messages":[{"role":"user","content":"hi"}], "stream": true, "unknown":  [1.50]"#));
    assert_eq!(seen.header("authorization").as_deref(), Some("Bearer k"));
    assert_eq!(seen.header("x-request-id").as_deref(), Some("mine"));
    assert_eq!(seen.header("accept-encoding"), None);
}

#[tokio::test]
async fn a_stream_is_observed_with_its_usage_and_the_client_does_not_see_that_event() {
    let mut steps = stream_with(&[&token("please"), &finish(), &usage(), &done()]);
    steps.push(Step::Send(LAST_CHUNK.to_vec()));
    let engine = Engine::always(steps).await;
    let mut rig = Rig::plain(&engine).await;
    let asked = [r#","stream":true"#, r#","stream":true,"stream_options":{"include_usage":true}"#];
    let without = [token("please"), finish(), done()].concat();
    let with = [token("please"), finish(), usage(), done()].concat();
    for (fields, expected) in asked.into_iter().zip([without, with]) {
        assert_eq!(rig.ask(&chat(fields)).await.body, expected);
        assert!(engine.seen().last().unwrap().text().contains(r#""stream_options":{"include_usage":true}"#));
        let serving = rig.sample().await.serving;
        assert_eq!(serving.outcome, Outcome::Complete(Finish::Stop));
        assert_eq!((serving.output_tokens, serving.prompt_tokens), (Some(2), Some(3)));
        assert_eq!((serving.arm, serving.role, serving.epoch), (Arm::Baseline, Role::Serving, 7));
        assert_eq!((serving.streamed, serving.in_flight, serving.degenerate), (true, 1, false));
        assert_eq!(serving.scores, [("polite".into(), 1.0)]);
        let clocks = serving.clocks;
        assert!(clocks.sent_ms <= clocks.headers_ms.unwrap());
        assert!(clocks.first_token_ms.unwrap() <= clocks.end_ms);
    }
}

/// Plays `steps` to a streaming and observed request, and compares how the client and the evidence see it.
async fn check(steps: Vec<Step>, timeouts: Timeouts, status: u16, is_whole: bool, outcome: Outcome) {
    let engine = Engine::always(steps.clone()).await;
    let mut rig = Rig::new(&engine, None, |setup| setup.timeouts = timeouts).await;
    let answer = rig.ask(&chat(r#","stream":true"#)).await;
    assert_eq!((answer.status, answer.is_whole), (status, is_whole), "{steps:?}");
    if status >= 500 {
        assert!(answer.body.starts_with(r#"{"error":{"message":"#), "{}", answer.body);
        assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
    }
    if !is_whole {
        assert_eq!(answer.body, token("a"), "what came before the break reaches the client");
    }
    let sample = rig.sample().await;
    assert_eq!((sample.serving.outcome, sample.copied), (outcome, Copied::No), "{steps:?}");
    assert!(sample.serving.outcome.is_complete() || sample.serving.scores.is_empty());
}

async fn broken_body(steps: Vec<Step>) -> String {
    let engine = Engine::always(steps).await;
    let answer = Rig::plain(&engine).await.ask(&chat(r#","stream":true"#)).await;
    assert!(!answer.is_whole);
    answer.body
}

#[tokio::test]
async fn an_answer_that_breaks_ends_in_an_error_and_never_clean() {
    let begun = || stream_with(&[&token("a")]);
    let then = |step: Step| begun().into_iter().chain([step]).collect::<Vec<_>>();
    let no_finish = Outcome::Truncated(Missing::Finish);
    let idle = Timeouts { idle: SOON, ..PATIENT };
    let first = Timeouts { first_byte: SOON, ..PATIENT };
    check(then(Step::Close), PATIENT, 200, false, no_finish).await;
    check(then(Step::Reset), PATIENT, 200, false, no_finish).await;
    check(then(Step::Send(b"zz\r\n".to_vec())), PATIENT, 200, false, no_finish).await;
    check(then(Step::Hang), idle, 200, false, Outcome::Stalled).await;
    let torn = [begun(), vec![Step::Send(chunk("data: torn")), Step::Close]].concat();
    assert_eq!(broken_body(torn).await, format!("{}data: torn", token("a")));
    check(vec![Step::Hang], first, 504, true, Outcome::Stalled).await;
    check(vec![Step::Close], PATIENT, 502, true, Outcome::Errored(502)).await;
    check(stream_of("a"), PATIENT, 200, true, Outcome::Complete(Finish::Stop)).await;
}

#[tokio::test]
async fn a_clean_end_without_done_is_relayed_as_it_is_and_observed_as_truncated() {
    let mut steps = stream_with(&[&token("a"), &finish()]);
    steps.push(Step::Send(LAST_CHUNK.to_vec()));
    check(steps, PATIENT, 200, true, Outcome::Truncated(Missing::Terminator)).await;
}

#[tokio::test]
async fn an_engines_own_error_is_relayed_with_its_status() {
    let body = r#"{"error":{"message":"too long","code":400}}"#;
    let engine = Engine::always(vec![Step::Send(whole("400 Bad Request", "application/json", body))]).await;
    let mut rig = Rig::plain(&engine).await;
    let answer = rig.ask(&chat("")).await;
    assert_eq!((answer.status, answer.body.as_str()), (400, body));
    assert_eq!(rig.sample().await.serving.outcome, Outcome::Errored(400));
}

#[tokio::test]
async fn an_http_1_0_client_is_reset_when_its_answer_breaks() {
    let mut steps = stream_with(&[&token("a")]);
    steps.push(Step::Gate);
    steps.push(Step::Close);
    let engine = Engine::always(steps).await;
    let rig = Rig::plain(&engine).await;
    let mut client = rig.client().await;
    let body = chat(r#","stream":true"#);
    let head = format!("POST {CHAT} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    client.send(head.as_bytes()).await;
    client.sees("content").await;
    engine.open(1);
    let mut rest = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut rest).await;
    assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn other_routes_are_relayed_and_are_no_evidence() {
    let engine = Engine::always(vec![Step::Send(whole("200 OK", "application/json", "[1]"))]).await;
    let mut rig =
        Rig::new(&engine, None, |setup| setup.options.pass_through = vec!["/tokenize".to_owned()]).await;
    let mut client = rig.client().await;
    let embeddings = client.ask("/v1/embeddings", "", r#"{"model":"x","input":"y"}"#).await;
    let tokenize = client.ask("/tokenize?x=1", "", "raw").await;
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n").await;
    let models = client.answer().await;
    for answer in [embeddings, tokenize, models] {
        assert_eq!((answer.status, answer.body.as_str()), (200, "[1]"));
    }
    assert!(engine.seen()[1].head.starts_with("POST /tokenize?x=1 HTTP/1.1"));
    rig.proxy.drain().await;
    assert!(rig.samples.recv().await.is_none());
}
