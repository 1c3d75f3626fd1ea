//! A server that dies, hangs, forgets, goes back in time, and holds something else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::points::{standing_id, version};
use super::testing::{Collection, Face};
use crate::cache::serving::tests::{keep, patient, question};
use crate::cache::testing::{Case, item, rng, unit};
use crate::cache::vectors::DIMENSIONS;
use crate::cache::{Cache, CacheOptions, Change};
use crate::domain::Timestamp;
use crate::telemetry::{ManualClock, SystemClock};
use crate::upstream::testing::{Engine, Step, whole};

fn open(collection: &Collection) -> Cache {
    with(collection, patient())
}

fn with(collection: &Collection, options: CacheOptions) -> Cache {
    Cache::in_qdrant(&collection.url(), options, Arc::new(SystemClock::start()), None).unwrap()
}

/// How many points it has.
async fn points(collection: &Collection) -> usize {
    let found = collection.say("GET", "", Value::Null).await;
    usize::try_from(found["result"]["points_count"].as_u64().unwrap()).unwrap()
}

/// Waits until it has as many points: what is deleted on the side goes a little later.
async fn comes_to(collection: &Collection, expected: usize) {
    let within = Instant::now() + Duration::from_secs(10);
    while points(collection).await != expected {
        assert!(Instant::now() < within, "{} points, not {expected}", points(collection).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Puts the record in the place of the one that is there.
async fn put_record(collection: &Collection, text: &str) {
    let payload = json!({"kind": "standing", "version": version(text.as_bytes()), "text": text});
    let points = json!({"points": [{"id": standing_id(), "vector": {}, "payload": payload}]});
    assert_eq!(collection.say("PUT", "/points?wait=true", points).await["status"], "ok");
}

async fn record(collection: &Collection) -> String {
    let asked = json!({"ids": [standing_id()], "with_payload": true});
    let found = collection.say("POST", "/points", asked).await;
    found["result"][0]["payload"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_dead_or_hanging_qdrant_is_a_miss_within_the_limit_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let face = Face::start(0, Some(folder.path()));
    let port = face.port();
    let collection = Collection::on(face.url());
    // The face is slower than a server, and needs more than the usual 20 ms.
    let limit = Duration::from_millis(300);
    let cache = with(&collection, CacheOptions { store_max: limit, ..CacheOptions::default() });
    let asked = question("sem:a");
    keep(&cache, &asked, "x").await;
    let misses = async || {
        let begun = Instant::now();
        assert_eq!(asked.ask(&cache).await, None);
        assert_eq!(asked.near(&cache).await, None);
        begun.elapsed()
    };
    face.hang();
    // Each within the limit; the rest is what a busy machine takes to wake a timer.
    assert!(misses().await < 3 * limit);
    face.go_on();
    keep(&cache, &asked, "x").await;
    face.kill();
    for _ in 0..10 {
        assert!(misses().await < 3 * limit);
    }
    let face = Face::start(port, Some(folder.path()));
    keep(&cache, &asked, "y").await;
    drop(face);
}

#[tokio::test]
async fn a_collection_of_another_schema_is_a_clear_error_and_no_hit() {
    let other =
        |size: usize, distance: &str| json!({"vectors": {"question": {"size": size, "distance": distance}}});
    let unnamed = json!({"vectors": {"size": DIMENSIONS, "distance": "Cosine"}});
    for schema in [other(128, "Cosine"), other(DIMENSIONS, "Euclid"), unnamed] {
        let collection = Collection::new();
        assert_eq!(collection.say("PUT", "", schema.clone()).await["status"], "ok");
        let (cache, asked) = (open(&collection), question("sem:a"));
        asked.answer(&cache, "x").await;
        assert_eq!((asked.ask(&cache).await, asked.near(&cache).await), (None, None), "{schema}");
        let failed = cache.change(&Change::Empty(asked.release.clone())).await.unwrap_err().to_string();
        assert!(failed.contains("is a collection of other vectors"), "{failed}");
        assert_eq!(points(&collection).await, 0, "nothing was written into it");
    }
}

#[tokio::test]
async fn a_qdrant_without_conditional_updates_is_a_clear_error_and_no_hit() {
    let root = r#"{"title":"qdrant - vector search engine","version":"1.12.4"}"#;
    let engine = Engine::start(|_| vec![Step::Send(whole("200 OK", "application/json", root))]).await;
    let (cache, asked) = (open(&Collection::on(engine.endpoint().to_string())), question("sem:a"));
    let failed = cache.change(&Change::Empty(asked.release.clone())).await.unwrap_err().to_string();
    assert!(failed.contains("Qdrant 1.12.4, but it needs 1.17 or newer"), "{failed}");
    assert_eq!((asked.ask(&cache).await, asked.near(&cache).await), (None, None));
}

#[tokio::test]
async fn a_record_that_qdrant_lost_gives_nothing_revoked_back() {
    let collection = Collection::new();
    let (one, other) = (open(&collection), open(&collection));
    let (bad, good) = (question("sem:bad"), question("sem:good"));
    keep(&one, &bad, "x").await;
    keep(&one, &good, "y").await;
    let before = record(&collection).await;
    one.change(&Change::Revoke(bad.release.clone())).await.unwrap();
    // An old copy of the record comes back, as after a restart from a snapshot.
    put_record(&collection, &before).await;
    assert_eq!(good.ask(&one).await, None, "what was lost can only cost hits");
    for cache in [&one, &other] {
        assert_eq!(bad.ask(cache).await, None);
        assert_eq!(bad.ticket(cache).await, None);
    }
    keep(&one, &good, "z").await;
    // One that cannot be read.
    put_record(&collection, "{\"base\":").await;
    assert_eq!(good.ask(&one).await, None);
    let failed = one.change(&Change::Empty(good.release.clone())).await.unwrap_err().to_string();
    assert!(failed.contains("holds no record"), "{failed}");
    // And none at all.
    let selector = json!({"points": [standing_id()]});
    assert_eq!(collection.say("POST", "/points/delete?wait=true", selector).await["status"], "ok");
    assert_eq!(good.ask(&one).await, None);
    assert_eq!(bad.ticket(&one).await, None);
}

#[tokio::test]
async fn what_a_change_forbids_and_what_is_too_old_is_deleted_and_nothing_else() {
    let collection = Collection::new();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
    let options = CacheOptions { ttl: Duration::from_secs(600), ..patient() };
    let cache = Cache::in_qdrant(&collection.url(), options, clock.clone(), None).unwrap();
    let (a, b) = (question("sem:a"), question("sem:b"));
    for asked in [&a, &b] {
        asked.answer(&cache, "x").await;
        asked.learn(&cache).await;
    }
    assert_eq!(points(&collection).await, 5, "the record, two answers, two questions");
    clock.advance(Duration::from_secs(1));
    cache.change(&Change::Empty(a.release.clone())).await.unwrap();
    comes_to(&collection, 3).await;
    assert_eq!(b.ask(&cache).await.as_deref(), Some("x"));
    clock.advance(Duration::from_secs(700));
    a.answer(&cache, "y").await;
    // The record and the new answer.
    comes_to(&collection, 2).await;
    assert_eq!(a.ask(&cache).await.as_deref(), Some("y"));
}

#[tokio::test]
async fn vectors_that_are_none_are_neither_kept_nor_looked_for() {
    let collection = Collection::new();
    let (cache, partition, good) = (open(&collection), Case::default().key(), unit(&mut rng(1)));
    let mut broken = vec![vec![f32::NAN; DIMENSIONS], vec![0.0; DIMENSIONS], good[..100].to_vec()];
    broken.push([good.clone(), good.clone()].concat());
    for vector in &broken {
        cache.entries.learn(&partition, vector, item(0)).await.unwrap();
        assert!(cache.entries.nearest(&partition, vector, 0.0).await.unwrap().is_none());
    }
    cache.entries.learn(&partition, &good, item(1)).await.unwrap();
    let near = cache.entries.nearest(&partition, &good, 0.5).await.unwrap().unwrap();
    assert_eq!(near.item, item(1));
}
