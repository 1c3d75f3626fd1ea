//! Which headers are understood, passed on, and added.

use std::fmt;
use std::time::Duration;

use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::head::{PIN, SINGLE};
use crate::cache::Hit;
use crate::domain::{Arm, ReleaseId, RequestId};

/// Marks a copy, so that whatever answers it can tell.
pub(super) const MIRROR: HeaderName = HeaderName::from_static("x-goldgate-mirror");
/// The client's own request id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const NAMED_REQUEST: HeaderName = HeaderName::from_static("x-goldgate-request-id");
const NAMED_RELEASE: HeaderName = HeaderName::from_static("x-goldgate-release");
const NAMED_ARM: HeaderName = HeaderName::from_static("x-goldgate-arm");
const NAMED_CACHE: HeaderName = HeaderName::from_static("x-goldgate-cache");
/// How long ago a stored answer was written, in whole seconds.
const NAMED_AGE: HeaderName = HeaderName::from_static("x-goldgate-cache-age");
/// The id under which an operator can delete it.
const NAMED_ENTRY: HeaderName = HeaderName::from_static("x-goldgate-cache-entry");
/// Cosine of the question and the one that was answered before.
const NAMED_SIMILARITY: HeaderName = HeaderName::from_static("x-goldgate-cache-similarity");
/// The headers that the proxy itself writes or obeys; nobody else speaks in its name.
const OURS: [HeaderName; 9] = [
    MIRROR,
    PIN,
    NAMED_REQUEST,
    NAMED_RELEASE,
    NAMED_ARM,
    NAMED_CACHE,
    NAMED_AGE,
    NAMED_ENTRY,
    NAMED_SIMILARITY,
];
/// What all of them begin with.
const OURS_PREFIX: &str = "x-goldgate-";

/// A longer id is the client's mistake, or an attempt; it is replaced.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// Hex digits of a release's digest that are shown.
const RELEASE_DIGITS: usize = 12;

/// Headers of one hop; they say nothing about the next. `transfer-encoding` and `content-length` are
/// written anew from the body itself.
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// How often a client has sent the request before; the official OpenAI packages say it.
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");

/// What `cache-control` and the like ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CacheAsk {
    /// `no-cache`, `no-store` or a retry: no stored answer is wanted. Whoever asks again did not like what came before.
    pub(super) bypass: bool,
    /// `no-store`: the answer must not be kept.
    pub(super) no_store: bool,
}

impl CacheAsk {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let says = |word: &str| {
            let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
        };
        let no_store = says("no-store");
        let retries =
            headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()?.trim().parse::<u32>().ok());
        Self { bypass: no_store || says("no-cache") || retries.is_some_and(|count| count > 0), no_store }
    }
}

/// The client's id, when it is one: visible ASCII, not too long.
pub(super) fn client_request_id(headers: &HeaderMap) -> Option<RequestId> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = !text.is_empty() && text.len() <= REQUEST_ID_BYTES_MAX;
    (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| RequestId::from(text))
}

/// What of a client's headers goes on to an engine. `accept-encoding` does not: a compressed answer
/// could not be observed.
pub(super) fn towards_engine(mut headers: HeaderMap) -> HeaderMap {
    strip_hop(&mut headers);
    for name in [HOST, EXPECT, ACCEPT_ENCODING, CONTENT_LENGTH] {
        headers.remove(name);
    }
    strip_ours(&mut headers);
    headers
}

/// What of an engine's headers goes on to the client.
pub(super) fn towards_client(headers: &mut HeaderMap) {
    strip_hop(headers);
    strip_ours(headers);
}

fn strip_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // A client must not be able to take away what the next reader relies on.
        .filter(|name| !SINGLE.contains(name))
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

fn strip_ours(headers: &mut HeaderMap) {
    // Hardly any head carries one, and a look at its few names costs less than nine searches.
    if headers.keys().any(|name| name.as_str().starts_with(OURS_PREFIX)) {
        for name in &OURS {
            headers.remove(name);
        }
    }
}

/// How the cache took part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheWord {
    Hit,
    /// Read along while another client gets it.
    Shared,
    Semantic,
    Miss,
    Bypass,
}

impl CacheWord {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Shared => "shared",
            Self::Semantic => "semantic",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// Who answered, from where, and how long it took until the response head.
pub(super) struct Answered<'a> {
    pub(super) release: &'a ReleaseId,
    pub(super) arm: Arm,
    pub(super) cache: CacheWord,
    /// From arrival to the response head.
    pub(super) total: Duration,
    /// The engine's part of it; `None` for a hit.
    pub(super) engine: Option<Duration>,
}

/// Adds the id that every answer carries, refusals too.
pub(super) fn name_request(headers: &mut HeaderMap, id: &RequestId) {
    insert(headers, NAMED_REQUEST, id.as_str());
}

/// Adds who answered.
pub(super) fn name_answer(headers: &mut HeaderMap, answered: &Answered<'_>) {
    insert(headers, NAMED_RELEASE, short(answered.release.as_str()));
    headers.insert(NAMED_ARM, HeaderValue::from_static(answered.arm.as_str()));
    headers.insert(NAMED_CACHE, HeaderValue::from_static(answered.cache.as_str()));
    let own = Ms(answered.total.saturating_sub(answered.engine.unwrap_or_default()));
    let timing = match answered.engine {
        Some(engine) => format!("proxy;dur={own}, engine;dur={}", Ms(engine)),
        None => format!("proxy;dur={own}"),
    };
    if let Ok(value) = HeaderValue::from_str(&timing) {
        headers.append(SERVER_TIMING, value);
    }
}

/// Adds which stored answer it is, and how alike its question was where that was another.
pub(super) fn name_entry(headers: &mut HeaderMap, hit: &Hit, similarity: Option<f32>) {
    if let Some(similarity) = similarity {
        insert(headers, NAMED_SIMILARITY, &format!("{similarity:.3}"));
    }
    insert(headers, NAMED_AGE, &hit.age.as_secs().to_string());
    insert(headers, NAMED_ENTRY, &hit.id);
}

/// Milliseconds with three decimals, written as the whole number of microseconds that they are: to print a float
/// costs ten times as much.
struct Ms(Duration);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        write!(f, "{}.{:03}", us / 1_000, us % 1_000)
    }
}

/// `sem:` and the first digits.
fn short(release: &str) -> &str {
    let start = release.find(':').map_or(0, |colon| colon + 1);
    release.get(..start + RELEASE_DIGITS).unwrap_or(release)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
