//! A real server that dies, forgets, fills up and goes back in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cache::redis::testing::Server;
use crate::cache::serving::tests::{Question, patient, question};
use crate::cache::{Cache, CacheOptions, Change};
use crate::telemetry::{Clock, SystemClock};

fn open(server: &Server) -> Cache {
    with(server, patient())
}

fn with(server: &Server, options: CacheOptions) -> Cache {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    Cache::in_redis(&server.url(), options, clock, None).unwrap()
}

/// Writes until it can be read: a server that has just come back is asked again after a rest.
async fn keep(cache: &Cache, asked: &Question, text: &str) {
    while asked.ask(cache).await.as_deref() != Some(text) {
        asked.answer(cache, text).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn replicas_share_answers_and_what_one_revokes_no_other_reads() {
    let server = Server::start().await;
    let (one, other) = (open(&server), open(&server));
    let asked = question("sem:a");
    keep(&one, &asked, "x").await;
    assert_eq!(asked.ask(&other).await.as_deref(), Some("x"));
    one.change(&Change::Revoke(asked.release.clone())).await.unwrap();
    assert_eq!(asked.ask(&other).await, None);
    assert_eq!(asked.ticket(&other).await, None);
}

#[tokio::test]
async fn a_dead_store_is_a_miss_within_20_ms_and_comes_back() {
    let mut server = Server::start().await;
    let cache = with(&server, CacheOptions::default());
    let asked = question("sem:a");
    keep(&cache, &asked, "x").await;
    server.kill().await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(asked.ask(&cache).await, None);
        slowest = slowest.max(begun.elapsed());
    }
    // The limit itself is 20 ms; the rest is what a busy machine takes to wake a timer.
    assert!(slowest < Duration::from_millis(120), "{slowest:?}");
    server.restart().await;
    keep(&cache, &asked, "y").await;
}

#[tokio::test]
async fn a_store_that_hangs_is_a_miss_too() {
    let server = Server::start().await;
    let cache = with(&server, CacheOptions::default());
    let asked = question("sem:a");
    keep(&cache, &asked, "x").await;
    let _: String = server.say(&["CLIENT", "PAUSE", "500"]).await.unwrap();
    let begun = Instant::now();
    assert_eq!(asked.ask(&cache).await, None);
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    keep(&cache, &asked, "x").await;
}

#[tokio::test]
async fn eviction_under_memory_pressure_is_a_miss_and_never_another_answer() {
    let server = Server::with(&["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let cache = open(&server);
    let all: Vec<Question> = (0..400)
        .map(|number| {
            let mut asked = question("sem:a");
            asked.body = format!("{{\"q\":{number}}}");
            asked
        })
        .collect();
    let text = |number: usize| format!("{number} {}", "x".repeat(8_000));
    let mut hits = 0;
    for _ in 0..2 {
        for (number, asked) in all.iter().enumerate() {
            asked.answer(&cache, &text(number)).await;
            let other = &all[(number * 7 + 3) % all.len()];
            if let Some(found) = other.ask(&cache).await {
                hits += 1;
                assert_eq!(found, text((number * 7 + 3) % all.len()));
            }
        }
    }
    let info: String = server.say(&["INFO", "stats"]).await.unwrap();
    let evicted = info.lines().find_map(|line| line.strip_prefix("evicted_keys:")).unwrap();
    assert!(evicted.trim().parse::<u64>().unwrap() > 100 && hits > 0, "{evicted} evicted, {hits} hits");
}

#[tokio::test]
async fn a_record_that_the_server_lost_gives_nothing_revoked_back() {
    let server = Server::start().await;
    let (one, other) = (open(&server), open(&server));
    let (bad, good) = (question("sem:bad"), question("sem:good"));
    keep(&one, &bad, "x").await;
    keep(&one, &good, "y").await;
    let before: Vec<u8> = server.say(&["GET", &super::standing_key()]).await.unwrap();
    one.change(&Change::Revoke(bad.release.clone())).await.unwrap();
    // An old copy of the record comes back, as after a restart from a snapshot.
    let before = String::from_utf8(before).unwrap();
    let _: String = server.say(&["SET", &super::standing_key(), &before]).await.unwrap();
    assert_eq!(good.ask(&one).await, None, "what was lost can only cost hits");
    for cache in [&one, &other] {
        assert_eq!(bad.ask(cache).await, None);
        assert_eq!(bad.ticket(cache).await, None);
    }
    keep(&one, &good, "z").await;
    // And none at all.
    let _: u64 = server.say(&["DEL", &super::standing_key()]).await.unwrap();
    assert_eq!(good.ask(&one).await, None);
    assert_eq!(bad.ticket(&one).await, None);
}

#[tokio::test]
async fn a_record_that_is_none_is_no_hit() {
    let server = Server::start().await;
    let cache = open(&server);
    let asked = question("sem:a");
    keep(&cache, &asked, "x").await;
    let _: String = server.say(&["SET", &super::standing_key(), "{\"base\":"]).await.unwrap();
    assert_eq!(asked.ask(&cache).await, None);
    let failed = cache.change(&Change::Empty(asked.release.clone())).await.unwrap_err();
    assert!(failed.to_string().contains("standing"), "{failed}");
}
