//! The routes, and the door in front of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use tokio_util::sync::CancellationToken;

use super::answers::CacheParts;
use super::auth::Access;
use super::problem::Problem;
use super::{answers, dashboard, events, rollouts};
use crate::control::Handle;

/// All metrics of the process in the Prometheus text format.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// What the admin port is made of.
#[derive(Clone)]
pub struct AdminParts {
    /// The control task.
    pub control: Handle,
    /// Writes the metrics.
    pub metrics: MetricsText,
    /// The response cache; `None` when it is off.
    pub cache: Option<CacheParts>,
    /// Who may do what.
    pub access: Access,
}

/// What every handler has.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) control: Handle,
    pub(super) stop: CancellationToken,
    pub(super) cache: Option<CacheParts>,
    metrics: MetricsText,
    access: Access,
}

/// The whole port as one router. Event streams end when `stop` is cancelled.
pub(super) fn router(parts: AdminParts, stop: CancellationToken) -> Router {
    let AdminParts { control, metrics, cache, access } = parts;
    let shared = Shared { control, stop, cache, metrics, access };
    let api = Router::new()
        .route("/rollouts", post(rollouts::start).get(rollouts::list))
        .route("/rollouts/{id}", get(rollouts::one))
        .route("/rollouts/{id}/history", get(rollouts::history))
        .route("/rollouts/{id}/{verb}", post(rollouts::command))
        .route("/verdicts", get(rollouts::verdicts))
        .route("/ledger", get(rollouts::ledger))
        .route("/margins", get(rollouts::margins))
        .route("/routes", get(rollouts::routes))
        .route("/cache", get(answers::stats).delete(answers::purge))
        .route("/cache/entries/{id}", delete(answers::remove))
        .route("/cache/revoke", post(answers::revoke))
        .route("/events", get(events::stream));
    Router::new()
        .nest("/api/v1", api)
        .route("/", get(dashboard::page))
        .route("/metrics", get(metrics_text))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(|request: Request| async move {
            Problem::not_found(format!("there is nothing at {}", request.uri().path()))
        })
        .layer(middleware::from_fn_with_state(shared.clone(), door))
        .with_state(shared)
}

async fn door(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match shared.access.check(request.method(), request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn metrics_text(State(shared): State<Shared>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (shared.metrics)())
}

/// Ready as long as somebody decides. A lost store is no reason to take the proxy out: it serves, from the
/// baseline, and says so in the rollout's status.
async fn ready(State(shared): State<Shared>) -> impl IntoResponse {
    if shared.control.watch().has_changed().is_ok() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the controller has stopped\n")
    }
}
