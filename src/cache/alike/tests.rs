//! The tier over each store: what one replica learned another one finds, and nobody else.

use std::time::Duration;

use super::*;
use crate::cache::redis::testing::Server;
use crate::cache::serving::stores::Shared;
use crate::cache::serving::tests::{patient, write};
use crate::cache::testing::tenant;
use crate::cache::{CacheOptions, Change, Selector};
use crate::domain::{ReleaseId, VectorSource};
use crate::telemetry::SystemClock;
use crate::upstream::testing::{Engine, Step, whole};

const TEXT: &str = "How do I reset my password?";

fn options(vectors: VectorSource) -> SemanticOptions {
    SemanticOptions {
        vectors,
        templates: Vec::new(),
        messages: true,
        similarity_min: 0.9,
        gap_min: 0.0,
        audit_every: 10,
        false_hits_max: 0.05,
    }
}

fn open(shared: &Shared, vectors: VectorSource) -> Cache {
    let cache = shared.open(patient(), Arc::new(SystemClock::start()), None).unwrap();
    cache.with_semantic(options(vectors)).unwrap()
}

/// Looks for something alike; with `answer`, keeps it and learns the question.
async fn look(cache: &Cache, text: &str, answer: Option<&str>) -> Alike {
    let body = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}");
    let start = body.find(text).unwrap();
    let release = ReleaseId::from("sem:a");
    let request = Request { release: &release, tenant: tenant("ann"), family: "/v1", body: body.as_bytes() };
    // As every request does first; it tells this replica what others have changed.
    cache.look_up(&request).await;
    let ticket = cache.ticket(&request).await.unwrap();
    let question = Question { request, range: start..start + text.len(), text, template: None };
    let found = cache.look_alike(&ticket, &question).await;
    if let (Alike::Miss(placed), Some(answer)) = (&found, answer) {
        write(cache, ticket.clone(), answer).await;
        cache.learn(placed, &ticket).await;
    }
    found
}

/// The answer that would be served, were the tier trusted.
fn offered(found: &Alike) -> Option<&[u8]> {
    match found {
        Alike::Serve(hit, _) => Some(&hit.entry.body),
        Alike::Audit(_, entry) => Some(&entry.body),
        Alike::Miss(_) | Alike::Off => None,
    }
}

#[tokio::test]
async fn a_question_that_one_replica_learned_is_found_by_another() {
    for shared in Shared::both().await {
        let (one, other) = (open(&shared, VectorSource::BuiltIn), open(&shared, VectorSource::BuiltIn));
        assert_eq!(offered(&look(&one, TEXT, Some("by mail")).await), None);
        assert_eq!(offered(&look(&other, TEXT, None).await), Some(&b"by mail"[..]));
        assert_eq!(offered(&look(&other, "How do I not reset my password?", None).await), None);
        // What was purged is found by nobody, and is learned anew.
        let all = Change::Purge(Selector::default());
        one.change(&all).await.unwrap();
        assert_eq!(offered(&look(&other, TEXT, Some("by phone")).await), None);
        assert_eq!(offered(&look(&one, TEXT, None).await), Some(&b"by phone"[..]));
    }
}

#[tokio::test]
async fn a_store_with_another_embedders_vectors_offers_none_of_them() {
    let vector = crate::embedding::Embedder::built_in().unwrap().with_dimensions(256).embed(TEXT);
    let body = format!("{{\"data\":[{{\"embedding\":{:?}}}]}}", vector.values());
    // The very same vectors, from somebody else.
    let engine = Engine::start(move |_| vec![Step::Send(whole("200 OK", "application/json", &body))]).await;
    let server = VectorSource::Server { url: engine.endpoint().to_string(), model: "small".to_owned() };
    for shared in Shared::both().await {
        let (one, other) = (open(&shared, VectorSource::BuiltIn), open(&shared, server.clone()));
        look(&one, TEXT, Some("by mail")).await;
        assert!(offered(&look(&one, TEXT, None).await).is_some());
        // A busy machine may be too slow for the limit of an embedder.
        let found = loop {
            match look(&other, TEXT, None).await {
                Alike::Off => tokio::time::sleep(Duration::from_millis(100)).await,
                found => break found,
            }
        };
        assert!(matches!(found, Alike::Miss(_)), "{found:?}");
    }
}

#[tokio::test]
async fn a_store_that_died_is_a_question_asked_anew() {
    let mut server = Server::start().await;
    let cache = Cache::in_redis(&server.url(), CacheOptions::default(), Arc::new(SystemClock::start()), None);
    let cache = cache.unwrap().with_semantic(options(VectorSource::BuiltIn)).unwrap();
    while cache.standing().await.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill().await;
    for _ in 0..5 {
        let begun = tokio::time::Instant::now();
        assert!(matches!(look(&cache, TEXT, Some("by mail")).await, Alike::Miss(_)));
        // A look and two writes, each within 20 ms; the rest is what a busy machine takes to wake a timer.
        assert!(begun.elapsed() < Duration::from_millis(360), "{:?}", begun.elapsed());
    }
}
