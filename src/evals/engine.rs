//! One engine under evaluation, asked over HTTP.

mod client;
mod probe;
mod request;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub(super) use client::Engine;

use super::dataset::Case;
use super::error::EvalError;

/// Makes the body of a case's request, with the templates and the sampling of a release; the error says what the case
/// lacks. The suite's own sampling is laid over it.
pub type RenderRequest = Arc<dyn Fn(&Case) -> Result<Map<String, Value>, String> + Send + Sync>;

/// Where an engine is, and how it is to be asked.
#[derive(Clone)]
pub struct Endpoint {
    url: String,
    /// The model's name; `None`: the suite's, or else the first one the engine lists.
    pub model: Option<String>,
    /// Sent as a bearer token.
    pub key: Option<String>,
    /// The release that makes the requests; `None`: cases are sent as they stand.
    pub render: Option<RenderRequest>,
}

impl Endpoint {
    /// The engine at `url`, with or without the trailing `/v1`.
    ///
    /// # Errors
    /// When `url` is not an http or https URL.
    pub fn new(url: &str) -> Result<Self, EvalError> {
        let wrong = |text: String| EvalError::Url { url: url.to_owned(), text };
        let parsed: reqwest::Url = url.parse().map_err(|error| wrong(format!("{error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(wrong(format!("its scheme is {:?}", parsed.scheme())));
        }
        let base = url.trim_end_matches('/');
        let url = base.strip_suffix("/v1").unwrap_or(base).to_owned();
        Ok(Self { url, model: None, key: None, render: None })
    }

    /// The base URL, without `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The key is a secret and the renderer has no text.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}
