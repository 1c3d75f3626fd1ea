//! One engine and goldgate before it, and the same questions to both.

use goldgate::mock_engine::{self, Options};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::official::OFFICIAL;
use super::outcome::{difference, normal};
use crate::rig::{Serve, Workspace};

/// Two ways to one engine.
pub(super) struct Pair {
    direct: String,
    /// What the engine calls its model; through goldgate it is called `chat`.
    model: &'static str,
    pub(super) serve: Serve,
    _workspace: Workspace,
    _engine: Option<mock_engine::Running>,
}

/// What an outcome must be.
pub(super) type Holds = fn(&Value) -> bool;

/// One question to a pair, and what an outcome without goldgate must hold for the comparison to mean something.
pub(super) struct Scenario<'a> {
    pair: &'a Pair,
    name: &'static str,
    pub(super) ask: Value,
    holds: Holds,
}

impl Pair {
    /// Puts goldgate before an engine.
    pub(super) async fn before(url: &str, model: &'static str) -> Self {
        Self::configured(url, model, |_| ()).await
    }

    async fn configured(url: &str, model: &'static str, change: impl FnOnce(&Workspace)) -> Self {
        let workspace = Workspace::rollout(url, url);
        workspace.release("blue", model);
        change(&workspace);
        let serve = Serve::start(&workspace).await;
        Self { direct: url.to_owned(), model, serve, _workspace: workspace, _engine: None }
    }

    /// The same with a mock engine.
    pub(super) async fn mock(options: Options) -> Self {
        Self::mocked(options, |_| ()).await
    }

    /// The same with a cache.
    pub(super) async fn cached(options: Options) -> Self {
        Self::mocked(options, with_cache).await
    }

    /// Puts goldgate with a cache before an engine.
    pub(super) async fn cached_before(url: &str, model: &'static str) -> Self {
        Self::configured(url, model, with_cache).await
    }

    async fn mocked(options: Options, change: impl FnOnce(&Workspace)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let engine = mock_engine::start(options, listener).expect("an engine");
        let pair = Self::configured(&engine.url(), "mock", change).await;
        Self { _engine: Some(engine), ..pair }
    }

    pub(super) fn scenario(&self, name: &'static str, ask: Value, holds: Holds) -> Scenario<'_> {
        Scenario { pair: self, name, ask, holds }
    }

    /// `ask` to the engine itself, and through goldgate.
    pub(super) fn asks(&self, ask: &Value) -> [Value; 2] {
        [(self.direct.as_str(), self.model), (self.serve.clients.url(), "chat")].map(|(url, model)| {
            let mut whole = json!({"url": format!("{url}/v1"), "call": "chat.completions.create", "params": {},
                "extra": {}, "timeout_s": 30, "leave_after": 0});
            for (key, value) in ask.as_object().expect("an ask") {
                whole[key] = value.clone();
            }
            let names_one = whole["call"].as_str().is_some_and(|call| call.ends_with(".create"));
            if names_one && whole["params"]["model"].is_null() {
                whole["params"]["model"] = json!(model);
            }
            whole
        })
    }
}

fn with_cache(workspace: &Workspace) {
    workspace.change("goldgate.toml", "tier = \"off\"", "tier = \"exact\"");
}

/// Asks with every client, in turn, and gives what each made of the two answers: `[direct, proxied]`.
pub(super) async fn both(asks: Vec<[Value; 2]>) -> Vec<[Value; 2]> {
    let asks = asks.concat();
    let mut outcomes = Vec::new();
    for client in OFFICIAL {
        outcomes.extend(client.ask(&asks).await);
    }
    outcomes.chunks_exact(2).map(|two| [normal(two[0].clone()), normal(two[1].clone())]).collect()
}

/// Every client must make the same of both answers to every scenario.
pub(super) async fn check(scenarios: &[Scenario<'_>]) {
    let asks = scenarios.iter().map(|scenario| scenario.pair.asks(&scenario.ask)).collect();
    let clients = OFFICIAL.iter().flat_map(|client| scenarios.iter().map(move |scenario| (client, scenario)));
    for ((client, scenario), [direct, proxied]) in clients.zip(both(asks).await) {
        let what = format!("{}: {}", client.name, scenario.name);
        assert!((scenario.holds)(&direct), "{what}: not what the engine was asked for: {direct:#}");
        let difference = difference(&direct, &proxied);
        assert!(difference.is_none(), "{what}: {}", difference.unwrap_or_default());
    }
}
