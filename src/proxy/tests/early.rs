//! Answers that come before the request has ended, and requests that come before the answer has.

use super::rig::*;
use crate::upstream::testing::{Engine, Seen, Step, whole};

/// More than the socket buffers between proxy and engine hold.
const LARGE_BYTES: usize = 12 << 20;

fn is_large(seen: &Seen) -> bool {
    seen.header("content-length").unwrap().parse::<usize>().unwrap() > LARGE_BYTES
}

/// An engine that refuses large requests at their head and goes on as told; the others it answers.
async fn hasty(then: Step) -> Engine {
    Engine::hasty(move |seen| {
        let refusal = whole("413 Content Too Large", "application/json", r#"{"error":{"code":413}}"#);
        let small = vec![Step::Send(whole("200 OK", "application/json", "{}")), Step::Close];
        if is_large(seen) { vec![Step::Send(refusal), then.clone()] } else { small }
    })
    .await
}

#[tokio::test]
async fn an_engines_early_answer_is_relayed_and_its_connection_not_used_again() {
    let large = chat(&format!(r#","x":"{}""#, "y".repeat(LARGE_BYTES)));
    for then in [Step::Hang, Step::Deaf, Step::Fin] {
        let engine = hasty(then.clone()).await;
        let mut rig = Rig::plain(&engine).await;
        let mut client = rig.client().await;
        for round in 1..=3 {
            let refused = client.ask(CHAT, "", &large).await;
            assert_eq!((refused.status, refused.is_whole), (413, true), "{then:?}, {round}");
            let answered = client.ask(CHAT, "", &chat("")).await;
            assert_eq!((answered.status, answered.body.as_str()), (200, "{}"), "{then:?}, {round}");
            assert_eq!(engine.connections(), 2 * round, "{then:?}");
            assert_eq!(rig.sample().await.serving.outcome.to_string(), "errored(413)");
            rig.sample().await;
        }
        assert_eq!(rig.counters.snapshot().requests.connections, 1);
        engine.open(3);
    }
}

#[tokio::test]
async fn a_refusal_before_the_body_has_come_never_answers_the_next_request() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::plain(&engine).await;
    let length = 100;
    let head = format!("POST /v1/nothing HTTP/1.1\r\nhost: g\r\ncontent-length: {length}\r\n\r\n");
    // The body of the refused request looks like a request of its own.
    let body = format!("{:length$}", "GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n");
    let mut client = rig.client().await;
    client.send(head.as_bytes()).await;
    assert_eq!(client.answer().await.status, 404);
    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, body.as_bytes()).await;
    assert!(client.closes().await);

    let mut client = rig.client().await;
    client.send((head + &body).as_bytes()).await;
    assert_eq!(client.answer().await.status, 404);
    assert_eq!(client.ask(CHAT, "", &chat("")).await.status, 200);
    assert_eq!(engine.seen().len(), 1);
}

#[tokio::test]
async fn requests_sent_in_one_go_are_answered_in_their_order_and_a_malformed_one_ends_them() {
    let engine =
        Engine::start(|seen| body_of(if seen.text().contains("first") { "one" } else { "two" })).await;
    let rig = Rig::plain(&engine).await;
    let mut client = rig.client().await;
    let request = |body: &str| {
        format!("POST {CHAT} HTTP/1.1\r\nhost: g\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let all = [request(&chat(r#","x":"first""#)), request(&chat("")), "NONSENSE\r\n\r\n".to_owned()].concat();
    client.send((all + &request(&chat(""))).as_bytes()).await;
    for word in ["one", "two"] {
        let answer = client.answer().await;
        assert!(answer.body.contains(word), "{answer:?}");
    }
    let refused = client.answer().await;
    assert_eq!((refused.status, refused.header("connection")), (400, Some("close")));
    assert!(client.closes().await);
    assert_eq!(engine.seen().len(), 2);
}

#[tokio::test]
async fn an_awaited_body_is_asked_for_and_a_refused_one_is_not() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::plain(&engine).await;
    let body = chat("");
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: g\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
    };
    let mut client = rig.client().await;
    client.send(head(CHAT).as_bytes()).await;
    assert_eq!(client.answer_head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(body.as_bytes()).await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(engine.seen()[0].header("expect"), None);

    let mut client = rig.client().await;
    client.send(head("/v1/nothing").as_bytes()).await;
    assert_eq!(client.answer().await.status, 404);
    assert!(client.closes().await);
}
