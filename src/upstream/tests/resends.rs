//! What is sent again, where, and what is not: a request may be what ended its engine.

use super::*;
use crate::domain::Timestamp;
use crate::telemetry::{Clock, ManualClock};

/// A pool with a kept connection to its first engine, and whose clock the test moves.
async fn kept(engines: &[&Engine]) -> (Pool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let endpoints = engines.iter().map(|engine| engine.endpoint()).collect();
    let options = PoolOptions { endpoints, timeouts: PATIENT };
    let pool = Pool::new(options, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    pool.send(&Outgoing::get("/")).await.unwrap().collect(10).await.unwrap();
    (pool, clock)
}

/// Answers the first request of each connection, and does `steps` with others.
fn second(seen: &super::super::testing::Seen, steps: &[Step]) -> Vec<Step> {
    if seen.head.starts_with("GET") { ok() } else { steps.to_vec() }
}

#[tokio::test]
async fn a_reset_at_once_on_a_kept_connection_is_sent_again_to_the_same_engine() {
    let engine = Engine::start(|seen| second(seen, &[Step::Close])).await;
    let other = Engine::always(ok()).await;
    let (pool, _clock) = kept(&[&engine, &other]).await;
    assert_eq!(fetch(&pool).await.unwrap_err().as_str(), "reset");
    assert_eq!((engine.seen().len(), engine.connections(), other.seen().len()), (3, 2, 0));
}

#[tokio::test]
async fn a_reset_some_time_after_sending_is_not_sent_again() {
    let engine = Engine::start(|seen| second(seen, &[Step::Gate, Step::Close])).await;
    let other = Engine::always(ok()).await;
    let (pool, clock) = kept(&[&engine, &other]).await;
    engine.arrived(1).await;
    let ends = async {
        engine.arrived(1).await;
        clock.advance(Duration::from_secs(2));
        engine.open(1);
    };
    let (ended, ()) = tokio::join!(fetch(&pool), ends);
    assert_eq!(ended.unwrap_err().as_str(), "reset");
    assert_eq!((engine.seen().len(), other.seen().len()), (2, 0));
    assert_eq!(pool.endpoints()[0].failures, 1);
}

#[tokio::test]
async fn a_request_that_ends_an_engine_is_not_given_to_the_next_one() {
    let engine = Engine::start(|seen| second(seen, &[Step::Hang])).await;
    let other = Engine::always(ok()).await;
    let (pool, _clock) = kept(&[&engine, &other]).await;
    engine.arrived(1).await;
    let ends = async move {
        engine.arrived(1).await;
        // It ends as a process does: it stops to listen, and its connections close.
        drop(engine);
    };
    let (ended, ()) = tokio::join!(fetch(&pool), ends);
    assert_eq!(ended.unwrap_err().as_str(), "connect");
    assert_eq!((other.seen().len(), pool.endpoints()[0].failures), (0, 1));
}

#[tokio::test]
async fn what_does_not_count_ejects_no_engine() {
    let failing = Engine::always(vec![Step::Close]).await;
    let well = Engine::always(ok()).await;
    let (pool, _clock) = kept(&[&well]).await;
    assert_eq!(pool.endpoints()[0].failures, 0);
    let endpoints = vec![failing.endpoint(), well.endpoint()];
    let options = PoolOptions { endpoints, timeouts: PATIENT };
    let pool = Pool::new(options, Arc::new(SystemClock::start())).unwrap();
    let copy = Outgoing { weight: Weight::None, ..Outgoing::post_json("/", Bytes::from_static(b"{}")) };
    for _ in 0..20 {
        assert_eq!(pool.send(&copy).await.unwrap_err().as_str(), "reset");
    }
    let state = &pool.endpoints()[0];
    assert_eq!((state.failures, state.is_ejected, failing.seen().len()), (0, false, 20));
}
