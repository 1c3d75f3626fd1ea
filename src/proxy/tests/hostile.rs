//! A candidate that means harm: what its answers may take of what it shares with the baseline.

use super::copies::adds_up;
use super::rig::*;
use crate::domain::{Missing, Outcome, Share};
use crate::evidence::{Copied, Dropped};
use crate::upstream::testing::{Engine, Step, chunked_head, whole};

/// A proxy whose every request is copied to the candidate, and to nobody else.
async fn mirrored(blue: &Engine, green: &Engine, change: impl FnOnce(&mut Setup)) -> Rig {
    Rig::new(blue, Some(green), |setup| {
        setup.table = all_mirrored();
        setup.table.mirror.null_share = Share::ZERO;
        change(setup);
    })
    .await
}

/// Asserts that a copy's answer is cut off as too large, and its connection with it; gives what is told of it.
async fn cut_off(steps: Vec<Step>, change: impl FnOnce(&mut Setup)) -> (Option<Outcome>, u64) {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(steps).await);
    let mut rig = mirrored(&blue, &green, change).await;
    assert!(rig.ask(&chat("")).await.is_whole);
    green.gone().await;
    let sample = rig.sample().await;
    let counts = rig.counters.snapshot().mirror;
    adds_up(&counts);
    let candidate = sample.copied.sent().unwrap().candidate.as_ref();
    (candidate.map(|copy| copy.outcome), counts.orphaned_too_large)
}

fn filled(head: Vec<u8>, bytes: usize) -> Vec<Step> {
    vec![Step::Send(head), Step::Fill(bytes), Step::Hang]
}

#[tokio::test]
async fn a_copys_line_without_end_is_held_up_to_a_mebibyte_and_then_dropped() {
    let plain = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
    let broke = Some(Outcome::Truncated(Missing::Finish));
    assert_eq!(cut_off(filled(plain, 2 << 20), |_| ()).await, (broke, 0));
    let body = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    assert_eq!(cut_off(filled(body, 2 << 20), |_| ()).await, (None, 1), "it may be an answer");
}

/// Both arms rightly give long answers: that a copy's is not read to its end is no fault of its release.
#[tokio::test]
async fn a_long_answer_that_is_as_long_on_both_arms_is_no_lost_half() {
    let long = format!(
        "{{\"choices\":[{{\"index\":0,\"message\":{{\"content\":\"{}\"}},\"finish_reason\":\"stop\"}}]}}",
        "a".repeat(3 << 19)
    );
    let steps = || vec![Step::Send(whole("200 OK", "application/json", &long))];
    let (blue, green) = (Engine::always(steps()).await, Engine::always(steps()).await);
    let mut rig = mirrored(&blue, &green, |_| ()).await;
    assert!(rig.ask(&chat("")).await.is_whole);
    assert_eq!(rig.sample().await.copied, Copied::Dropped(Dropped::Rule));
    assert_eq!(rig.counters.snapshot().mirror.orphaned_too_large, 1);
}

#[tokio::test]
async fn a_copy_that_floods_is_read_up_to_its_bound_and_dropped() {
    let mut steps = vec![Step::Send(chunked_head("text/event-stream"))];
    let flood = ": nothing\n\n".repeat(1_000);
    steps.extend((0..20).map(|_| Step::Send(crate::upstream::testing::chunk(&flood))));
    steps.push(Step::Hang);
    assert_eq!(cut_off(steps, |setup| setup.options.mirror.answer_bytes_max = 100_000).await, (None, 1));
}

#[tokio::test]
async fn copies_that_hold_too_many_bytes_are_dropped_and_counted() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(vec![Step::Hang]).await);
    let body = chat("");
    let room = body.len() * 2;
    let rig = mirrored(&blue, &green, |setup| setup.options.mirror.in_flight_bytes_max = room).await;
    for _ in 0..5 {
        assert!(rig.ask(&body).await.is_whole);
    }
    let counts = rig.counters.snapshot().mirror;
    assert_eq!((counts.sent, counts.dropped_full_bytes, counts.dropped_full), (2, 3, 0));
    rig.proxy.drain().await;
    adds_up(&rig.counters.snapshot().mirror);
}

#[tokio::test]
async fn null_copies_that_fail_eject_no_engine_of_the_users() {
    // It fails whatever carries the mark of a copy.
    let blue = Engine::start(|seen| match seen.header("x-goldgate-mirror") {
        Some(_) => vec![Step::Send(whole("500 Internal Server Error", "text/plain", "x"))],
        None => body_of("b"),
    })
    .await;
    let green = Engine::always(body_of("g")).await;
    let mut rig = Rig::new(&blue, Some(&green), |setup| setup.table = all_mirrored()).await;
    for _ in 0..8 {
        assert_eq!(rig.ask(&chat("")).await.status, 200);
        assert!(rig.sample().await.copied.sent().unwrap().null.is_some());
    }
    let occupant = rig.slots.occupant(crate::domain::Slot::Blue).unwrap();
    assert_eq!(occupant.pool.endpoints()[0].failures, 0);
}

#[tokio::test]
async fn a_request_that_calls_itself_a_copy_is_no_evidence() {
    let blue = Engine::always(body_of("b")).await;
    let mut rig = Rig::plain(&blue).await;
    let mut client = rig.client().await;
    assert_eq!(client.ask(CHAT, "x-goldgate-mirror: 1\r\n", &chat("")).await.status, 200);
    assert_eq!(client.ask(CHAT, "x-request-id: own\r\n", &chat("")).await.status, 200);
    assert_eq!(rig.sample().await.serving.request.as_str(), "own");
    assert_eq!(rig.counters.snapshot().requests.samples, 1);
}
