//! An admin port over real sockets, in front of a control task on a temporary store: for tests of both its ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Access, AdminParts, CacheParts, bind};
use crate::control::{Control, ControlParts, ControlTask, Releases};
use crate::domain::{PolicyDigest, ReleaseId, Share, Slot};
use crate::judgment::Policy;
use crate::rollout::{OnInconclusive, Plan, Ramp, Window};
use crate::routing::{MirrorPlan, RouteTable};
use crate::store::Store;
use crate::telemetry::SystemClock;

/// An open admin port and everything behind it.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    client: reqwest::Client,
    stop: CancellationToken,
    serving: JoinSet<std::io::Result<()>>,
    task: ControlTask,
    _dir: TempDir,
}

pub(super) fn parts(dir: &TempDir, store: Store) -> ControlParts {
    let hour = Duration::from_secs(3_600);
    let (_, samples) = mpsc::channel(1);
    ControlParts {
        store,
        clock: Arc::new(SystemClock::start()),
        table: Arc::new(ArcSwap::from_pointee(RouteTable::steady(1, 0, Slot::Blue))),
        samples,
        scores: Vec::new(),
        tenant_max: None,
        policy: Policy::default_live(),
        policy_digest: PolicyDigest::from("pol:1"),
        plan: Plan {
            mirror: Window::new(hour, hour).unwrap(),
            copies: MirrorPlan { share: Share::from_ppm(10_000), null_share: Share::ZERO },
            copies_max: Share::from_ppm(100_000),
            ramp: Ramp::new(vec![Share::from_ppm(250_000), Share::FULL]).unwrap(),
            dwell: Window::new(hour, hour).unwrap(),
            drain: hour,
            keep_warm: hour,
            on_inconclusive: OnInconclusive::Hold,
        },
        releases: Releases { blue: ReleaseId::from("rel:blue"), green: ReleaseId::from("rel:green") },
        evidence_dir: dir.path().join("evidence"),
        gate: Arc::new(|_| futures_util::future::pending().boxed()),
        prepare: Arc::new(|_| futures_util::future::pending().boxed()),
        in_flight: Arc::new(|_| 0),
        tick: hour,
    }
}

/// A port in front of a candidate that never becomes ready.
pub(crate) async fn open(access: Access) -> Port {
    open_with(access, |_| {}).await
}

/// A port that also reaches a cache.
pub(crate) async fn open_cached(cache: CacheParts) -> Port {
    open_all(Access::Loopback, Some(cache), |_| {}).await
}

/// A port in front of a control task of which `change` was made something else.
pub(crate) async fn open_with(access: Access, change: impl FnOnce(&mut ControlParts)) -> Port {
    open_all(access, None, change).await
}

async fn open_all(access: Access, cache: Option<CacheParts>, change: impl FnOnce(&mut ControlParts)) -> Port {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&format!("sqlite:{}", dir.path().join("state.db").display())).await.unwrap();
    let mut parts = parts(&dir, store);
    change(&mut parts);
    let (control, task) = Control::spawn(parts).await.unwrap();
    let metrics = Arc::new(|| "goldgate_up 1\n".to_owned());
    let server =
        bind("127.0.0.1:0".parse().unwrap(), AdminParts { control, metrics, cache, access }).await.unwrap();
    let address = server.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    serving.spawn(server.serve(stop.clone()));
    // Another test may have installed it: one is enough.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Port { address, client, stop, serving, task, _dir: dir }
}

impl Port {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.request(Method::POST, path).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        self.serving.join_next().await.unwrap().unwrap().unwrap();
        self.task.stop().await;
    }
}
