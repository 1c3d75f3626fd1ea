//! Clients that are waited for: for a head, for the next request, for room in their socket.

use std::time::Duration;

use super::rig::*;
use crate::domain::Outcome;
use crate::upstream::testing::{Engine, Step};

/// Short enough to end a test; nothing is asserted about how long it took.
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_frees_the_engine() {
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 999999999\r\n\r\n";
    let engine = Engine::always(vec![Step::Send(head.to_vec()), Step::Fill(999_999_999), Step::Hang]).await;
    let mut rig = Rig::new(&engine, None, |setup| setup.options.limits.send_timeout = SOON).await;
    let mut client = rig.client().await;
    client.post(CHAT, "", &chat("")).await;
    engine.gone().await;
    assert_eq!(rig.sample().await.serving.outcome, Outcome::ClientGone);
    assert_eq!(rig.counters.snapshot().in_flight, 0);
}

#[tokio::test]
async fn a_client_that_takes_its_time_and_gets_on_is_not_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 64000000\r\n\r\n";
    let engine = Engine::always(vec![Step::Send(head.to_vec()), Step::Fill(64_000_000), Step::Hang]).await;
    let rig = Rig::new(&engine, None, |setup| setup.options.limits.send_timeout = 20 * SOON).await;
    let mut client = rig.client().await;
    client.post(CHAT, "", &chat("")).await;
    // Pauses that are each shorter than the limit, and together longer.
    for _ in 0..5 {
        tokio::time::sleep(5 * SOON).await;
        client.reads_some(8_000_000).await;
    }
    assert!(client.answer().await.is_whole);
}

#[tokio::test]
async fn a_pause_between_requests_may_last_longer_than_a_head() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| {
        setup.options.limits.head_timeout = 10 * SOON;
        setup.options.limits.idle_timeout = Duration::from_secs(20);
    })
    .await;
    let mut client = rig.client().await;
    for _ in 0..2 {
        assert_eq!(client.ask(CHAT, "", &chat("")).await.status, 200);
        tokio::time::sleep(14 * SOON).await;
    }
    // The head itself may not.
    client.send(b"POST /v1/chat").await;
    assert!(client.closes().await);
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_any_more_is_closed() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| setup.options.limits.idle_timeout = SOON).await;
    let mut client = rig.client().await;
    assert_eq!(client.ask(CHAT, "", &chat("")).await.status, 200);
    assert!(client.closes().await);
    let rig = Rig::new(&engine, None, |setup| setup.options.limits.head_timeout = SOON).await;
    for begun in ["", "POST /v1/chat"] {
        let mut silent = rig.client().await;
        silent.send(begun.as_bytes()).await;
        assert!(silent.closes().await, "{begun:?}");
    }
}
