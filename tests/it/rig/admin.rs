//! The operator, over the admin API.

use serde_json::{Value, json};

use super::deadline::{DEADLINE, until};
use super::{Metrics, within};

/// Speaks to one admin port.
#[derive(Clone)]
pub(crate) struct Admin {
    url: String,
    http: reqwest::Client,
}

impl Admin {
    pub(crate) fn of(url: &str) -> Self {
        Self { url: url.to_owned(), http: http() }
    }

    /// Where `path` is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn get(&self, path: &str) -> String {
        let text = async { self.http.get(self.url(path)).send().await?.error_for_status()?.text().await };
        within(path, text).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let sent = async {
            let response = self.http.post(self.url(path)).json(&body).send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>((status, response.json().await?))
        };
        within(path, sent).await.unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Starts a rollout.
    pub(crate) async fn start(&self, id: &str) {
        let (status, body) = self.post("/api/v1/rollouts", json!({"id": id})).await;
        assert_eq!((status, body["id"].as_str()), (201, Some(id)), "{body}");
    }

    /// Gives a verb for the latest rollout, which must be permitted.
    pub(crate) async fn verb(&self, verb: &str) -> Value {
        let (status, body) =
            self.post(&format!("/api/v1/rollouts/latest/{verb}"), json!({"why": "a test"})).await;
        assert_eq!(status, 200, "{verb}: {body}");
        body
    }

    /// How the latest rollout stands.
    pub(crate) async fn status(&self) -> Value {
        self.json("/api/v1/rollouts/latest").await
    }

    /// What the cache counted.
    pub(crate) async fn cache(&self) -> Value {
        self.json("/api/v1/cache").await
    }

    /// Makes a release's answers unreadable for ever.
    pub(crate) async fn revoke(&self, release: &str) {
        let (status, body) = self.post("/api/v1/cache/revoke", json!({"release": release})).await;
        assert_eq!(status, 200, "{body}");
    }

    /// The published table.
    pub(crate) async fn routes(&self) -> Value {
        self.json("/api/v1/routes").await
    }

    /// Every sentence of the latest rollout's history.
    pub(crate) async fn history(&self) -> Vec<String> {
        let all = self.json("/api/v1/rollouts/latest/history").await;
        let notes = all["notes"].as_array().cloned().unwrap_or_default();
        notes.iter().map(|note| format!("{}: {}", note["stage"], note["text"])).collect()
    }

    pub(crate) async fn metrics(&self) -> Metrics {
        Metrics::parse(&self.get("/metrics").await)
    }

    /// Waits until the latest rollout stands as `wanted` says, and gives its status. Without luck, tells how it stood instead.
    pub(crate) async fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let looks = until(what, async || Some(self.status().await).filter(&wanted));
        // A little earlier than the deadline of the looks, to be able to say more.
        match tokio::time::timeout(DEADLINE.mul_f64(0.9), looks).await {
            Ok(status) => status,
            Err(_) => panic!("no {what}; it stands:\n{:#}\n{:#?}", self.status().await, self.history().await),
        }
    }

    /// Waits until the latest rollout stands in `stage`.
    pub(crate) async fn wait_for_stage(&self, stage: &str) -> Value {
        self.wait(stage, |status| status["stage"] == stage).await
    }
}

/// A client of this machine alone. Its TLS is never used, and it wants a provider all the same.
pub(super) fn http() -> reqwest::Client {
    // An error means that a provider stands already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().expect("an HTTP client")
}
