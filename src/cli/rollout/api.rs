//! The admin API, as its client sees it.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;

use crate::admin::{NoteRecord, RolloutRecord};
use crate::cli::Failure;

/// For a connection to stand: the port is near, or it is not there.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// For one answer. A verb is answered after it is on disk, and a disk may be slow.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Between two bytes of the event stream, which says something at least every 15 s.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// Why the API gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// No URL.
    #[error("--admin: {url:?} is no http or https URL: {text}\n  hint: write --admin http://127.0.0.1:8081")]
    Url { url: String, text: String },
    /// A token that cannot be sent.
    #[error(
        "GOLDGATE_TOKEN holds what no header can carry\n  hint: a token is letters, digits and signs on one line"
    )]
    Token,
    /// Nobody answers, or not to the end.
    #[error(
        "{url}: the admin port cannot be reached: {text}\n  hint: is `goldgate serve` running, and is this its \
         server.admin? name another with --admin"
    )]
    Unreachable { url: String, text: String },
    /// The API refuses.
    #[error("{detail}{}", hint(*status))]
    Problem { status: u16, detail: String },
    /// Something answers that is not the API.
    #[error(
        "{url}: expected the admin API of goldgate, and got {found}\n  hint: the admin port is server.admin, not the \
         port of the clients"
    )]
    NotAdmin { url: String, found: String },
}

const fn hint(status: u16) -> &'static str {
    match status {
        401 => "\n  hint: set GOLDGATE_TOKEN to one of the tokens in server.tokens",
        403 => "\n  hint: set GOLDGATE_TOKEN to a token whose role may do this",
        _ => "",
    }
}

impl ApiError {
    /// Whether asking again may help.
    pub(super) const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem { status, .. } => *status >= 500,
            Self::Url { .. } | Self::Token | Self::NotAdmin { .. } => false,
        }
    }

    /// Whether what was asked for is not there.
    pub(super) const fn is_missing(&self) -> bool {
        matches!(self, Self::Problem { status: 404, .. })
    }
}

/// What is refused is to be asked otherwise; what does not answer is to be mended.
impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match &error {
            ApiError::Url { .. } | ApiError::Token => Self::usage(error),
            ApiError::Problem { status, .. } if *status < 500 => Self::usage(error),
            _ => Self::world(error),
        }
    }
}

/// A way to the API.
pub(super) struct Api {
    http: Client,
    base: Url,
}

impl Api {
    /// The API at `url`, asked with `token`.
    ///
    /// # Errors
    /// When either cannot be used.
    pub(super) fn new(url: &str, token: Option<String>) -> Result<Self, ApiError> {
        let wrong = |text: String| ApiError::Url { url: url.to_owned(), text };
        let base: Url = url.parse().map_err(|error| wrong(format!("{error}")))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(wrong(format!("its scheme is {:?}", base.scheme())));
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ApiError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // An error means that a provider stands already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder().no_proxy().connect_timeout(CONNECT_MAX).read_timeout(SILENCE_MAX);
        let http = builder.default_headers(headers).build().map_err(|error| wrong(innermost(&error)))?;
        Ok(Self { http, base })
    }

    /// The document at `path` below `/api/v1`.
    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, ApiError> {
        self.asked(self.http.get(self.url(path))).await
    }

    /// The verdicts of one rollout.
    pub(super) async fn verdicts(&self, id: &str) -> Result<Value, ApiError> {
        let mut url = self.url(&["verdicts"]);
        url.query_pairs_mut().append_pair("rollout", id);
        self.asked(self.http.get(url)).await
    }

    /// What the API answers to `body`.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, ApiError> {
        self.asked(self.http.post(self.url(path)).json(body)).await
    }

    /// The event stream after the note `last`.
    pub(super) async fn events(&self, last: u64) -> Result<Response, ApiError> {
        let request = self.http.get(self.url(&["events"])).header("last-event-id", last);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.problem(response).await) }
    }

    /// That the API stopped answering.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> ApiError {
        ApiError::Unreachable { url: self.base.to_string(), text: innermost(error) }
    }

    async fn asked(&self, request: RequestBuilder) -> Result<Value, ApiError> {
        let response = request.timeout(ANSWER_MAX).send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.problem(response).await);
        }
        let found = kind(&response);
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&bytes).map_err(|_| ApiError::NotAdmin { url: self.base.to_string(), found })
    }

    /// The problem document of a refusal; whatever has none is not this API.
    async fn problem(&self, response: Response) -> ApiError {
        let (status, found) = (response.status().as_u16(), kind(&response));
        let body = response.bytes().await.unwrap_or_default();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        match problem["detail"].as_str() {
            Some(detail) => ApiError::Problem { status, detail: detail.to_owned() },
            None => ApiError::NotAdmin { url: self.base.to_string(), found },
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Only a URL without a host has no path, and such a one was refused.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }
}

fn kind(response: &Response) -> String {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    format!("status {} with {}", response.status().as_u16(), content_type.unwrap_or("no content type"))
}

/// The last cause of an error: the one that the operating system gave.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// The rollout in a document.
///
/// # Errors
/// When it is none: the server is of another version.
pub(super) fn record(document: &Value) -> Result<RolloutRecord, Failure> {
    serde_json::from_value(document.clone()).map_err(|error| strange("rollout", &error))
}

/// The notes in a history.
///
/// # Errors
/// When it is none: the server is of another version.
pub(super) fn notes(history: &Value) -> Result<Vec<NoteRecord>, Failure> {
    serde_json::from_value(history["notes"].clone()).map_err(|error| strange("history", &error))
}

fn strange(what: &str, error: &serde_json::Error) -> Failure {
    Failure::world(anyhow::anyhow!(
        "the admin port answered with a {what} that this goldgate cannot read: {error}\n  hint: use the version that \
         serves, or --format json"
    ))
}
