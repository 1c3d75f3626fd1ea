//! One engine under evaluation, asked over HTTP.

mod client;
mod flow;
mod probe;
mod request;

use std::fmt;
use std::sync::Arc;

pub(super) use client::{Asked, Engine};

use super::error::EvalError;
use crate::release::Lock;

/// Where an engine is, and how it is to be asked.
#[derive(Clone)]
pub struct Endpoint {
    url: String,
    /// The model's name; `None`: the release's, else the suite's, else the first one the engine lists.
    pub model: Option<String>,
    /// Sent as a bearer token.
    pub key: Option<String>,
    /// The release that stands there: its templates render the cases, its sampling is the default. `None`: cases are
    /// sent as they stand.
    pub release: Option<Arc<Lock>>,
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
        Ok(Self { url, model: None, key: None, release: None })
    }

    /// The base URL, without `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name its model is known by beforehand: its own, or else the release's.
    pub(super) fn named(&self) -> Option<String> {
        self.model.clone().or_else(|| self.release.as_ref().map(|release| release.model().to_owned()))
    }

    /// Whether `url` is the same place, whatever name a machine gives itself.
    pub(super) fn is_at(&self, url: &str) -> bool {
        place(&self.url).is_some_and(|here| place(url) == Some(here))
    }

    /// What tells its answers from those of any other: where it is, which model, which release.
    pub(super) fn identity(&self) -> String {
        let release = self.release.as_ref().map(|release| release.rel().to_string());
        let [model, release] = [self.model.as_deref(), release.as_deref()].map(Option::unwrap_or_default);
        format!("engine {} {model} {release}", self.url)
    }
}

/// Host, port and path of a URL; a machine's names for itself are one.
fn place(url: &str) -> Option<(String, Option<u16>, String)> {
    let url: reqwest::Url = url.parse().ok()?;
    let host = match url.host_str()? {
        "127.0.0.1" | "[::1]" => "localhost",
        host => host,
    };
    Some((host.to_owned(), url.port_or_known_default(), url.path().trim_end_matches('/').to_owned()))
}

/// The key is a secret and must not reach a log.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}
