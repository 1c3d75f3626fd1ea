//! What the cache costs: look-ups in memory and in Redis, the nearest of 10,000 questions, a flip and a revocation with a million
//! entries, and an answer that is kept through the proxy.
//!
//! Redis is measured beside a `PING`, by redis-cli and on a connection of the bench's own, in the same run; `redis-server` must be
//! installed.

#![expect(clippy::unwrap_used, reason = "a benchmark of refused input measures nothing")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use criterion::{BatchSize, Criterion, SamplingMode, criterion_group, criterion_main};
use goldgate::cache::{
    Alike, Answer, Cache, CacheOptions, Change, Found, Question, Request, SemanticOptions, Tenant,
    TenantSecret,
};
use goldgate::domain::{Arm, ReleaseId, Slot, VectorSource};
use goldgate::proxy::{Deployed, Occupant, ProxyOptions, ProxyParts, Running, Slots, start};
use goldgate::routing::RouteTable;
use goldgate::telemetry::{Clock, SystemClock};
use goldgate::upstream::{Pool, PoolOptions, Timeouts};
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

/// A flip is one published table, and the first look goes into another room: nothing is moved or deleted, whatever is in the first.
fn flip(criterion: &mut Criterion) {
    let runtime = runtime();
    for entries in [1_000, ENTRIES_FLIPPED] {
        let cache = Cache::in_memory(options(), clock(), None).unwrap();
        let (blue, green) = (ReleaseId::from("sem:blue"), ReleaseId::from("sem:green"));
        runtime.block_on(fill(&cache, &blue, entries));
        let text = body(entries / 2);
        let published = ArcSwap::from_pointee(RouteTable::steady(1, 7, Slot::Blue));
        let mut version = 1;
        let mut moved_to = |slot: Slot| {
            version += 1;
            published.store(Arc::new(RouteTable::steady(version, 7, slot)));
            let table = published.load_full();
            let release = if table.slot(Arm::Baseline) == Slot::Blue { &blue } else { &green };
            runtime.block_on(cache.look_up(black_box(&request(release, &text))))
        };
        criterion.bench_function(&format!("flip_and_back_with_{entries}_entries"), |bencher| {
            bencher.iter(|| {
                let (flipped, back) = (moved_to(Slot::Green), moved_to(Slot::Blue));
                assert!(matches!((flipped, back), (Found::Miss(_), Found::Hit(_))));
            });
        });
    }
}

/// Until a million answers are unreadable for everybody; their memory is freed after that.
fn revoke(criterion: &mut Criterion) {
    let runtime = runtime();
    let blue = ReleaseId::from("sem:blue");
    let mut group = criterion.benchmark_group("revoke");
    group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(1));
    group.measurement_time(Duration::from_millis(1));
    group.bench_function(format!("with_{ENTRIES_FLIPPED}_entries"), |bencher| {
        let filled = || {
            let cache = Cache::in_memory(options(), clock(), None).unwrap();
            runtime.block_on(fill(&cache, &blue, ENTRIES_FLIPPED));
            cache
        };
        let revoked = |cache: Cache| {
            runtime.block_on(cache.change(&Change::Revoke(blue.clone()))).unwrap();
            cache
        };
        bencher.iter_batched(filled, revoked, BatchSize::PerIteration);
    });
    group.finish();
}

/// From the client's last byte to the first byte of an answer that is kept, over loopback, through a whole proxy.
fn replay(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let engine = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = runtime.block_on(proxy(engine.local_addr().unwrap()));
    std::thread::spawn(move || answer_once(&engine));
    let mut client = TcpStream::connect(proxy.addr()).unwrap();
    client.set_nodelay(true).unwrap();
    let body = body(1);
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut ask = move || {
        client.write_all(request.as_bytes()).unwrap();
        let (mut held, mut length) = ([0; 8_192], 0);
        while !held[..length].ends_with(b"]}") {
            length += client.read(&mut held[length..]).unwrap();
        }
        String::from_utf8_lossy(&held[..length]).contains("x-goldgate-cache: hit")
    };
    assert!(!ask());
    criterion.bench_function("hit_through_the_proxy", |bencher| bencher.iter(|| assert!(ask())));
}

async fn proxy(engine: SocketAddr) -> Running {
    let (clock, endpoint) = (clock(), format!("http://{engine}").parse().unwrap());
    let pool = PoolOptions { endpoints: vec![endpoint], timeouts: Timeouts::default() };
    let pool = Arc::new(Pool::new(pool, Arc::clone(&clock)).unwrap());
    let deployed = Deployed {
        sem: ReleaseId::from("sem:blue"),
        model: None,
        sampling: serde_json::Map::new(),
        client_may_set: None,
        salts_prefixes: false,
        prompts: Arc::default(),
    };
    let slots = Arc::new(Slots::new());
    slots.occupy(Slot::Blue, Some(Occupant { pool, deployed: Arc::new(deployed) }));
    let parts = ProxyParts {
        table: Arc::new(ArcSwap::from_pointee(RouteTable::steady(1, 7, Slot::Blue))),
        slots,
        cache: Some(Arc::new(Cache::in_memory(options(), Arc::clone(&clock), None).unwrap())),
        warm_up: None,
        samples: tokio::sync::mpsc::channel(16).0,
        graders: Vec::new(),
        clock,
        counters: Arc::default(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    start(ProxyOptions::default(), parts, listener).unwrap()
}

/// The engine: one whole answer.
fn answer_once(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let body = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"An answer."},"finish_reason":"stop"}]}"#;
    let mut held = [0; 8_192];
    assert!(stream.read(&mut held).unwrap() > 0);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let _ = stream.read(&mut held);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

criterion_group!(benches, in_memory, semantic, in_redis, flip, revoke, replay);
criterion_main!(benches);
