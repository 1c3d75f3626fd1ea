//! The cache through a flip and a rollback, in memory and in a real Redis, and behind TLS.

use std::path::Path;

use serde_json::{Value, json};

use crate::rig::{Ask, BLUE, GREEN, Process, Serve, TRUSTED, Workspace, until};
use crate::serve::World;
use crate::template::prompts;

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
        Self::opened(store, "", "").await
    }

    /// With further settings of `[cache]`.
    async fn open_with(store: &str, settings: &str) -> Self {
        Self::opened(store, settings, "").await
    }

    /// The same where no certificates are trusted but these.
    async fn trusting(store: &str, certificates: &str) -> Self {
        Self::opened(store, "", certificates).await
    }

    async fn opened(store: &str, settings: &str, certificates: &str) -> Self {
        let cache = format!("tier = \"exact\"\nstore = \"{store}\"\nsecret = \"file:cache.key\"\n{settings}");
        let (world, workspace, serve) = World::serving(|workspace: &Workspace| {
            workspace.write("cache.key", "secret-of-this-installation");
            if !certificates.is_empty() {
                workspace.write(TRUSTED, certificates);
            }
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

    /// Asks until it is a hit: a busy machine may be too slow for the limit of a look-up, which then is a miss.
    async fn hits(&self, slot: usize) {
        let is_hit = async || {
            let (release, cache) = self.ask(true).await;
            assert_eq!(release, self.releases[slot]);
            (cache == "hit").then_some(())
        };
        until("a hit", is_hit).await;
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
async fn a_candidate_whose_template_lost_the_question_is_sent_back_in_its_warm_up() {
    let (world, workspace, serve) = World::serving(|workspace| {
        prompts(workspace);
        workspace.write("releases/green/ask.j2", "Say hello.");
        workspace.lock("green");
        let cache = "tier = \"exact\"\nwarm_up = { anonymous = true, per_second = 100 }";
        workspace.change("goldgate.toml", "tier = \"off\"", cache);
        let metric = "name = \"disagreement\"";
        let both = format!("name = \"sameness\"\nmargin = 0.1\n\n[[judge.metrics]]\n{metric}");
        workspace.change("goldgate.toml", metric, &both);
    })
    .await;
    for question in world.book.questions.iter().take(40) {
        let prompt = json!({"id": "ask", "variables": {"question": question}});
        let ask = Ask { fields: json!({"messages": null, "prompt": prompt}), ..Ask::new("") };
        for _ in 0..2 {
            serve.clients.ask(&ask).await.expect("an answer");
        }
    }
    serve.admin.start("r1").await;
    let over = serve.admin.wait("end of the rollout", |status| status["mode"] == "over").await;
    assert_eq!(over["decided"]["ending"], "regression_proven", "{over:#}");
    let why = over["decided"]["why"].as_str().expect("why");
    assert!(why.contains("sameness: worse by") && why.contains("in the warm-up"), "{why}");
    assert!(serve.admin.history().await.last().is_some_and(|last| last.contains("prepare → rolled back")));
    assert!(workspace.path("evidence/rollout=r1+warm_up/stage=0-prepare").is_dir());
    assert_eq!(serve.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_shared_store_keeps_releases_apart_and_a_dead_one_is_only_a_miss() {
    let (port, folder) = (free_port(), Workspace::empty());
    let redis = redis(folder.root(), &["--port", &port]);
    let kept = Kept::open(&format!("redis://127.0.0.1:{port}")).await;
    kept.hits(0).await;
    kept.flip().await;
    kept.hits(1).await;
    kept.roll_back().await;
    kept.hits(0).await;
    redis.kill().await;
    for _ in 0..5 {
        kept.check(true, 0, "miss").await;
    }
    assert_eq!(kept.serve.stop().await.code, Some(0));
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port().to_string()
}

fn redis(folder: &Path, args: &[&str]) -> Process {
    let dir = folder.to_str().expect("a path");
    let args = [args, &["--bind", "127.0.0.1", "--save", "", "--dir", dir]].concat();
    Process::program("redis-server", &args)
}

/// A key and a certificate of this machine, signed by itself; gives the certificate.
fn certificate(folder: &Path) -> String {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl is installed (`bash tests/run` installs it)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read_to_string(folder.join("cert.pem")).expect("a certificate")
}

#[tokio::test]
async fn a_store_behind_tls_is_used_where_its_certificate_is_trusted_and_only_there() {
    let (port, folder, stranger) = (free_port(), Workspace::empty(), Workspace::empty());
    let trusted = certificate(folder.root());
    let path = |name: &str| folder.path(name).to_str().expect("a path").to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let tls = ["--port", "0", "--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key];
    let _redis = redis(folder.root(), &[&tls[..], &["--tls-auth-clients", "no"]].concat());
    let store = format!("rediss://127.0.0.1:{port}");
    let kept = Kept::trusting(&store, &trusted).await;
    kept.hits(0).await;
    let other = Kept::trusting(&store, &certificate(stranger.root())).await;
    for _ in 0..5 {
        other.check(true, 0, "miss").await;
    }
    for kept in [kept, other] {
        assert_eq!(kept.serve.stop().await.code, Some(0));
    }
}
