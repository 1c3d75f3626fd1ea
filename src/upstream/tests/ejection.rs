//! Who gets the next request when engines of one pool fail.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::*;
use crate::domain::Timestamp;
use crate::telemetry::{Clock, ManualClock};

/// An engine that does `steps` until it is well.
async fn ill(steps: Vec<Step>) -> (Engine, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    (Engine::start(move |_| if well.load(SeqCst) { ok() } else { steps.clone() }).await, is_well)
}

const SHORT: Timeouts = Timeouts { first_byte: SOON, idle: SOON, ..PATIENT };

/// A pool whose clock the test moves.
fn pool_of(engines: &[&Engine]) -> (Pool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let endpoints = engines.iter().map(|engine| engine.endpoint()).collect();
    (
        Pool::new(PoolOptions { endpoints, timeouts: PATIENT }, Arc::clone(&clock) as Arc<dyn Clock>)
            .unwrap(),
        clock,
    )
}

async fn ask(pool: &Pool, times: usize) {
    for _ in 0..times {
        let _ = fetch(pool).await;
    }
}

fn ejected(pool: &Pool) -> Vec<(bool, u64)> {
    pool.endpoints().iter().map(|endpoint| (endpoint.is_ejected, endpoint.ejections)).collect()
}

#[tokio::test]
async fn five_failures_in_a_row_of_any_kind_eject_an_endpoint_and_the_others_take_over() {
    let begun = [chunked_head("text/event-stream"), chunk("data: 1\n\n")].concat();
    let kinds = [
        vec![Step::Close],
        vec![Step::Hang],
        vec![Step::Send(b"HELLO\r\n\r\n".to_vec())],
        vec![Step::Send(whole("500 Internal Server Error", "text/plain", "x"))],
        vec![Step::Send(whole("503 Service Unavailable", "text/plain", "x"))],
        vec![Step::Send(begun.clone()), Step::Close],
        vec![Step::Send(begun), Step::Hang],
    ];
    for steps in kinds {
        let ((ill, _), well) = (self::ill(steps.clone()).await, Engine::always(ok()).await);
        let pool = pool(&[&ill, &well], SHORT);
        ask(&pool, 20).await;
        assert_eq!((ill.seen().len(), well.seen().len()), (5, 15), "{steps:?}");
        assert_eq!(ejected(&pool), [(true, 1), (false, 0)], "{steps:?}");
        assert_eq!(pool.endpoints()[0].failures, 5, "{steps:?}");
    }
}

#[tokio::test]
async fn a_clients_mistake_a_client_that_leaves_and_a_long_answer_eject_nobody() {
    let refusal = vec![Step::Send(whole("429 Too Many Requests", "text/plain", "x"))];
    let (busy, other) = (Engine::always(refusal).await, Engine::always(ok()).await);
    let (pool, _clock) = pool_of(&[&busy, &other]);
    ask(&pool, 20).await;
    let mut long = Outgoing::post_json("/v1/completions", Bytes::new());
    long.timeouts = Some(Timeouts { total: Some(SOON), ..PATIENT });
    let (hung, _) = ill(vec![Step::Hang]).await;
    let (patient, _clock) = pool_of(&[&hung, &other]);
    let left = Outgoing::get("/");
    for _ in 0..10 {
        assert_eq!(patient.send(&long).await.unwrap_err().as_str(), "timeout");
        tokio::select! {
            biased;
            _ = patient.send(&left) => panic!("hangs"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(ejected(&pool), [(false, 0), (false, 0)]);
    assert_eq!(ejected(&patient), [(false, 0), (false, 0)]);
    assert_eq!(patient.endpoints()[0].failures, 0);
}

#[tokio::test]
async fn an_ejected_endpoint_is_tried_again_after_a_growing_time_and_comes_back_when_it_answers() {
    let ((ill, is_well), well) = (ill(vec![Step::Close]).await, Engine::always(ok()).await);
    let (pool, clock) = pool_of(&[&ill, &well]);
    ask(&pool, 20).await;
    for (round, seconds) in [5, 10, 20].into_iter().enumerate() {
        clock.advance(Duration::from_secs(seconds - 1));
        ask(&pool, 3).await;
        assert_eq!(ill.seen().len(), 5 + round, "not before {seconds} s");
        clock.advance(Duration::from_secs(1));
        ask(&pool, 3).await;
        assert_eq!(ill.seen().len(), 6 + round, "one request tries it");
    }
    is_well.store(true, SeqCst);
    clock.advance(Duration::from_secs(40));
    let before = ill.seen().len();
    ask(&pool, 10).await;
    assert_eq!(ill.seen().len(), before + 10, "the first of equals again");
    assert_eq!(ejected(&pool), [(false, 4), (false, 0)]);
}

#[tokio::test]
async fn the_last_endpoint_of_a_pool_stays_however_it_fails() {
    let ((one, _), (other, _)) = (ill(vec![Step::Close]).await, ill(vec![Step::Close]).await);
    let (pool, _clock) = pool_of(&[&one, &other]);
    ask(&pool, 30).await;
    assert_eq!(ejected(&pool), [(true, 1), (false, 0)]);
    assert_eq!((one.seen().len(), other.seen().len()), (5, 25));
    let (alone, _) = ill(vec![Step::Close]).await;
    let (pool, _clock) = pool_of(&[&alone]);
    ask(&pool, 30).await;
    assert_eq!((alone.seen().len(), ejected(&pool)[0]), (30, (false, 0)));
}

#[tokio::test]
async fn an_endpoint_on_trial_gets_one_request_at_a_time() {
    let slow = vec![Step::Gate, Step::Send(whole("200 OK", "text/plain", "x"))];
    let is_slow = Arc::new(AtomicBool::new(false));
    let slowed = Arc::clone(&is_slow);
    let on_trial =
        Engine::start(move |_| if slowed.load(SeqCst) { slow.clone() } else { vec![Step::Close] }).await;
    let well = Engine::always(ok()).await;
    let (pool, clock) = pool_of(&[&on_trial, &well]);
    ask(&pool, 5).await;
    is_slow.store(true, SeqCst);
    on_trial.arrived(5).await;
    clock.advance(Duration::from_secs(5));
    let trial = fetch(&pool);
    let meanwhile = async {
        on_trial.arrived(1).await;
        ask(&pool, 10).await;
        on_trial.open(1);
    };
    let (tried, ()) = tokio::join!(trial, meanwhile);
    assert_eq!((tried.unwrap().len(), on_trial.seen().len(), well.seen().len()), (1, 6, 10));
}

#[tokio::test]
async fn probes_of_an_engine_that_is_not_ready_do_not_eject_it() {
    let ((starting, is_well), other) = (ill(vec![Step::Close]).await, Engine::always(ok()).await);
    let (pool, _clock) = pool_of(&[&starting, &other]);
    for _ in 0..10 {
        pool.send_to(0, &Outgoing::get("/health")).await.unwrap_err();
    }
    is_well.store(true, SeqCst);
    ask(&pool, 3).await;
    assert_eq!((starting.seen().len(), ejected(&pool)[0], pool.endpoints()[0].failures), (13, (false, 0), 0));
}

/// Lines of a log, written by whoever logs on this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_dead_engine_is_one_line_in_the_log_and_its_return_another() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (engine, is_well) = ill(vec![Step::Close]).await;
    let (pool, _clock) = pool_of(&[&engine]);
    // Another test may have had these lines looked at by a subscriber of its own, which wants no INFO.
    tracing::callsite::rebuild_interest_cache();
    ask(&pool, 50).await;
    is_well.store(true, SeqCst);
    tracing::callsite::rebuild_interest_cache();
    ask(&pool, 50).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of = |level: &str| text.lines().filter(|line| line.contains(level)).count();
    assert_eq!((of(" WARN "), of(" INFO ")), (1, 1), "{text}");
    assert!(text.contains("an engine answers again") && text.contains("failures=50"), "{text}");
}

#[tokio::test]
async fn an_engine_that_drifted_gets_requests_only_where_no_other_takes_them() {
    let (drifted, well) = (Engine::always(ok()).await, Engine::always(ok()).await);
    let (pool, _) = pool_of(&[&drifted, &well]);
    pool.identity(0).doubt("its chat template is another one");
    ask(&pool, 6).await;
    assert_eq!((drifted.seen().len(), well.seen().len()), (0, 6));
    pool.identity(1).doubt("so is this one's");
    ask(&pool, 6).await;
    assert_eq!(drifted.seen().len() + well.seen().len(), 12, "a pool never becomes empty");
    pool.identity(0).confirm(None);
    let before = drifted.seen().len();
    ask(&pool, 6).await;
    assert_eq!(drifted.seen().len(), before + 6);
}

#[tokio::test]
async fn the_only_engine_of_a_pool_is_to_be_confirmed_again_once_nobody_was_there() {
    let (engine, clock) = (Engine::always(ok()).await, Arc::new(ManualClock::at(Timestamp::from_millis(0))));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (endpoint, expected) in
        [(engine.endpoint(), false), (format!("http://{closed}").parse().unwrap(), true)]
    {
        let options = PoolOptions { endpoints: vec![endpoint], timeouts: PATIENT };
        let pool = Pool::new(options, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        pool.identity(0).confirm_first();
        pool.identity(0).confirm(None);
        ask(&pool, 1).await;
        let state = pool.endpoints()[0];
        assert_eq!((state.is_unconfirmed, state.is_ejected, state.has_drifted), (expected, false, false));
    }
}

#[tokio::test]
async fn an_engine_that_was_passed_over_is_asked_what_it_is_before_it_gets_requests_again() {
    let ((ill, is_well), well) = (ill(vec![Step::Close]).await, Engine::always(ok()).await);
    let (pool, clock) = pool_of(&[&ill, &well]);
    pool.identity(0).confirm(None);
    ask(&pool, 20).await;
    is_well.store(true, SeqCst);
    clock.advance(Duration::from_secs(600));
    ask(&pool, 10).await;
    assert_eq!(
        (ill.seen().len(), pool.endpoints()[0].may_be_another),
        (5, true),
        "it may be another process"
    );
    pool.identity(0).confirm(None);
    ask(&pool, 10).await;
    assert_eq!((ill.seen().len(), pool.endpoints()[0].may_be_another), (15, false));
}
