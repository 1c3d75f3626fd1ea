//! Requests to a Qdrant server, for one collection by its alias.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::warn;

use super::collection;
use crate::cache::CacheError;

/// What the collection is called that the address does not name.
const ALIAS: &str = "goldgate";

/// The server and the collection.
#[derive(Debug)]
pub(super) struct Link {
    api: Api,
    /// Makes or checks the collection, once: it may take longer than one look-up waits, so the next one waits on.
    preparing: Mutex<Option<Preparing>>,
    /// Whether it was said that the server or the collection cannot be used.
    said: AtomicBool,
}

/// Work that several may wait for, each as long as it likes.
type Preparing = Shared<BoxFuture<'static, Result<(), CacheError>>>;

/// The server.
#[derive(Clone, Debug)]
pub(super) struct Api {
    http: Client,
    base: String,
    pub(super) alias: String,
}

/// Why the server did not do what it was asked.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: Option<StatusCode>,
    detail: String,
}

#[derive(Deserialize)]
struct Reply<T> {
    result: T,
}

impl From<reqwest::Error> for Refusal {
    fn from(error: reqwest::Error) -> Self {
        Self { status: None, detail: error.without_url().to_string() }
    }
}

impl From<Refusal> for CacheError {
    fn from(Refusal { status, detail }: Refusal) -> Self {
        match status {
            Some(status) => Self::Unreachable(format!("{status}: {detail}")),
            None => Self::Unreachable(detail),
        }
    }
}

impl Link {
    pub(super) fn open(url: &str) -> Result<Self, CacheError> {
        Ok(Self { api: Api::open(url)?, preparing: Mutex::default(), said: AtomicBool::new(false) })
    }

    /// How messages call the collection.
    pub(super) fn place(&self) -> String {
        format!("Qdrant's collection {}", self.api.alias)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CacheError> {
        self.send(Method::POST, path, body).await
    }

    pub(super) async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CacheError> {
        self.send(Method::PUT, path, body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, CacheError> {
        self.ready().await?;
        let path = format!("/collections/{}/{path}", self.api.alias);
        let sent = self.api.send(method, &path, Some(body)).await;
        if sent.as_ref().is_err_and(|refusal| refusal.status == Some(StatusCode::NOT_FOUND)) {
            // Somebody deleted it: made anew with the next look.
            self.forget();
        }
        Ok(sent?)
    }

    async fn ready(&self) -> Result<(), CacheError> {
        let preparing = {
            let mut preparing = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = || collection::prepare(self.api.clone()).boxed().shared();
            preparing.get_or_insert_with(begin).clone()
        };
        let ready = preparing.await;
        if let Err(error) = &ready {
            self.forget();
            // Silence is counted as misses; this is a mistake that somebody has to mend.
            if matches!(error, CacheError::Unfit(_)) && !self.said.swap(true, Ordering::Relaxed) {
                warn!("nothing is cached: {error}");
            }
        }
        ready
    }

    fn forget(&self) {
        *self.preparing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Api {
    fn open(url: &str) -> Result<Self, CacheError> {
        // An error means that a provider stands already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |detail: &str| CacheError::Address(detail.to_owned());
        let address = url.strip_prefix("qdrant+").unwrap_or(url);
        let mut address = Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
        let alias = Some(address.path().trim_matches('/')).filter(|path| !path.is_empty()).unwrap_or(ALIAS);
        let alias = alias.to_owned();
        if alias.contains('/') {
            return Err(wrong("after the server's address stands the name of one collection"));
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = address.password() {
            let mut value = HeaderValue::from_str(key).map_err(|_| wrong("an API key is plain text"))?;
            value.set_sensitive(true);
            headers.insert("api-key", value);
        }
        if address.set_password(None).and_then(|()| address.set_username("")).is_err() {
            return Err(wrong("it names no server"));
        }
        address.set_path("");
        let http = Client::builder().no_proxy().tcp_nodelay(true).default_headers(headers).build();
        let http = http.map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { http, base: address.as_str().trim_end_matches('/').to_owned(), alias })
    }

    /// Sends a request; `T` is what stands under `result` in its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Refusal> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            return Err(Refusal { status: Some(status), detail: response.text().await? });
        }
        Ok(response.json::<Reply<T>>().await?.result)
    }

    /// The server's version.
    pub(super) async fn version(&self) -> Result<String, Refusal> {
        #[derive(Deserialize)]
        struct Root {
            version: String,
        }
        let response = self.http.get(format!("{}/", self.base)).send().await?.error_for_status()?;
        Ok(response.json::<Root>().await?.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_server_a_collection_and_a_key_that_is_never_shown() {
        let api = Api::open("qdrant+http://:hunter2@10.0.0.1:6333/answers").unwrap();
        assert_eq!((&*api.base, &*api.alias), ("http://10.0.0.1:6333", "answers"));
        assert!(!format!("{api:?}").contains("hunter2"), "{api:?}");
        assert_eq!(Api::open("qdrant+https://qdrant:6333").unwrap().alias, "goldgate");
        for wrong in ["qdrant+http://", "qdrant+http://a:6333/b/c"] {
            assert!(Api::open(wrong).unwrap_err().to_string().starts_with("cache.store: "), "{wrong}");
        }
    }
}
