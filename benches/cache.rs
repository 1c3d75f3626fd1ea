//! What the cache costs: look-ups in memory and in Redis, the nearest of 10,000 questions, and a flip with a million entries.
//!
//! Redis is measured beside a `PING`, by redis-cli and on a connection of the bench's own, in the same run; `redis-server` must be
//! installed.

#![expect(clippy::unwrap_used, reason = "a benchmark of refused input measures nothing")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use goldgate::cache::{
    Alike, Answer, Cache, CacheOptions, Found, Question, Request, SemanticOptions, Tenant, TenantSecret,
};
use goldgate::domain::{Arm, ReleaseId, VectorSource};
use goldgate::telemetry::{Clock, SystemClock};
use goldgate::wire::LastQuestion;
use http::HeaderMap;
use tokio::runtime::Runtime;

/// Entries of the exact look-up.
const ENTRIES: usize = 10_000;
/// Entries of the flip.
const ENTRIES_FLIPPED: usize = 1_000_000;
/// Questions of the semantic look-up.
const QUESTIONS: usize = 10_000;

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::start())
}

fn options() -> CacheOptions {
    CacheOptions { bytes_max: 4 << 30, ..CacheOptions::default() }
}

fn body(number: usize) -> String {
    let (topic, place) = (number % 997, number / 997);
    format!(
        r#"{{"model":"chat","temperature":0,"messages":[{{"role":"user","content":"Compare topic number {topic} of chapter {place} with the one before"}}]}}"#
    )
}

fn request<'a>(release: &'a ReleaseId, body: &'a str) -> Request<'a> {
    let tenant = Tenant::of(&TenantSecret::default(), Some(b"Bearer someone"));
    Request { release, tenant, family: "/v1/chat/completions", body: body.as_bytes() }
}

async fn fill(cache: &Cache, release: &ReleaseId, entries: usize) {
    for number in 0..entries {
        let text = body(number);
        let ticket = cache.ticket(&request(release, &text)).await.unwrap();
        let body = Bytes::from_static(br#"{"choices":[{"message":{"content":"An answer."}}]}"#);
        cache
            .write(ticket, Answer { template: None, arm: Arm::Baseline, headers: HeaderMap::new(), body })
            .await;
    }
}

fn look_up(criterion: &mut Criterion, name: &str, runtime: &Runtime, cache: &Cache, is_hit: bool) {
    let (release, text) = (ReleaseId::from("sem:blue"), body(ENTRIES / 2));
    let asked = request(&release, &text);
    let found = runtime.block_on(cache.look_up(&asked));
    assert_eq!(matches!(found, Found::Hit(_)), is_hit);
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| runtime.block_on(cache.look_up(black_box(&asked))));
    });
}

fn in_memory(criterion: &mut Criterion) {
    let runtime = runtime();
    let cache = Cache::in_memory(options(), clock(), None).unwrap();
    runtime.block_on(fill(&cache, &ReleaseId::from("sem:blue"), ENTRIES));
    look_up(criterion, "exact_look_up_memory", &runtime, &cache, true);
}

fn alike() -> SemanticOptions {
    SemanticOptions {
        vectors: VectorSource::BuiltIn,
        templates: Vec::new(),
        messages: true,
        similarity_min: 0.9,
        gap_min: 0.01,
        audit_every: 20,
        false_hits_max: 0.05,
    }
}

/// Looks for a question in a partition of 10,000 that are all much alike.
fn look_alike(criterion: &mut Criterion, name: &str, runtime: &Runtime, cache: &Cache) {
    let release = ReleaseId::from("sem:alike");
    let look = async |number: usize| {
        let text = body(number);
        let asked = request(&release, &text);
        let ticket = cache.ticket(&asked).await.unwrap();
        let LastQuestion { range, text } = LastQuestion::find(asked.body).unwrap();
        let question = Question { request: asked, range, text: &text, template: None };
        (cache.look_alike(&ticket, &question).await, ticket)
    };
    runtime.block_on(async {
        for number in 0..QUESTIONS {
            if let (Alike::Miss(placed), ticket) = look(number).await {
                cache.learn(&placed, &ticket).await;
            }
        }
    });
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| runtime.block_on(look(black_box(QUESTIONS + 1))));
    });
}

fn semantic(criterion: &mut Criterion) {
    let runtime = runtime();
    let cache = Cache::in_memory(options(), clock(), None).unwrap().with_semantic(alike()).unwrap();
    look_alike(criterion, "semantic_look_up_10000_memory", &runtime, &cache);
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn in_redis(criterion: &mut Criterion) {
    let (runtime, server) = (runtime(), Server::start());
    let mut ping = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    ping.set_nodelay(true).unwrap();
    criterion.bench_function("redis_ping", |bencher| {
        bencher.iter(|| {
            ping.write_all(b"PING\r\n").unwrap();
            let mut pong = [0; 7];
            ping.read_exact(&mut pong).unwrap();
        });
    });
    let port = server.port.to_string();
    criterion.bench_function("redis_cli_ping", |bencher| {
        bencher.iter_custom(|times| {
            let times = times.to_string();
            let mut client = Command::new("redis-cli");
            client.args(["-p", &port, "-r", &times, "PING"]).stdout(Stdio::null());
            let watch = SystemClock::start();
            assert!(client.status().unwrap().success());
            watch.monotonic()
        });
    });
    let url = format!("redis://127.0.0.1:{port}");
    // Its connection is a task of the runtime's.
    let entered = runtime.enter();
    let cache = Cache::in_redis(&url, options(), clock(), None).unwrap().with_semantic(alike()).unwrap();
    drop(entered);
    runtime.block_on(async {
        let release = ReleaseId::from("sem:blue");
        // The first look connects, within the limit of a look-up or not.
        while cache.ticket(&request(&release, &body(0))).await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        fill(&cache, &release, ENTRIES).await;
    });
    look_up(criterion, "exact_look_up_redis", &runtime, &cache, true);
    look_alike(criterion, "semantic_look_up_10000_redis", &runtime, &cache);
}

/// A flip is a look into another room: nothing is moved or deleted, whatever is in the first one.
fn flip(criterion: &mut Criterion) {
    let runtime = runtime();
    for entries in [1_000, ENTRIES_FLIPPED] {
        let cache = Cache::in_memory(options(), clock(), None).unwrap();
        let (blue, green) = (ReleaseId::from("sem:blue"), ReleaseId::from("sem:green"));
        runtime.block_on(fill(&cache, &blue, entries));
        let text = body(entries / 2);
        criterion.bench_function(&format!("flip_and_back_with_{entries}_entries"), |bencher| {
            bencher.iter(|| {
                let flipped = runtime.block_on(cache.look_up(black_box(&request(&green, &text))));
                let back = runtime.block_on(cache.look_up(black_box(&request(&blue, &text))));
                assert!(matches!((flipped, back), (Found::Miss(_), Found::Hit(_))));
            });
        });
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

criterion_group!(benches, in_memory, semantic, in_redis, flip);
criterion_main!(benches);
