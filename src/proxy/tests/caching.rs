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
async fn what_the_engine_is_told_decides_whether_an_answer_is_certain() {
    let engine = Engine::always(body_of("x")).await;
    let barred = Rig::new(&engine, None, |setup| {
        (setup.cache, setup.client_may_set) = (true, Some(vec!["max_tokens".to_owned()]));
    })
    .await;
    let free = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let sampled = [r#","temperature":1"#, r#","temperature":"1.0""#, r#","n":"3""#];
    for fields in sampled {
        assert_eq!(word(&barred, "", &chat(fields)).await, "miss baseline", "{fields}");
        assert_eq!(word(&barred, "", &chat(fields)).await, "hit baseline", "{fields}");
    }
    for fields in sampled {
        for _ in 0..2 {
            assert_eq!(word(&free, "", &chat(fields)).await, "miss baseline", "{fields}");
        }
    }
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

#[tokio::test]
async fn a_retry_is_not_answered_by_the_entry_that_made_the_client_retry() {
    let engine =
        Engine::start(|seen| body_of(&seen.header("x-stainless-retry-count").unwrap_or_default())).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let retry = |count: &str| format!("x-stainless-retry-count: {count}\r\n");
    assert_eq!(word(&rig, &retry("0"), &chat("")).await, "miss baseline");
    assert_eq!(word(&rig, &retry("0"), &chat("")).await, "hit baseline");
    assert_eq!(word(&rig, &retry("1"), &chat("")).await, "bypass baseline");
    let after = rig.ask(&chat("")).await;
    assert_eq!(after.header("x-goldgate-cache"), Some("hit"));
    assert!(
        after.body.contains(r#""content":"1""#),
        "the new answer took the old one's place: {}",
        after.body
    );
}

#[tokio::test]
async fn a_cohort_of_clients_goes_past_the_cache_on_both_arms_and_its_answers_are_evidence() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let half = Share::from_ppm(500_000);
    let mut rig = Rig::new(&blue, Some(&green), |setup| {
        (setup.cache, setup.options.cache_blind) = (true, half);
        setup.samples_max = 1_000;
    })
    .await;
    let session = |number: usize| format!("x-session-id: {number}\r\n");
    let mut client = rig.client().await;
    let mut words = async |table: crate::routing::RouteTable| {
        rig.table.store(Arc::new(table));
        let mut words = Vec::new();
        for number in 0..100 {
            let answer = client.ask(CHAT, &session(number), &chat("")).await;
            words.push(answer.header("x-goldgate-cache").unwrap().to_owned());
        }
        words
    };
    let before = words(steady()).await;
    assert!(!before.contains(&"bypass".to_owned()), "nothing is compared");
    let compared =
        |candidate: Share| crate::routing::RouteTable { mirror: all_mirrored().mirror, ..split(candidate) };
    let baseline = words(compared(Share::ZERO)).await;
    let candidate = words(split(Share::FULL)).await;
    let blind = |words: &[String]| words.iter().map(|word| word == "bypass").collect::<Vec<_>>();
    assert_eq!(blind(&baseline), blind(&candidate), "the same clients on both arms");
    let count = blind(&baseline).into_iter().filter(|blind| *blind).count();
    assert!((25..=75).contains(&count), "{count} of 100, a half is meant");
    let counts = rig.counters.snapshot().requests;
    assert_eq!(usize::try_from(counts.cache_blind).unwrap(), 2 * count);
    rig.proxy.drain().await;
    let mut evidence = 0;
    while rig.samples.recv().await.is_some() {
        evidence += 1;
    }
    let asked = before.iter().chain(&baseline).chain(&candidate).filter(|word| *word != "hit").count();
    assert_eq!(evidence, asked, "whoever asked an engine is evidence, and a hit is none");
}

#[tokio::test]
async fn an_engine_that_takes_a_cache_salt_gets_its_releases_and_strangers_keep_theirs() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.salts_prefixes = true).await;
    let salt = |engine: &Engine| {
        let body: serde_json::Value = serde_json::from_str(&engine.seen().last().unwrap().text()).unwrap();
        body["cache_salt"].as_str().unwrap().to_owned()
    };
    rig.ask(&chat("")).await;
    assert_eq!(salt(&blue), "sem:blue");
    rig.ask(&chat(r#","cache_salt":"ann""#)).await;
    let ann = salt(&blue);
    rig.ask(&chat(r#","cache_salt":"bob""#)).await;
    assert!(ann != "ann" && ann != salt(&blue) && salt(&blue) != "sem:blue");
    rig.table.store(Arc::new(split(Share::FULL)));
    rig.ask(&chat(r#","cache_salt":"ann""#)).await;
    assert_ne!(salt(&green), ann, "another release is another salt");
    let plain = Rig::plain(&blue).await;
    plain.ask(&chat("")).await;
    assert!(!blue.seen().last().unwrap().text().contains("cache_salt"), "only where the engine takes it");
}
