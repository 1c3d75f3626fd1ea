//! What a pool is made of, and what is sent through it.

use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};

use super::{Endpoint, Limit};

/// The four limits of one request. They are apart because they mean different things: a slow connect is
/// a network, a late first byte a queue, a silence a wedged engine, and a long answer is no fault at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// From sending the request until the first byte of the answer's body.
    pub first_byte: Duration,
    /// Between two bytes of the body.
    pub idle: Duration,
    /// For the whole answer; `None` lets a stream run as long as it is alive.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(30),
            total: None,
        }
    }
}

impl Timeouts {
    /// The limit that counts until the first byte is here.
    pub(super) fn before_first_byte(&self) -> (Limit, Duration) {
        match self.total {
            Some(total) if total < self.first_byte => (Limit::Total, total),
            _ => (Limit::FirstByte, self.first_byte),
        }
    }
}

/// Whether what comes of a request says anything of its endpoint's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Counts,
    /// It does not: a probe, which may well fail, and what no user waits for and none must suffer from.
    None,
}

/// One pool: the engines of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// The engines; at least one.
    pub endpoints: Vec<Endpoint>,
    /// The limits of a request without limits of its own.
    pub timeouts: Timeouts,
}

/// One request on its way out. The body is shared, so that a copy costs a reference.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Usually POST.
    pub method: Method,
    /// Path and query.
    pub path: PathAndQuery,
    /// End-to-end headers; `host` and `content-length` are set by the pool.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Limits of this request in place of the pool's.
    pub timeouts: Option<Timeouts>,
    /// Whether it counts for the health of its endpoint.
    pub weight: Weight,
}

impl Outgoing {
    /// A GET without a body.
    #[must_use]
    pub fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path, Bytes::new())
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post_json(path: &'static str, body: Bytes) -> Self {
        let mut outgoing = Self::new(Method::POST, path, body);
        let json = http::HeaderValue::from_static("application/json");
        outgoing.headers.insert(http::header::CONTENT_TYPE, json);
        outgoing
    }

    fn new(method: Method, path: &'static str, body: Bytes) -> Self {
        let path = PathAndQuery::from_static(path);
        Self { method, path, headers: HeaderMap::new(), body, timeouts: None, weight: Weight::Counts }
    }
}
