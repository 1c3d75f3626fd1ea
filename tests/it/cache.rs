//! The cache through a flip and a rollback, in memory and in a real Redis.

use serde_json::Value;

use crate::rig::{Ask, BLUE, GREEN, Process, Serve, Workspace, until};
use crate::serve::World;

/// The question that is asked again and again.
const QUESTION: usize = 5;

/// A world whose answers are kept in one store.
struct Kept {
    world: World,
    serve: Serve,
    releases: [String; 2],
    _workspace: Workspace,
}

impl Kept {
    async fn open(store: &str) -> Self {
        Self::open_with(store, "").await
    }

    /// With further settings of `[cache]`.
    async fn open_with(store: &str, settings: &str) -> Self {
        let cache = format!("tier = \"exact\"\nstore = \"{store}\"\nsecret = \"file:cache.key\"\n{settings}");
        let (world, workspace, serve) = World::serving(|workspace: &Workspace| {
            workspace.write("cache.key", "secret-of-this-installation");
            workspace.change("goldgate.toml", "tier = \"off\"", &cache);
        })
        .await;
        let releases = ["blue", "green"].map(|slot| workspace.short_id(slot));
        Self { world, serve, releases, _workspace: workspace }
    }

    /// Asks; whoever answers, it is that release's own answer.
    async fn ask(&self, stream: bool) -> (String, String) {
        let ask = Ask { stream, ..Ask::new(&self.world.book.questions[QUESTION]) };
        let answer = self.serve.clients.ask(&ask).await.expect("an answer");
        let model = if answer.release == self.releases[0] { BLUE } else { GREEN };
        assert_eq!(answer.content, self.world.book.answer(model, QUESTION));
        (answer.release, answer.cache)
    }

    async fn check(&self, stream: bool, slot: usize, cache: &str) {
        assert_eq!(self.ask(stream).await, (self.releases[slot].clone(), cache.to_owned()), "{stream}");
    }

    async fn flip(&self) {
        self.serve.admin.start("r1").await;
        self.serve.admin.wait_for_stage("mirror").await;
        // Nobody asks anything new, so there is no evidence: an operator takes every step.
        while self.serve.admin.verb("promote").await["decided"]["ending"] != "promoted" {}
    }

    async fn roll_back(&self) {
        let back = self.serve.admin.verb("rollback").await;
        assert_eq!(back["decided"]["ending"], "operator");
        assert_eq!(self.serve.admin.routes().await["baseline"], "blue");
    }

    /// Hits and misses of a release; prints them, too.
    async fn counts(&self, slot: usize, when: &str) -> (u64, u64) {
        let stats = self.serve.admin.cache().await;
        let all = stats["namespaces"].as_array().expect("a list");
        let is_its =
            |one: &&Value| one["release"].as_str().is_some_and(|id| id.starts_with(&self.releases[slot]));
        let count =
            |name: &str| all.iter().find(is_its).map_or(0, |one| one[name].as_u64().expect("a count"));
        let (hits, misses) = (count("hits"), count("misses"));
        println!("{when:<22} {:<17} hits {hits:>2}  misses {misses:>2}", self.releases[slot]);
        (hits, misses)
    }

    async fn both(&self, when: &str) -> [(u64, u64); 2] {
        [self.counts(0, when).await, self.counts(1, when).await]
    }
}

#[tokio::test]
async fn the_cache_remembers_by_release_through_a_flip_and_back() {
    let kept = Kept::open("memory").await;
    for (stream, cache) in [(true, "miss"), (false, "hit"), (true, "hit")] {
        kept.check(stream, 0, cache).await;
    }
    assert_eq!(kept.both("before the flip").await, [(2, 1), (0, 0)]);
    kept.flip().await;
    for (stream, cache) in [(false, "miss"), (true, "hit")] {
        kept.check(stream, 1, cache).await;
    }
    assert_eq!(kept.both("after the flip").await, [(2, 1), (1, 1)]);
    kept.roll_back().await;
    for stream in [true, false] {
        kept.check(stream, 0, "hit").await;
    }
    assert_eq!(kept.both("after the rollback").await, [(4, 1), (1, 1)]);
    kept.serve.admin.revoke(&kept.releases[0]).await;
    kept.check(true, 0, "bypass").await;
    assert_eq!(kept.serve.stop().await.code, Some(0));
}

#[tokio::test]
async fn what_clients_ask_most_is_warm_on_the_other_release_before_it_serves() {
    let kept = Kept::open_with("memory", "warm_up = { anonymous = true, per_second = 100 }").await;
    for cache in ["miss", "hit"] {
        kept.check(true, 0, cache).await;
    }
    assert_eq!(kept.both("before the flip").await, [(1, 1), (0, 0)]);
    kept.flip().await;
    for stream in [true, false] {
        kept.check(stream, 1, "hit").await;
    }
    assert_eq!(kept.both("after the flip").await, [(1, 1), (2, 0)]);
    assert_eq!(kept.serve.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_shared_store_keeps_releases_apart_and_a_dead_one_is_only_a_miss() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let folder = Workspace::empty();
    let dir = folder.root().to_str().unwrap();
    let redis = Process::program(
        "redis-server",
        &["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir", dir],
    );
    let kept = Kept::open(&format!("redis://127.0.0.1:{port}")).await;
    // A busy machine may be too slow for the limit of a look-up: then it is a miss, and asked again.
    let hit = async |slot: usize| {
        let is_hit = async || {
            let (release, cache) = kept.ask(true).await;
            assert_eq!(release, kept.releases[slot]);
            (cache == "hit").then_some(())
        };
        until("a hit", is_hit).await;
    };
    hit(0).await;
    kept.flip().await;
    hit(1).await;
    kept.roll_back().await;
    hit(0).await;
    redis.kill().await;
    for _ in 0..5 {
        kept.check(true, 0, "miss").await;
    }
    assert_eq!(kept.serve.stop().await.code, Some(0));
}
