//! Sends one request and watches its answer; the clock starts when the request was due, not when it left.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response};
use tokio::time::timeout;

use super::{Endpoint, probe, request};
use crate::domain::Arm;
use crate::evals::dataset::Case;
use crate::evals::error::EvalError;
use crate::evals::suite::Suite;
use crate::telemetry::Clock;
use crate::upstream::Timeouts;
use crate::wire::{Answer, End, ResponseObserver};

/// Names the case that a request belongs to.
const CASE_HEADER: &str = "x-goldgate-case";

/// An engine that answered the probe.
#[derive(Debug)]
pub(in crate::evals) struct Engine {
    http: Client,
    arm: Arm,
    endpoint: Endpoint,
    model: String,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
}

impl Engine {
    /// Reaches the engine and learns its model's name.
    pub(in crate::evals) async fn connect(
        arm: Arm,
        endpoint: Endpoint,
        suite: &Suite,
        timeouts: Timeouts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EvalError> {
        let http = client(timeouts.connect)?;
        let listed = timeout(timeouts.first_byte, probe::first_model(&http, arm, &endpoint)).await;
        let listed = listed.unwrap_or_else(|_| {
            let text = format!("no answer within {} s", timeouts.first_byte.as_secs_f64());
            Err(EvalError::Unreachable { arm, url: endpoint.url.clone(), text })
        })?;
        let released = endpoint.release.as_ref().map(|release| release.model().to_owned());
        let named = endpoint.model.clone().or(released).or_else(|| suite.request.model.clone());
        let Some(model) = named.or(listed) else {
            return Err(EvalError::NoModel { arm, url: endpoint.url });
        };
        Ok(Self { http, arm, endpoint, model, timeouts, clock })
    }

    /// Asks one case. The clocks of the answer count from `due_ms` on the run's clock. `None` when nothing came that an
    /// engine said (refused, cut or silent before the head): how it would have answered is not known.
    ///
    /// # Errors
    /// When the case cannot be made into a request, or a web page comes back: then nothing that follows is evidence.
    pub(in crate::evals) async fn ask(
        &self,
        suite: &Suite,
        case: &Case,
        due_ms: f64,
    ) -> Result<Option<Answer>, EvalError> {
        let body = request::body(suite, &self.endpoint, &self.model, case)?;
        let url = format!("{}/v1/chat/completions", self.endpoint.url);
        let mut request = self.http.post(&url).json(&body);
        // For logs, and for engines that replay; an id that cannot stand in a header is left out.
        if let Ok(id) = HeaderValue::from_str(&case.id) {
            request = request.header(CASE_HEADER, id);
        }
        if let Some(key) = &self.endpoint.key {
            request = request.bearer_auth(key);
        }
        let mut observer = ResponseObserver::new(self.since(due_ms));
        let Ok(Ok(response)) = timeout(self.head_limit(), request.send()).await else {
            return Ok(None);
        };
        if let Some(found) = probe::web_page(&response).filter(|_| response.status().is_success()) {
            return Err(EvalError::NotAnEngine { arm: self.arm, url, found });
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        observer.headers(response.status().as_u16(), content_type, self.since(due_ms));
        let end = self.read(response, &mut observer, due_ms).await;
        Ok(Some(observer.finish(end, self.since(due_ms))))
    }

    async fn read(&self, mut response: Response, observer: &mut ResponseObserver, due_ms: f64) -> End {
        let mut limit = self.timeouts.first_byte;
        loop {
            let left = self.timeouts.total.map(|total| total.saturating_sub(ms(self.since(due_ms))));
            match timeout(left.map_or(limit, |left| left.min(limit)), response.chunk()).await {
                Ok(Ok(Some(piece))) => observer.push(&piece, self.since(due_ms)),
                Ok(Ok(None)) => return End::Clean,
                Ok(Err(_)) => return End::Broken,
                Err(_) => return End::Stalled,
            }
            if observer.is_terminated() {
                return End::Clean;
            }
            limit = self.timeouts.idle;
        }
    }

    fn head_limit(&self) -> Duration {
        self.timeouts.total.map_or(self.timeouts.first_byte, |total| total.min(self.timeouts.first_byte))
    }

    fn since(&self, due_ms: f64) -> f64 {
        self.clock.monotonic_ms() - due_ms
    }
}

fn ms(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default()
}

fn client(connect: Duration) -> Result<Client, EvalError> {
    // An error means that a provider stands already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A connection for each request. One that is kept may be closed by the engine just when it is used again
    // (llama-server closes each after a hundred answers), and that answer would be lost for no fault of its arm.
    let builder =
        Client::builder().no_proxy().connect_timeout(connect).tcp_nodelay(true).pool_max_idle_per_host(0);
    builder.build().map_err(|error| EvalError::Client(probe::innermost(&error)))
}
