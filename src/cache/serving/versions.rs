//! Flips, rollbacks, redeployments, restarts of replicas and of the Redis, revocations, emptied rooms and purges at random, by two
//! replicas on one Redis or Qdrant, while clients ask: no answer is ever one of another release, another tenant, or from before a change that was acknowledged.
//!
//! `CACHE_REQUESTS` and `CACHE_SEED` make a longer run or another one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;
use tokio::sync::RwLock;
use tokio::task::JoinSet;

use super::stores::Shared;
use super::tests::{Question, keep, patient, question, write};
use crate::cache::qdrant::testing::Collection;
use crate::cache::redis::testing::Server;
use crate::cache::{Cache, Change, Selector, Tenant, TenantSecret};
use crate::domain::ReleaseId;
use crate::telemetry::SystemClock;

const REPLICAS: usize = 2;
const CLIENTS_EACH: usize = 2;
/// How often the server dies, over a run of any length.
const KILLS: u64 = 3;
const TENANTS: u64 = 3;
const QUESTIONS: u64 = 4;

/// The oldest moment from which something of a release or of a tenant may be read.
type Since = Mutex<HashMap<String, u64>>;

struct World {
    store: RwLock<Shared>,
    folder: TempDir,
    replicas: Vec<ArcSwap<Cache>>,
    /// The contents in the two slots; each is served at any time.
    slots: [AtomicU64; 2],
    contents: AtomicU64,
    /// Grows before every change.
    moment: AtomicU64,
    since: Since,
    hits: AtomicU64,
    /// How often the world changes while an engine answers.
    overtaken: f64,
}

impl World {
    fn new(store: Shared, overtaken: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let replicas = (0..REPLICAS).map(|number| ArcSwap::new(open(&store, &folder, number))).collect();
        Self {
            store: RwLock::new(store),
            folder,
            replicas,
            slots: [AtomicU64::new(0), AtomicU64::new(1)],
            contents: AtomicU64::new(2),
            moment: AtomicU64::new(0),
            since: Since::default(),
            hits: AtomicU64::new(0),
            overtaken,
        }
    }

    fn since(&self, scope: &str) -> u64 {
        self.since.lock().unwrap().get(scope).copied().unwrap_or(0)
    }

    /// Makes a change; once it is acknowledged nothing from before may be read.
    async fn change(&self, cache: &Cache, scope: &str, change: Change) {
        let moment = self.moment.fetch_add(1, Ordering::SeqCst) + 1;
        if cache.change(&change).await.is_ok() {
            let mut since = self.since.lock().unwrap();
            let known = since.entry(scope.to_owned()).or_default();
            *known = moment.max(*known);
        }
    }

    async fn act(&self, rng: &mut ChaCha8Rng, replica: usize) {
        let cache = self.replicas[replica].load_full();
        let slot = &self.slots[rng.random_range(0..2)];
        let release = release(slot.load(Ordering::SeqCst));
        match rng.random_range(0..7) {
            // Something new, or something that was here before: its own answers are warm.
            0 => slot.store(self.contents.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst),
            1 | 2 => {
                slot.store(rng.random_range(0..self.contents.load(Ordering::SeqCst)), Ordering::SeqCst);
            }
            3 => self.change(&cache, release.as_str(), Change::Revoke(release.clone())).await,
            4 => {
                let (name, tenant) = tenant(rng.random_range(0..TENANTS));
                let selector = Selector { tenant: Some(tenant.hex()), ..Selector::default() };
                self.change(&cache, &name, Change::Purge(selector)).await;
            }
            5 => self.change(&cache, release.as_str(), Change::Empty(release.clone())).await,
            _ => {
                let store = self.store.read().await;
                self.replicas[replica].store(open(&store, &self.folder, replica));
            }
        }
    }

    /// Kills the server in the midst of what clients and replicas do, and lets them go on once it is back and every replica has seen
    /// it: they ask a server that died once a second.
    async fn kill_the_store(&self, pause: &RwLock<()>) {
        let kill = async {
            match &mut *self.store.write().await {
                Shared::Redis(server) => server.kill().await,
                Shared::Qdrant(_) => {}
            }
        };
        // Whoever asks now sees it die, and nobody asks in vain until it is back.
        let ((), _paused) = tokio::join!(kill, pause.write());
        if matches!(&*self.store.read().await, Shared::Qdrant(_)) {
            return;
        }
        if let Shared::Redis(server) = &mut *self.store.write().await {
            server.restart().await;
        }
        for replica in &self.replicas {
            keep(&replica.load_full(), &question("sem:kept"), "x").await;
        }
    }

    async fn ask(&self, rng: &mut ChaCha8Rng, replica: usize) {
        let cache = self.replicas[replica].load_full();
        let release = release(self.slots[rng.random_range(0..2)].load(Ordering::SeqCst));
        let (name, tenant) = tenant(rng.random_range(0..TENANTS));
        let body = format!("{{\"q\":{}}}", rng.random_range(0..QUESTIONS));
        let asked = Question { release, tenant, family: "/v1", body };
        let right = format!("{} {name} {}", asked.release, asked.body);
        let since = self.since(asked.release.as_str()).max(self.since(&name));
        if let Some(found) = asked.ask(&cache).await {
            self.hits.fetch_add(1, Ordering::Relaxed);
            let (what, moment) = found.split_once('@').unwrap();
            assert_eq!(what, right, "another's answer");
            assert!(moment.parse::<u64>().unwrap() >= since, "{right} is from before a change");
            return;
        }
        let moment = self.moment.load(Ordering::SeqCst);
        let Some(ticket) = asked.ticket(&cache).await else { return };
        if rng.random_bool(self.overtaken) {
            // The engine takes its time, and the world goes on.
            Box::pin(self.act(rng, replica)).await;
        }
        write(&cache, ticket, &format!("{right}@{moment}")).await;
    }
}

fn open(store: &Shared, folder: &TempDir, number: usize) -> Arc<Cache> {
    let file = folder.path().join(format!("{number}.json"));
    Arc::new(store.open(patient(), Arc::new(SystemClock::start()), Some(file)).unwrap())
}

fn release(content: u64) -> ReleaseId {
    ReleaseId::new(format!("sem:{content}"))
}

fn tenant(number: u64) -> (String, Tenant) {
    let name = format!("tenant-{number}");
    let tenant = Tenant::of(&TenantSecret::default(), Some(name.as_bytes()));
    (name, tenant)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_of_another_version_whatever_happens_in_redis() {
    let server = Server::with(&["--appendonly", "yes"]).await;
    check(Shared::Redis(Box::new(server)), setting("CACHE_REQUESTS", 6_000), 0.1, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_of_another_version_whatever_happens_in_qdrant() {
    // Slower behind its face: an answer takes longer, and a change of the other clients overtakes it as often without more of them.
    check(Shared::Qdrant(Collection::new()), setting("CACHE_REQUESTS", 6_000) / 3, 0.1, 50).await;
}

/// Makes `requests` requests, of which one in `hit_every` has to be a hit.
async fn check(store: Shared, requests: u64, overtaken: f64, hit_every: u64) {
    let seed = setting("CACHE_SEED", 1);
    let world = Arc::new(World::new(store, overtaken));
    let pause = Arc::new(RwLock::new(()));
    let mut clients = JoinSet::new();
    for client in 0..REPLICAS * CLIENTS_EACH {
        let (world, client_seed) = (Arc::clone(&world), seed.wrapping_mul(1_000) + client as u64);
        let (pause, each) = (Arc::clone(&pause), requests / (REPLICAS * CLIENTS_EACH) as u64);
        clients.spawn(async move {
            let mut rng = ChaCha8Rng::seed_from_u64(client_seed);
            for number in 0..each {
                let running = pause.read().await;
                world.ask(&mut rng, client % REPLICAS).await;
                if rng.random_bool(0.01) {
                    world.act(&mut rng, client % REPLICAS).await;
                }
                drop(running);
                if client == 0 && number % (each / KILLS).max(1) == each / KILLS / 2 {
                    world.kill_the_store(&pause).await;
                }
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let hits = world.hits.load(Ordering::Relaxed);
    println!("{requests} requests, {hits} hits, 0 answers of another version (seed {seed})");
    assert!(hits * hit_every > requests, "only {hits} hits of {requests}: nothing was tested");
}
