//! Scripted engines that are exchanged, busy or away between two looks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::HeaderMap;

use super::*;
use crate::cache::{Answer, CacheOptions, Found, Request, Tenant, TenantSecret};
use crate::domain::Arm;
use crate::release::FileHashes;
use crate::telemetry::SystemClock;
use crate::upstream::testing::{Engine, Seen, Step, whole};
use crate::upstream::{PoolOptions, Timeouts};

const MANIFEST: &str = "name = \"v2\"\n[model]\nid = \"m\"\n[engine]\nkind = \"vllm\"\n";

fn told(build: &str, tokens: &str) -> EngineReport {
    let text = |text: &str| Some(text.to_owned());
    EngineReport { build: text(build), tokens: text(tokens), ..EngineReport::default() }
}

fn locked(told: EngineReport) -> Lock {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("release.toml");
    std::fs::write(&manifest, MANIFEST).unwrap();
    Lock::resolve_with(&manifest, &mut FileHashes::unkept(), Some(told)).unwrap()
}

/// What an engine is at the moment.
#[derive(Debug, Default)]
struct Script {
    /// Which of two tokenizers it has.
    token: AtomicUsize,
    does_not_tell: AtomicBool,
    is_loading: AtomicBool,
}

impl Script {
    fn steps(&self, seen: &Seen) -> Vec<Step> {
        let is_busy = match seen.head.split(' ').nth(1) {
            Some("/tokenize") => self.does_not_tell.load(SeqCst) || self.is_loading.load(SeqCst),
            Some("/v1/chat/completions") => self.is_loading.load(SeqCst),
            _ => return vec![Step::Send(whole("404 Not Found", "application/json", "{}"))],
        };
        let status = if is_busy { "503 Service Unavailable" } else { "200 OK" };
        let body = format!(r#"{{"tokens":[{}]}}"#, self.token.load(SeqCst));
        vec![Step::Send(whole(status, "application/json", &body))]
    }
}

/// Engines of one slot, each of them what the lock says.
struct Slotted {
    scripts: Vec<Arc<Script>>,
    engines: Vec<Engine>,
    watch: Watch,
}

impl Slotted {
    async fn of(count: usize) -> Self {
        let scripts: Vec<_> = (0..count).map(|_| Arc::new(Script::default())).collect();
        let mut engines = Vec::new();
        for script in scripts.iter().map(Arc::clone) {
            engines.push(Engine::start(move |seen| script.steps(seen)).await);
        }
        let endpoints = engines.iter().map(Engine::endpoint).collect();
        let options = PoolOptions { endpoints, timeouts: Timeouts::default() };
        let pool = Arc::new(Pool::new(options, Arc::new(SystemClock::start())).unwrap());
        let told = upstream::report(&pool, 0, "m").await.unwrap();
        let attested = Attested::new(Slot::Green, pool, Arc::new(locked(told)));
        Self { scripts, engines, watch: Watch::new(Arc::new(attested)) }
    }

    async fn look(&mut self, second: u64) -> Option<String> {
        self.watch.look(Duration::from_secs(second)).await
    }

    /// Whether the only engine's answers count, and whether it is known to be something else.
    fn counts(&self) -> (bool, bool) {
        let identity = self.watch.slot.pool.identity(0);
        (identity.vouches_for(None), identity.has_drifted())
    }
}

#[test]
fn an_engine_must_be_its_release_and_what_the_others_of_its_slot_are() {
    let lock = locked(EngineReport { build: None, ..told("b1", "t1") });
    let check = |told: &EngineReport, expected: Option<&str>| {
        let first = ("a:1", self::told("b1", "t1"));
        assert_eq!(drift(&lock, "b:1", told, Some(first)).as_deref(), expected);
    };
    check(&told("b1", "t1"), None);
    check(
        &told("b1", "t2"),
        Some("b:1 is not release v2: tokens of fixed conversations: t1 was locked, and the engine has t2"),
    );
    check(
        &told("b2", "t1"),
        Some("b:1 and a:1 serve release v2 and are not alike: build is b2 here and b1 there"),
    );
    assert_eq!(drift(&lock, "a:1", &told("b2", "t1"), None), None);
}

#[tokio::test]
async fn an_engine_counts_once_it_was_asked_and_no_longer_when_it_is_another() {
    let mut one = Slotted::of(1).await;
    assert_eq!(one.counts(), (false, false), "nobody asked yet");
    assert_eq!(one.look(0).await, None);
    assert_eq!(one.counts(), (true, false));
    one.scripts[0].token.store(1, SeqCst);
    assert_eq!(one.look(3_599).await, None);
    let why = one.look(3_600).await.expect("all engines of the slot are something else");
    assert!(why.contains("is not release v2: tokens of fixed conversations"), "{why}");
    assert_eq!(one.counts(), (false, true));
    one.scripts[0].token.store(0, SeqCst);
    one.look(3_659).await;
    assert_eq!(one.counts(), (false, true));
    one.look(3_660).await;
    assert_eq!(one.counts(), (true, false), "whoever put it back waits a minute");
}

#[tokio::test]
async fn an_engine_that_cannot_be_asked_is_no_other_engine_and_is_asked_again_within_a_minute() {
    let mut one = Slotted::of(1).await;
    one.scripts[0].does_not_tell.store(true, SeqCst);
    assert_eq!(one.look(0).await, None, "no candidate is taken back for it");
    assert_eq!(one.counts(), (false, false));
    one.scripts[0].does_not_tell.store(false, SeqCst);
    one.look(59).await;
    assert_eq!(one.counts(), (false, false));
    one.look(60).await;
    assert_eq!(one.counts(), (true, false));
}

#[tokio::test]
async fn an_engine_that_still_starts_is_asked_as_soon_as_it_answers() {
    let mut one = Slotted::of(1).await;
    one.scripts[0].is_loading.store(true, SeqCst);
    one.look(0).await;
    one.look(5).await;
    assert_eq!(one.counts(), (false, false));
    one.scripts[0].is_loading.store(false, SeqCst);
    one.look(10).await;
    assert_eq!(one.counts(), (true, false));
}

#[tokio::test]
async fn only_the_engine_that_may_have_been_exchanged_is_asked() {
    let mut two = Slotted::of(2).await;
    two.look(0).await;
    let before: Vec<_> = two.engines.iter().map(|engine| engine.seen().len()).collect();
    two.watch.slot.pool.identity(1).doubt("its answers have another fingerprint");
    two.look(5).await;
    let asked: Vec<_> =
        two.engines.iter().zip(&before).map(|(engine, before)| engine.seen().len() > *before).collect();
    assert_eq!(asked, [false, true]);
    assert!(!two.watch.slot.pool.identity(1).has_drifted(), "it is what it was");
}

#[tokio::test]
async fn what_was_cached_of_a_release_is_emptied_when_its_engine_turns_out_to_be_another() {
    let mut one = Slotted::of(1).await;
    let cache = Cache::in_memory(CacheOptions::default(), Arc::new(SystemClock::start()), None).unwrap();
    let release = one.watch.slot.lock.sem();
    let tenant = Tenant::of(&TenantSecret::default(), None);
    let request = Request { release: &release, tenant, family: "/v1/chat/completions", body: b"{}" };
    one.look(0).await;
    one.watch.empty(&cache).await;
    let ticket = cache.ticket(&request).await.unwrap();
    let body = Bytes::from_static(b"of another template");
    let answer = Answer { template: None, arm: Arm::Baseline, headers: HeaderMap::new(), body };
    cache.write(ticket, answer).await;
    one.watch.empty(&cache).await;
    assert!(matches!(cache.look_up(&request).await, Found::Hit(_)), "nothing has happened");
    one.scripts[0].token.store(1, SeqCst);
    one.look(3_600).await;
    one.watch.empty(&cache).await;
    assert!(matches!(cache.look_up(&request).await, Found::Miss(_)));
}
