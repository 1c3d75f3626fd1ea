//! The same question asked at once: one request to the engine, and its bytes for all who asked.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::rig::*;
use crate::domain::{Finish, Outcome};
use crate::upstream::testing::{Engine, LAST_CHUNK, Seen, Step, chunk, chunked_head};

const STREAM: &str = r#","stream":true"#;

/// A stream that stops before each event and goes on when it is let.
fn slow_stream() -> Vec<Step> {
    let mut steps = vec![Step::Send(chunked_head("text/event-stream"))];
    for event in [token("a"), token("b"), finish(), usage(), done()] {
        steps.extend([Step::Gate, Step::Send(chunk(&event))]);
    }
    steps.push(Step::Send(LAST_CHUNK.to_vec()));
    steps
}

/// Gates of [`slow_stream`].
const GATES: usize = 5;

async fn cached(engine: &Engine) -> Rig {
    Rig::new(engine, None, |setup| setup.cache = true).await
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(timeout(Duration::from_secs(20), wait).await.is_ok(), "{what} never came");
}

/// Waits until so many look-ups found nothing, and the last of them has had time to join.
async fn missed(rig: &Rig, count: u64) {
    until("a miss", || rig.counters.snapshot().requests.cache_misses >= count).await;
    sleep(Duration::from_millis(50)).await;
}

/// A client that has asked, and one that asked the same after it.
async fn two(rig: &Rig, engine: &Engine, headers: [&str; 2]) -> (Client, Client) {
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    first.post(CHAT, headers[0], &chat(STREAM)).await;
    engine.arrived(1).await;
    second.post(CHAT, headers[1], &chat(STREAM)).await;
    missed(rig, 2).await;
    (first, second)
}

#[tokio::test]
async fn a_follower_reads_along_from_the_beginning_while_the_answer_grows() {
    let engine = Engine::always(slow_stream()).await;
    let mut rig = cached(&engine).await;
    let (mut first, mut second) = two(&rig, &engine, [""; 2]).await;
    engine.open(1);
    first.sees(r#""a""#).await;
    second.sees(r#""a""#).await;
    let mut third = rig.client().await;
    third.post(CHAT, "", &chat(STREAM)).await;
    third.sees(r#""a""#).await;
    engine.open(GATES - 1);
    let answers = [first.answer().await, second.answer().await, third.answer().await];
    let words = answers.each_ref().map(|answer| answer.header("x-goldgate-cache").unwrap().to_owned());
    assert_eq!(words, ["miss", "shared", "shared"]);
    for answer in &answers {
        assert!(answer.is_whole && answer.body == answers[0].body, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    }
    assert_eq!((engine.seen().len(), rig.ask(&chat(STREAM)).await.body), (1, answers[0].body.clone()));
    assert_eq!(rig.sample().await.serving.outcome, Outcome::Complete(Finish::Stop));
    rig.proxy.drain().await;
    assert!(rig.samples.recv().await.is_none(), "to read along is no evidence");
}

#[tokio::test]
async fn a_follower_gets_the_usage_only_if_it_asked_for_it() {
    let engine = Engine::always(slow_stream()).await;
    let rig = cached(&engine).await;
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    first.post(CHAT, "", &chat(STREAM)).await;
    engine.arrived(1).await;
    second.post(CHAT, "", &chat(r#","stream":true,"stream_options":{"include_usage":true}"#)).await;
    missed(&rig, 2).await;
    engine.open(GATES);
    let (first, second) = (first.answer().await, second.answer().await);
    assert_eq!(second.header("x-goldgate-cache"), Some("shared"));
    assert!(
        !first.body.contains("usage")
            && second.body == [token("a"), token("b"), finish(), usage(), done()].concat()
    );
}

#[tokio::test]
async fn a_leader_that_leaves_is_finished_for_its_followers_and_the_cache() {
    for gates_before in [0, 1] {
        let engine = Engine::always(slow_stream()).await;
        let rig = cached(&engine).await;
        let (mut first, mut second) = two(&rig, &engine, [""; 2]).await;
        engine.open(gates_before);
        if gates_before > 0 {
            first.sees(r#""a""#).await;
        } else {
            first.sees("text/event-stream").await;
        }
        drop(first);
        sleep(Duration::from_millis(50)).await;
        engine.open(GATES - gates_before);
        let answer = second.answer().await;
        assert_eq!(answer.header("x-goldgate-cache"), Some("shared"));
        assert!(answer.is_whole && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
        assert_eq!(engine.seen().len(), 1);
        assert_eq!(rig.ask(&chat(STREAM)).await.header("x-goldgate-cache"), Some("hit"));
    }
}

#[tokio::test]
async fn a_leader_that_leaves_before_any_answer_is_finished_for_the_others_too() {
    let engine = Engine::always([&[Step::Gate], &slow_stream()[..]].concat()).await;
    let rig = cached(&engine).await;
    let (first, mut second) = two(&rig, &engine, [""; 2]).await;
    let mut third = rig.client().await;
    third.post(CHAT, "", &chat(STREAM)).await;
    missed(&rig, 3).await;
    drop(first);
    sleep(Duration::from_millis(50)).await;
    engine.open(1 + GATES);
    for answer in [second.answer().await, third.answer().await] {
        assert_eq!(answer.header("x-goldgate-cache"), Some("shared"));
        assert!(answer.is_whole && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    }
    assert_eq!(
        (engine.seen().len(), rig.ask(&chat(STREAM)).await.header("x-goldgate-cache")),
        (1, Some("hit"))
    );
}

#[tokio::test]
async fn an_engine_is_free_as_soon_as_nobody_waits_for_its_first_byte() {
    let engine = Engine::always(vec![Step::Hang]).await;
    let rig = cached(&engine).await;
    let mut alone = rig.client().await;
    alone.post(CHAT, "", &chat(STREAM)).await;
    engine.arrived(1).await;
    drop(alone);
    assert!(timeout(Duration::from_secs(10), engine.gone()).await.is_ok(), "nobody followed");
    let asked = rig.counters.snapshot().requests.cache_misses;
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    first.post(CHAT, "", &chat(STREAM)).await;
    engine.arrived(1).await;
    second.post(CHAT, "", &chat(STREAM)).await;
    missed(&rig, asked + 2).await;
    drop(first);
    assert!(timeout(Duration::from_millis(100), engine.gone()).await.is_err(), "one still waits");
    drop(second);
    assert!(timeout(Duration::from_secs(10), engine.gone()).await.is_ok(), "all have left");
    until("the last end", || rig.counters.snapshot().in_flight == 0).await;
}

/// Whoever asks after a purge was acknowledged must not read what was asked for before it.
#[tokio::test]
async fn nobody_reads_along_across_a_purge() {
    let engine = Engine::always(slow_stream()).await;
    let rig = cached(&engine).await;
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    first.post(CHAT, "", &chat(STREAM)).await;
    engine.arrived(1).await;
    let all = crate::cache::Change::Purge(crate::cache::Selector::default());
    rig.cache.as_ref().unwrap().change(&all).await.unwrap();
    second.post(CHAT, "", &chat(STREAM)).await;
    engine.arrived(1).await;
    engine.open(2 * GATES);
    let words = [first.answer().await, second.answer().await]
        .map(|answer| answer.header("x-goldgate-cache").unwrap().to_owned());
    assert_eq!((words, engine.seen().len()), (["miss".to_owned(), "miss".to_owned()], 2));
}

/// Breaks the first client's answer after these steps, and answers everybody else.
async fn breaking(steps: Vec<Step>) -> Engine {
    let script = move |seen: &Seen| match seen.header("x-session-id") {
        Some(_) => steps.clone(),
        None => stream_of("b"),
    };
    Engine::start(script).await
}

#[tokio::test]
async fn who_has_seen_nothing_of_an_answer_that_broke_asks_by_themselves() {
    let head = Step::Send(chunked_head("text/event-stream"));
    let engine = breaking(vec![head, Step::Gate, Step::Reset]).await;
    let rig = cached(&engine).await;
    let (mut first, mut second) = two(&rig, &engine, ["x-session-id: first\r\n", ""]).await;
    engine.open(1);
    assert!(!first.answer().await.is_whole);
    let answer = second.answer().await;
    assert_eq!(answer.header("x-goldgate-cache"), Some("miss"));
    assert!(answer.is_whole && engine.seen().len() == 2);
}

#[tokio::test]
async fn who_read_along_sees_the_answer_break_where_the_first_client_does() {
    let head = [Step::Send(chunked_head("text/event-stream")), Step::Send(chunk(&token("a")))];
    let engine =
        breaking([&head[..], &[Step::Gate, Step::Send(chunk(&token("b"))), Step::Reset]].concat()).await;
    let rig = cached(&engine).await;
    let (mut first, mut second) = two(&rig, &engine, ["x-session-id: first\r\n", ""]).await;
    second.sees(r#""a""#).await;
    engine.open(1);
    let (first, second) = (first.answer().await, second.answer().await);
    assert_eq!((first.is_whole, second.is_whole), (false, false));
    assert_eq!((&second.body, second.body.contains(r#""b""#)), (&first.body, true));
    assert_eq!(rig.ask(&chat(STREAM)).await.header("x-goldgate-cache"), Some("miss"), "it was not kept");
}

#[tokio::test]
async fn what_is_not_kept_is_shared_with_those_who_read_along_or_with_nobody() {
    let length = finish().replace("stop", "length");
    let cut = [token("a"), length, done()].map(|event| Step::Send(chunk(&event)));
    let end = [Step::Send(LAST_CHUNK.to_vec())];
    let head = |fields: &str| {
        let head = String::from_utf8(chunked_head("text/event-stream")).unwrap();
        Step::Send(head.replacen("\r\n", &format!("\r\n{fields}"), 1).into_bytes())
    };
    for (fields, word) in
        [("", "shared"), ("cache-control: no-store\r\n", "miss"), ("set-cookie: a=b\r\n", "miss")]
    {
        let steps = [&[Step::Gate, head(fields)], &cut[..], &end[..]].concat();
        let engine = Engine::always(steps).await;
        let rig = cached(&engine).await;
        let (mut first, mut second) = two(&rig, &engine, [""; 2]).await;
        engine.open(4);
        let (first, second) = (first.answer().await, second.answer().await);
        assert_eq!((second.header("x-goldgate-cache"), &second.body), (Some(word), &first.body), "{fields}");
        assert_eq!(rig.ask(&chat(STREAM)).await.header("x-goldgate-cache"), Some("miss"), "{fields}");
    }
}

#[tokio::test]
async fn strangers_and_other_releases_never_read_along() {
    let (blue, green) = (Engine::always(slow_stream()).await, Engine::always(slow_stream()).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.cache = true).await;
    let keys = ["authorization: Bearer ann\r\n", "authorization: Bearer bob\r\n"];
    let (_first, _second) = two(&rig, &blue, keys).await;
    blue.arrived(1).await;
    rig.table.store(std::sync::Arc::new(split(crate::domain::Share::FULL)));
    let mut third = rig.client().await;
    third.post(CHAT, keys[0], &chat(STREAM)).await;
    green.arrived(1).await;
    assert_eq!((blue.seen().len(), green.seen().len()), (2, 1));
}

#[tokio::test]
async fn followers_that_leave_hold_nothing_and_when_all_have_left_the_engine_is_free() {
    let engine = Engine::always(slow_stream()).await;
    let rig = cached(&engine).await;
    for _ in 0..20 {
        let asked = rig.counters.snapshot().requests.cache_misses;
        let (mut first, mut second) = (rig.client().await, rig.client().await);
        first.post(CHAT, "", &chat(STREAM)).await;
        engine.arrived(1).await;
        second.post(CHAT, "", &chat(STREAM)).await;
        missed(&rig, asked + 2).await;
        engine.open(1);
        second.sees(r#""a""#).await;
        let both = rig.counters.snapshot().in_flight;
        drop(second);
        until("the follower's end", || rig.counters.snapshot().in_flight < both).await;
        first.sees(r#""a""#).await;
        let mut third = rig.client().await;
        third.post(CHAT, "", &chat(STREAM)).await;
        third.sees(r#""a""#).await;
        drop(first);
        drop(third);
        assert!(timeout(Duration::from_secs(10), engine.gone()).await.is_ok(), "the engine is not freed");
        until("the last end", || rig.counters.snapshot().in_flight == 0).await;
    }
    assert_eq!(engine.seen().len(), 20);
}
