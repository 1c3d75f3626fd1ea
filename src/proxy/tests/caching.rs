//! The cache in its place: after the arm, before the release, and never evidence.

use std::sync::Arc;

use super::rig::*;
use crate::domain::Share;
use crate::upstream::testing::Engine;

async fn word(rig: &Rig, headers: &str, body: &str) -> String {
    let answer = rig.client().await.ask(CHAT, headers, body).await;
    assert_eq!(answer.status, 200);
    format!("{} {}", answer.header("x-goldgate-cache").unwrap(), answer.header("x-goldgate-arm").unwrap())
}

#[tokio::test]
async fn a_flip_starts_cold_and_a_rollback_finds_its_answers_warm() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.cache = true).await;
    assert_eq!(word(&rig, "", &chat("")).await, "miss baseline");
    assert_eq!(word(&rig, "", &chat("")).await, "hit baseline");
    rig.table.store(Arc::new(split(Share::FULL)));
    assert_eq!(word(&rig, "", &chat("")).await, "miss candidate");
    assert_eq!(word(&rig, "", &chat("")).await, "hit candidate");
    rig.table.store(Arc::new(steady()));
    assert_eq!(word(&rig, "", &chat("")).await, "hit baseline");
    assert_eq!((blue.seen().len(), green.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_cached_answer_is_the_same_bytes_and_no_evidence() {
    for fields in ["", r#","stream":true"#] {
        let steps = if fields.is_empty() { body_of("x") } else { stream_of("x") };
        let engine = Engine::always(steps).await;
        let mut rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
        let first = rig.ask(&chat(fields)).await;
        rig.sample().await;
        let again = rig.ask(&chat(fields)).await;
        assert_eq!(again.header("x-goldgate-cache"), Some("hit"));
        assert_eq!((&again.body, again.header("content-type")), (&first.body, first.header("content-type")));
        rig.proxy.drain().await;
        assert!(rig.samples.recv().await.is_none());
    }
}

#[tokio::test]
async fn a_stream_and_a_body_are_not_mixed_up() {
    let engine =
        Engine::start(|seen| if seen.text().contains("stream") { stream_of("x") } else { body_of("x") })
            .await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let streaming = chat(r#","stream":true"#);
    assert_eq!(word(&rig, "", &chat("")).await, "miss baseline");
    assert_eq!(word(&rig, "", &streaming).await, "miss baseline");
    assert!(rig.ask(&streaming).await.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn strangers_share_nothing_and_the_client_may_refuse_the_cache() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let (ann, bob) = ("authorization: Bearer ann\r\n", "authorization: Bearer bob\r\n");
    let (no_store, no_cache) = ("cache-control: no-store\r\n", "cache-control: no-cache\r\n");
    assert_eq!(word(&rig, ann, &chat("")).await, "miss baseline");
    assert_eq!(word(&rig, bob, &chat("")).await, "miss baseline");
    assert_eq!(word(&rig, no_store, &chat("")).await, "bypass baseline");
    assert_eq!(word(&rig, no_cache, &chat("")).await, "bypass baseline");
    assert_eq!(word(&rig, "", &chat("")).await, "hit baseline");
    assert_eq!(word(&rig, ann, &chat("")).await, "hit baseline");
}

#[tokio::test]
async fn a_sampled_answer_is_not_kept() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| (setup.cache, setup.temperature) = (true, 0.7)).await;
    for body in [chat(""), chat(""), chat(r#","temperature":0"#)] {
        assert_eq!(word(&rig, "", &body).await, "miss baseline");
    }
    assert_eq!(word(&rig, "", &chat(r#","temperature":0"#)).await, "hit baseline");
    assert_eq!(rig.cache.as_ref().unwrap().stats().values().next().unwrap().entries, 1);
}

#[tokio::test]
async fn copies_neither_read_nor_write_the_cache() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let mut rig = Rig::new(&blue, Some(&green), |setup| {
        setup.cache = true;
        setup.table = all_mirrored();
    })
    .await;
    assert_eq!(word(&rig, "", &chat("")).await, "miss baseline");
    assert!(rig.sample().await.copied.sent().is_some());
    rig.table.store(Arc::new(split(Share::FULL)));
    assert_eq!(word(&rig, "", &chat("")).await, "miss candidate");
}

#[tokio::test]
async fn a_hit_names_its_entry_and_its_age() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let first = rig.ask(&chat("")).await;
    assert_eq!(first.header("x-goldgate-cache-entry"), None);
    let hit = rig.ask(&chat("")).await;
    assert_eq!(
        (hit.header("x-goldgate-cache-age"), hit.header("x-goldgate-cache-similarity")),
        (Some("0"), None)
    );
    let id = hit.header("x-goldgate-cache-entry").unwrap();
    assert!(rig.cache.as_ref().unwrap().remove(id).await.unwrap());
    assert_eq!(word(&rig, "", &chat("")).await, "miss baseline");
}
