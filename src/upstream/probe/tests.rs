//! Probes against scripted engines.

use std::sync::Arc;

use super::*;
use crate::telemetry::SystemClock;
use crate::upstream::testing::{Engine, Seen, Step, whole};
use crate::upstream::{PoolOptions, Timeouts};

const LIST: &str = r#"{"object":"list","data":[{"id":"m1"},{"id":"m2"}]}"#;
const TOKEN: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"length\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn stream_of(events: &[&str]) -> Vec<u8> {
    whole("200 OK", "text/event-stream", &events.concat())
}

async fn check(script: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static, level: Ready, expected: &str) {
    let engine = Engine::start(move |seen| vec![Step::Send(script(seen))]).await;
    let options = PoolOptions { endpoints: vec![engine.endpoint()], timeouts: Timeouts::default() };
    let pool = Pool::new(options, Arc::new(SystemClock::start())).unwrap();
    match ready(&pool, level, Some("m2")).await {
        Ok(()) => assert_eq!(expected, "ready"),
        Err(error) => assert!(error.to_string().contains(expected), "{error}"),
    }
}

fn json(body: &str) -> Vec<u8> {
    whole("200 OK", "application/json", body)
}

/// An engine that lists its models and answers `stream` to everything else.
fn lists_and(stream: &'static [&'static str]) -> impl Fn(&Seen) -> Vec<u8> {
    move |seen| if seen.head.starts_with("GET /v1/models") { json(LIST) } else { stream_of(stream) }
}

#[tokio::test]
async fn an_engine_is_ready_when_a_real_token_came() {
    check(|_| json("nothing"), Ready::None, "ready").await;
    check(lists_and(&[]), Ready::Http, "ready").await;
    check(lists_and(&[TOKEN, DONE]), Ready::Stream, "ready").await;
    check(lists_and(&[TOKEN]), Ready::Stream, "truncated(no terminator)").await;
    check(lists_and(&[DONE]), Ready::Stream, "brought no answer").await;
    check(|_| json(LIST), Ready::Stream, "brought no answer").await;
}

#[tokio::test]
async fn what_is_no_engine_says_what_it_is() {
    let page = |_: &Seen| whole("200 OK", "text/html", "<html>welcome</html>");
    check(page, Ready::Http, "did not answer with a list of models but with \"<html>welcome</html>\"").await;
    check(|_| whole("503 Busy", "text/plain", "loading"), Ready::Http, "/v1/models answered 503").await;
    check(|_| json(r#"{"data":[{"id":"other"}]}"#), Ready::Http, "does not serve \"m2\", only other").await;
    check(|_| json(r#"{"data":[]}"#), Ready::Http, "only nothing").await;
}

#[tokio::test]
async fn a_base_model_without_a_chat_template_is_asked_for_a_completion() {
    let base = |seen: &Seen| match seen.head.split(' ').nth(1) {
        Some("/v1/models") => json(LIST),
        Some("/v1/completions") => stream_of(&[
            "data: {\"choices\":[{\"index\":0,\"text\":\"x\",\"finish_reason\":\"stop\"}]}\n\n",
            DONE,
        ]),
        _ => whole("400 Bad Request", "application/json", "{}"),
    };
    check(base, Ready::Stream, "ready").await;
}

#[tokio::test]
async fn every_endpoint_is_asked_and_warmed_and_the_unreachable_one_is_named() {
    let engines = [(); 2].map(|()| Engine::start(|seen| vec![Step::Send(lists_and(&[TOKEN, DONE])(seen))]));
    let [one, other] = engines;
    let (one, other) = (one.await, other.await);
    let endpoints = vec![one.endpoint(), other.endpoint()];
    let options = PoolOptions { endpoints, timeouts: Timeouts::default() };
    let pool = Pool::new(options, Arc::new(SystemClock::start())).unwrap();
    assert_eq!(models(&pool).await.unwrap(), ["m1", "m2"]);
    warm(&pool, "m1", 1).await.unwrap();
    assert_eq!((one.seen().len(), other.seen().len()), (5, 5));
    let name = other.endpoint().authority().to_owned();
    drop(other);
    assert_eq!(ready(&pool, Ready::Http, None).await.unwrap_err().endpoint, name);
}
