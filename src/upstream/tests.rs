//! The pool against a scripted engine: reuse, retries, limits, cancellation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;

mod ejection;
mod resends;

use super::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head, whole};
use super::*;
use crate::telemetry::SystemClock;

/// Limits that no healthy test reaches, so that only the limit under test can fire.
const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(20),
    first_byte: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: None,
};

/// Short enough to end a test; nothing is asserted about how long it took.
const SOON: Duration = Duration::from_millis(30);

fn pool(engines: &[&Engine], timeouts: Timeouts) -> Pool {
    let endpoints = engines.iter().map(|engine| engine.endpoint()).collect();
    Pool::new(PoolOptions { endpoints, timeouts }, Arc::new(SystemClock::start())).unwrap()
}

fn ok() -> Vec<Step> {
    vec![Step::Send(whole("200 OK", "application/json", "{}"))]
}

async fn fetch(pool: &Pool) -> Result<Bytes, UpstreamError> {
    let request = Outgoing::post_json("/v1/completions", Bytes::from_static(b"{}"));
    pool.send(&request).await?.collect(1 << 20).await
}

/// Sends one request and names how it ended.
async fn check(steps: Vec<Step>, timeouts: Timeouts, expected: &str) {
    let engine = Engine::always(steps.clone()).await;
    let pool = pool(&[&engine], timeouts);
    let ended = match fetch(&pool).await {
        Ok(body) => format!("ok {}", body.len()),
        Err(UpstreamError::Timeout { limit, .. }) => format!("timeout {limit}"),
        Err(error) => error.as_str().to_owned(),
    };
    assert_eq!(ended, expected, "{steps:?}");
    assert_eq!(pool.in_flight(), 0, "{steps:?}");
}

#[tokio::test]
async fn every_way_an_answer_ends_has_its_name() {
    let (head, data) = (chunked_head("text/event-stream"), chunk("data: 1\n\n"));
    let send = |bytes: &[u8]| Step::Send(bytes.to_vec());
    let begun = || vec![send(&head), send(&data)];
    let then = |step: Step| begun().into_iter().chain([step]).collect::<Vec<_>>();
    let short = Timeouts { first_byte: SOON, ..PATIENT };
    let idle = Timeouts { idle: SOON, ..PATIENT };
    let total = Timeouts { total: Some(SOON), ..PATIENT };

    check(ok(), PATIENT, "ok 2").await;
    check(then(send(LAST_CHUNK)), PATIENT, "ok 9").await;
    check(vec![Step::Hang], short, "timeout first byte").await;
    check(vec![send(&head), Step::Hang], short, "timeout first byte").await;
    check(then(Step::Hang), idle, "timeout idle").await;
    check(then(Step::Hang), total, "timeout total").await;
    check(vec![Step::Hang], total, "timeout total").await;
    check(then(Step::Close), PATIENT, "reset").await;
    check(then(Step::Reset), PATIENT, "reset").await;
    check(vec![Step::Close], PATIENT, "reset").await;
    check(then(send(b"zz\r\n")), PATIENT, "protocol").await;
    check(vec![send(b"HELLO\r\n\r\n")], PATIENT, "protocol").await;
    for fields in ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: gzip, chunked"] {
        let ambiguous = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n0\r\n\r\n");
        check(vec![send(ambiguous.as_bytes())], PATIENT, "protocol").await;
    }
    let switched = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    check(vec![send(switched)], PATIENT, "protocol").await;
    check(vec![send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"), Step::Close], PATIENT, "reset").await;
}

#[tokio::test]
async fn a_whole_answer_leaves_a_warm_connection_and_a_broken_one_does_not() {
    let engine = Engine::always(ok()).await;
    let pool = pool(&[&engine], PATIENT);
    for _ in 0..5 {
        fetch(&pool).await.unwrap();
    }
    assert_eq!(engine.connections(), 1);
    drop(pool);
    engine.gone().await;
}

#[tokio::test]
async fn a_kept_alive_connection_that_turned_out_closed_is_replaced_once() {
    let engine = Engine::start(|seen| {
        let end = if seen.text().is_empty() { Step::Close } else { Step::Gate };
        vec![Step::Send(whole("200 OK", "text/plain", "x")), end]
    })
    .await;
    let pool = pool(&[&engine], PATIENT);
    let first = Outgoing::post_json("/v1/completions", Bytes::new());
    pool.send(&first).await.unwrap().collect(10).await.unwrap();
    engine.gone().await;
    fetch(&pool).await.unwrap();
    assert_eq!((engine.connections(), engine.seen().len()), (2, 2));
}

#[tokio::test]
async fn a_request_on_a_new_connection_is_never_sent_twice() {
    let engine = Engine::always(vec![Step::Close]).await;
    assert_eq!(fetch(&pool(&[&engine], PATIENT)).await.unwrap_err().as_str(), "reset");
    assert_eq!(engine.seen().len(), 1);
}

#[tokio::test]
async fn a_refusing_endpoint_is_passed_over_inside_the_pool() {
    let dead = Engine::always(ok()).await;
    let engine = Engine::always(ok()).await;
    let pool = pool(&[&dead, &engine], PATIENT);
    drop(dead);
    fetch(&pool).await.unwrap();
    assert_eq!(engine.seen().len(), 1);
}

#[tokio::test]
async fn the_endpoint_with_the_fewest_requests_is_next() {
    let busy = Engine::always(vec![Step::Gate]).await;
    let free = Engine::always(ok()).await;
    let pool = pool(&[&busy, &free], PATIENT);
    let slow = Outgoing::get("/slow");
    let held = pool.send(&slow);
    let work = async {
        busy.arrived(1).await;
        for _ in 0..4 {
            fetch(&pool).await.unwrap();
        }
        assert_eq!(pool.endpoints().iter().map(|endpoint| endpoint.in_flight).collect::<Vec<_>>(), [1, 0]);
    };
    tokio::select! { _ = held => panic!("the gate is shut"), () = work => {} }
    assert_eq!((busy.seen().len(), free.seen().len(), pool.in_flight()), (1, 4, 0));
}

#[tokio::test]
async fn an_answer_nobody_waits_for_closes_the_connection_in_every_window() {
    let head = Step::Send(chunked_head("text/event-stream"));
    let event = Step::Send(chunk("data: 1\n\n"));
    let windows = [vec![Step::Hang], vec![head.clone(), Step::Hang], vec![head, event, Step::Hang]];
    for (frames, steps) in windows.into_iter().enumerate() {
        let engine = Engine::always(steps).await;
        let pool = pool(&[&engine], PATIENT);
        let request = Outgoing::get("/v1/models");
        if frames == 0 {
            tokio::select! { _ = pool.send(&request) => panic!("hangs"), () = engine.arrived(1) => {} }
        } else {
            let mut reply = pool.send(&request).await.unwrap();
            for _ in 1..frames {
                reply.body.frame().await.unwrap().unwrap();
            }
            assert_eq!(pool.in_flight(), 1);
        }
        engine.gone().await;
        assert_eq!(pool.in_flight(), 0, "window {frames}");
    }
}

#[tokio::test]
async fn a_reply_read_whole_is_bounded() {
    let engine = Engine::always(ok()).await;
    let reply = pool(&[&engine], PATIENT).send(&Outgoing::get("/")).await.unwrap();
    assert_eq!(reply.collect(1).await.unwrap_err().as_str(), "too_large");
}

#[test]
fn a_pool_without_endpoints_is_refused() {
    let options = PoolOptions { endpoints: Vec::new(), timeouts: PATIENT };
    let made = Pool::new(options, Arc::new(SystemClock::start()));
    assert_eq!(made.unwrap_err(), EndpointError::None);
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_a_timeout_of_its_own_limit() {
    // Where as many connections wait as may, the system answers no further one.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = tokio::time::timeout(SOON, tokio::net::TcpStream::connect(addr)).await {
        waiting.push(connected.unwrap());
    }
    let options = PoolOptions {
        endpoints: vec![format!("http://{addr}").parse().unwrap()],
        timeouts: Timeouts { connect: SOON, ..PATIENT },
    };
    let pool = Pool::new(options, Arc::new(SystemClock::start())).unwrap();
    let error = fetch(&pool).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Timeout { limit: Limit::Connect, .. }), "{error}");
    assert_eq!((pool.in_flight(), pool.endpoints()[0].failures), (0, 1));
}
