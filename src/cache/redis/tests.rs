//! A real server that dies, forgets, fills up and goes back in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::following::channel;
use super::questions::questions_key;
use crate::cache::redis::testing::Server;
use crate::cache::serving::tests::{Question, keep, patient, question};
use crate::cache::testing::{Case, item, rng, unit};
use crate::cache::vectors::DIMENSIONS;
use crate::cache::{Cache, CacheKey, CacheOptions, Change, Selector};
use crate::telemetry::{Clock, SystemClock};

pub(super) fn open(server: &Server) -> Cache {
    with(server, patient())
}

fn with(server: &Server, options: CacheOptions) -> Cache {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    Cache::in_redis(&server.url(), options, clock, None).unwrap()
}

#[tokio::test]
async fn a_dead_store_is_a_miss_and_comes_back() {
    let mut server = Server::start().await;
    let cache = with(&server, CacheOptions::default());
    let asked = question("sem:a");
    keep(&cache, &asked, "x").await;
    server.kill().await;
    for _ in 0..20 {
        assert_eq!(asked.ask(&cache).await, None);
    }
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

#[tokio::test]
async fn a_record_that_is_evicted_makes_everything_a_miss_and_nothing_valid() {
    let server = Server::with(&["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let cache = open(&server);
    let (bad, good) = (question("sem:bad"), question("sem:good"));
    keep(&cache, &bad, "x").await;
    keep(&cache, &good, "y").await;
    let entry = super::entry_key(good.ticket(&cache).await.unwrap().key.digest);
    let kept: Vec<u8> = server.say(&["DUMP", &entry]).await.unwrap();
    cache.change(&Change::Revoke(bad.release.clone())).await.unwrap();
    // Others fill the server while nobody looks anything up.
    let text = "x".repeat(20_000);
    for number in 0.. {
        let _: String = server.say(&["SET", &format!("other:{number}"), &text]).await.unwrap();
        let held: u64 = server.say(&["EXISTS", &super::standing_key(), &entry]).await.unwrap();
        if held == 0 {
            break;
        }
    }
    // The entry is what was evicted last, for all that is known.
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut restore = redis::cmd("RESTORE");
    let _: String = restore.arg(&entry).arg(0).arg(kept).query_async(&mut connection).await.unwrap();
    for cache in [&open(&server), &cache] {
        assert_eq!(good.ask(cache).await, None, "written under a record that is gone");
        assert_eq!(bad.ask(cache).await, None);
    }
    assert_eq!(bad.ticket(&cache).await, None, "revoked, and this replica knows it");
}

async fn nearest(cache: &Cache, partition: &CacheKey, vector: &[f32]) -> Option<CacheKey> {
    let near = cache.entries.nearest(partition, vector, 0.5).await.unwrap();
    near.map(|near| near.item.key)
}

#[tokio::test]
async fn questions_that_are_none_are_skipped_and_the_next_one_is_found() {
    let server = Server::start().await;
    let cache = open(&server);
    let (partition, good) = (Case::default().key(), unit(&mut rng(1)));
    let mut broken = vec![vec![f32::NAN; DIMENSIONS], vec![2.0; DIMENSIONS], good[..100].to_vec()];
    broken.push([good.clone(), good.clone()].concat());
    for vector in &broken {
        cache.entries.learn(&partition, vector, item(0)).await.unwrap();
    }
    let stream = questions_key(&partition);
    assert_eq!(server.say::<u64>(&["EXISTS", &stream]).await.unwrap(), 0, "none of them was kept");
    // Nor is any taken that another program wrote.
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for vector in &broken {
        let mut add = redis::cmd("XADD");
        add.arg(&stream).arg("*").arg("q").arg(item(0).to_bytes(&partition, vector));
        let _: String = add.query_async(&mut connection).await.unwrap();
    }
    let _: String = server.say(&["XADD", &stream, "*", "other", "field"]).await.unwrap();
    assert_eq!(nearest(&cache, &partition, &good).await, None);
    cache.entries.learn(&partition, &good, item(1)).await.unwrap();
    assert_eq!(nearest(&cache, &partition, &good).await, Some(item(1).key));
}

#[tokio::test]
async fn a_stream_longer_than_one_reading_is_read_to_its_end() {
    let server = Server::start().await;
    let (writer, reader) = (open(&server), open(&server));
    let (partition, mut rng) = (Case::default().key(), rng(2));
    let all: Vec<Vec<f32>> = (0..700).map(|_| unit(&mut rng)).collect();
    for (number, vector) in all.iter().enumerate() {
        writer.entries.learn(&partition, vector, item(number)).await.unwrap();
    }
    for number in [0, 300, 699] {
        assert_eq!(nearest(&reader, &partition, &all[number]).await, Some(item(number).key));
    }
    // Evicted: what was read is known, and what is added is found.
    let _: u64 = server.say(&["DEL", &questions_key(&partition)]).await.unwrap();
    let late = unit(&mut rng);
    writer.entries.learn(&partition, &late, item(1_000)).await.unwrap();
    assert_eq!(nearest(&reader, &partition, &late).await, Some(item(1_000).key));
    assert_eq!(nearest(&reader, &partition, &all[5]).await, Some(item(5).key));
    assert_eq!(nearest(&open(&server), &partition, &all[5]).await, None);
}

/// Two replicas; the second one hears what the first one changes.
struct Replicas {
    one: Cache,
    other: Arc<Cache>,
    _following: JoinSet<()>,
}

impl Replicas {
    fn of(server: &Server) -> Self {
        let (one, other, mut following) = (open(server), Arc::new(open(server)), JoinSet::new());
        let follower = Arc::clone(&other);
        following.spawn(async move { follower.follow().await });
        Self { one, other, _following: following }
    }

    /// The first one keeps an answer and its question, and the second one reads both.
    async fn share(&self, asked: &Question) {
        keep(&self.one, asked, "x").await;
        let (partition, vector) = (asked.ticket(&self.one).await.unwrap().key, unit(&mut rng(4)));
        self.one.entries.learn(&partition, &vector, item(0)).await.unwrap();
        assert!(nearest(&self.other, &partition, &vector).await.is_some());
        assert!(self.held() > 0);
    }

    /// Bytes that the second one holds.
    fn held(&self) -> usize {
        self.other.stats().values().map(|one| one.bytes).sum()
    }
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "never {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_one_replica_changes_another_frees_without_being_asked_for_anything() {
    let server = Server::start().await;
    let (replicas, asked) = (Replicas::of(&server), question("sem:a"));
    let (release, tenant) = (asked.release.clone(), Some("0123".to_owned()));
    for change in [
        Change::Empty(release.clone()),
        Change::Purge(Selector { tenant, ..Selector::default() }),
        Change::Purge(Selector { release: Some(release.to_string()), ..Selector::default() }),
        Change::Revoke(release.clone()),
    ] {
        replicas.share(&asked).await;
        replicas
            .one
            .change(&Change::Purge(Selector { release: Some("sem:b".to_owned()), ..Selector::default() }))
            .await
            .unwrap();
        assert!(replicas.held() > 0, "of another release");
        replicas.one.change(&change).await.unwrap();
        until("freed", async || replicas.held() == 0).await;
    }
}

#[tokio::test]
async fn a_replica_whose_subscription_is_cut_serves_nothing_wrong_and_subscribes_again() {
    let server = Server::start().await;
    let (replicas, asked) = (Replicas::of(&server), question("sem:a"));
    let subscribed = async || {
        let channels: Vec<String> = server.say(&["PUBSUB", "CHANNELS"]).await.unwrap();
        channels == [channel()]
    };
    for _ in 0..2 {
        replicas.share(&asked).await;
        until("subscribed", &subscribed).await;
        assert_eq!(asked.ask(&replicas.other).await.as_deref(), Some("x"));
        let cut: u64 = server.say(&["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap();
        replicas.one.change(&Change::Empty(asked.release.clone())).await.unwrap();
        assert_eq!((cut, asked.ask(&replicas.other).await), (1, None), "it reads the record");
        assert_eq!(replicas.held(), 0);
    }
    until("subscribed", &subscribed).await;
    replicas.share(&asked).await;
    replicas.one.change(&Change::Empty(asked.release.clone())).await.unwrap();
    until("freed", async || replicas.held() == 0).await;
}
