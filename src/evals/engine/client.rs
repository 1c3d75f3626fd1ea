//! Sends one request and watches its answer; the clock starts when the request was due, not when it left.
//!
//! An engine that refuses a request because it is full (429, 503) has not answered it: the request is sent again, later,
//! and fewer are sent at once. Every other failure is the arm's answer, and nothing is sent twice.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::flow::Flow;
use super::{Endpoint, probe, request};
use crate::document::parts_digest;
use crate::evals::error::{EvalError, Role};
use crate::evals::order::Turn;
use crate::evals::run::RunOptions;
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
    role: Role,
    endpoint: Endpoint,
    model: String,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
    flow: Flow,
    /// When the run began, by the wall clock.
    began_ms: u64,
}

/// Tries of one request that an engine refuses each time; then its answer is lost.
const TRIES_MAX: u32 = 6;

/// What came of one turn.
#[derive(Debug, Default)]
pub(in crate::evals) struct Asked {
    /// The answer; `None`: nothing came that an engine said, so how it would have answered is not known.
    pub(in crate::evals) answer: Option<Answer>,
    /// How often the engine refused the request before.
    pub(in crate::evals) refused: u32,
}

/// What came of one try.
enum Tried {
    Answered(Answer),
    Lost,
    /// Full: come back, after this time if it said so.
    Refused(Option<Duration>),
}

impl Engine {
    /// Reaches the engine and learns its model's name: the endpoint's own, or else `named`, or else the first it lists.
    pub(in crate::evals) async fn connect(
        role: Role,
        endpoint: Endpoint,
        named: Option<String>,
        RunOptions { timeouts, clock, concurrency, .. }: &RunOptions,
    ) -> Result<Self, EvalError> {
        let (timeouts, clock) = (*timeouts, Arc::clone(clock));
        let http = client(timeouts.connect)?;
        let listed = timeout(timeouts.first_byte, probe::first_model(&http, role, &endpoint)).await;
        let listed = listed.unwrap_or_else(|_| {
            let text = format!("no answer within {} s", timeouts.first_byte.as_secs_f64());
            Err(EvalError::Unreachable { role, url: endpoint.url.clone(), text })
        })?;
        let Some(model) = endpoint.named().or(named).or(listed) else {
            return Err(EvalError::NoModel { role, url: endpoint.url });
        };
        let (flow, began_ms) = (Flow::new(*concurrency), clock.wall().as_millis());
        Ok(Self { http, role, endpoint, model, timeouts, clock, flow, began_ms })
    }

    /// Where it is.
    pub(in crate::evals) fn url(&self) -> &str {
        &self.endpoint.url
    }

    /// The name its model is asked by.
    pub(in crate::evals) fn model(&self) -> &str {
        &self.model
    }

    /// Says what of the suite's sampling its release keeps from it.
    pub(in crate::evals) fn tell_kept(&self, suite: &Suite) {
        let kept = request::kept_from(suite, self.endpoint.release.as_deref());
        if !kept.is_empty() {
            let (file, kept, url) = (&suite.file, kept.join(", "), &self.endpoint.url);
            warn!(
                "{file}: {kept} of [request] is not asked of {url}: its release keeps it from clients (client_may_set)"
            );
        }
    }

    /// Asks one turn. The clocks of the answer count from `due_ms` on the run's clock; `None`: from the moment it is sent.
    ///
    /// # Errors
    /// When the case cannot be made into a request, a web page comes back, or the engine refuses one request after the
    /// other for good: then nothing that follows is evidence.
    pub(in crate::evals) async fn ask(
        &self,
        suite: &Suite,
        turn: Turn,
        due_ms: Option<f64>,
    ) -> Result<Asked, EvalError> {
        let case = &suite.cases[turn.case];
        let mut body = request::body(suite, &self.endpoint, &self.model, case)?;
        if suite.request.nonce {
            request::prefix(&mut body, &self.nonce(turn));
        }
        self.send(&case.id, &body, due_ms).await
    }

    /// Sends one body until it is answered, lost, or refused for the last time; `id` names the case it belongs to.
    ///
    /// # Errors
    /// When a web page comes back, or the engine refuses one request after the other for good.
    pub(in crate::evals) async fn send(
        &self,
        id: &str,
        body: &Value,
        due_ms: Option<f64>,
    ) -> Result<Asked, EvalError> {
        for refused in 0..TRIES_MAX {
            let place = self.flow.enter(&*self.clock).await;
            let sent_ms = self.clock.monotonic_ms();
            let tried = self.attempt(id, body, due_ms.unwrap_or(sent_ms)).await?;
            match tried {
                Tried::Answered(answer) => {
                    place.answered();
                    return Ok(Asked { answer: Some(answer), refused });
                }
                Tried::Lost => return Ok(Asked { answer: None, refused }),
                Tried::Refused(wait) => {
                    let pause = place.refused(sent_ms, refused, wait, &*self.clock);
                    if refused + 1 < TRIES_MAX {
                        sleep(pause).await;
                    }
                }
            }
        }
        match self.flow.gave_up() {
            true => Err(EvalError::Refuses { role: self.role, url: self.endpoint.url.clone() }),
            false => Ok(Asked { answer: None, refused: TRIES_MAX }),
        }
    }

    /// A line that no other request has, of this run or an earlier one.
    fn nonce(&self, Turn { case, repeat, arm }: Turn) -> String {
        let parts = format!("{} {case} {repeat} {arm}", self.began_ms);
        format!("[{}]\n", &parts_digest("goldgate/nonce/1", &[parts.as_bytes()]).to_hex()[..32])
    }

    async fn attempt(&self, id: &str, body: &Value, due_ms: f64) -> Result<Tried, EvalError> {
        let url = format!("{}/v1/chat/completions", self.endpoint.url);
        let mut request = self.http.post(&url).json(body);
        // For logs, and for engines that replay; an id that cannot stand in a header is left out.
        if let Ok(id) = HeaderValue::from_str(id) {
            request = request.header(CASE_HEADER, id);
        }
        if let Some(key) = &self.endpoint.key {
            request = request.bearer_auth(key);
        }
        let mut observer = ResponseObserver::new(self.since(due_ms));
        let Ok(Ok(response)) = timeout(self.head_limit(), request.send()).await else {
            return Ok(Tried::Lost);
        };
        if let Some(found) = probe::web_page(&response).filter(|_| response.status().is_success()) {
            return Err(EvalError::NotAnEngine { role: self.role, url, found });
        }
        if matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return Ok(Tried::Refused(retry_after(&response)));
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        observer.headers(response.status().as_u16(), content_type, self.since(due_ms));
        let end = self.read(response, &mut observer, due_ms).await;
        Ok(Tried::Answered(observer.finish(end, self.since(due_ms))))
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

/// How long the engine asks to wait. Only seconds are read: a date would need its clock to agree with ours.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
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
