//! Reads a request and places it on an arm.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::connection::Peer;
use super::handler::Shared;
use super::head::{self, HeadersMax};
use super::headers::{self, CacheAsk};
use super::refusal::Refusal;
use super::responses::needs_memory;
use super::route::Route;
use super::{Occupant, ProxyOptions, sticky};
use crate::cache::Tenant;
use crate::domain::{Arm, RequestId};
use crate::routing::{RouteTable, assign, cache_blind};
use crate::upstream::{Outgoing, Weight};
use crate::wire::RequestHead;

/// What a client asked; shared with the copies.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) id: RequestId,
    pub(super) route: Route,
    /// `None` on routes without a request that names a model.
    pub(super) head: Option<RequestHead>,
    pub(super) body: Bytes,
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
    pub(super) cache: CacheAsk,
    pub(super) tenant: Tenant,
    /// The arm that the client named, where it may; see [`super::pin`].
    pub(super) pin: Option<Arm>,
    /// When the head was read, on the proxy's monotonic clock: the request's intended start.
    pub(super) arrival: Duration,
    /// The request is itself a copy, of a proxy before this one.
    pub(super) is_copy: bool,
    /// It goes on from what an engine keeps, or is to be kept by one; see [`super::responses`].
    pub(super) needs_memory: bool,
}

/// Where a request goes, fixed once.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) table: Arc<RouteTable>,
    pub(super) arm: Arm,
    pub(super) occupant: Arc<Occupant>,
    /// The sticky key's digest under the table's salt.
    pub(super) sticky: u64,
    /// When it was placed, as the watch over this process's timers counts.
    pub(super) period: usize,
    /// Its client is one of those who go past the cache while releases are compared.
    pub(super) is_blind: bool,
}

impl Ask {
    /// Reads a whole request, within the limits.
    pub(super) async fn read(
        request: Request<Incoming>,
        id: RequestId,
        arrival: Duration,
        options: &ProxyOptions,
    ) -> Result<Self, Refusal> {
        let (parts, incoming) = request.into_parts();
        let limits = &options.limits;
        let max = HeadersMax { count: limits.headers_max, bytes: limits.header_bytes_max };
        head::check_target(&parts.uri)?;
        head::check(&parts.headers, parts.version, max)?;
        let route = Route::find(&parts.method, parts.uri.path(), &options.pass_through)?;
        let pin = options.pin_keys.pinned(&parts.headers)?;
        let body = read_body(&parts, incoming, options).await?;
        let head = if route.has_head() { Some(read_head(&parts, &body, options)?) } else { None };
        let Parts { method, uri, headers, .. } = parts;
        Ok(Self {
            needs_memory: route == Route::Responses
                && head.as_ref().is_some_and(|head| needs_memory(head, &body)),
            id,
            route,
            head,
            body,
            method,
            path: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            cache: CacheAsk::of(&headers),
            tenant: options.tenant_secret.tenant(&headers),
            pin,
            arrival,
            is_copy: headers.contains_key(headers::MIRROR),
            headers,
        })
    }

    /// The arm of this request, and who lives there now.
    pub(super) fn place(&self, shared: &Shared, peer: &Peer) -> Result<Place, Refusal> {
        let table = shared.parts.table.load_full();
        let user = self.head.as_ref().and_then(|head| head.user.as_deref());
        let connection = format_args!("{}-{:x}-{}", shared.options.node, shared.started, peer.id);
        let key = sticky::key_of(&shared.options.sticky, &self.headers, user, connection);
        let arm = self.pin.unwrap_or_else(|| assign(&key, table.split, table.salt));
        let occupant = shared.parts.slots.occupant(table.slot(arm)).ok_or(Refusal::Vacant)?;
        let period = shared.parts.counters.timers.period();
        let blind_share = shared.options.cache_blind;
        let is_blind = table.compares() && self.pin.is_none() && cache_blind(&key, blind_share, table.salt);
        Ok(Place { sticky: key.digest(table.salt), table, arm, occupant, period, is_blind })
    }

    /// Whether its answer is evidence: it is read, the client was placed by the split, it is nobody's copy, and either arm
    /// could have answered.
    pub(super) fn is_evidence(&self) -> bool {
        self.route.is_generation() && self.pin.is_none() && !self.is_copy && !self.needs_memory
    }

    /// Path and query, as the client wrote them.
    pub(super) fn path(&self) -> &str {
        self.path.as_str()
    }

    /// The request as it goes to an engine, with a release's body.
    pub(super) fn outgoing(&self, body: Bytes) -> Outgoing {
        Outgoing {
            method: self.method.clone(),
            path: self.path.clone(),
            headers: headers::towards_engine(self.headers.clone()),
            body,
            timeouts: None,
            weight: Weight::Counts,
        }
    }
}

async fn read_body(parts: &Parts, incoming: Incoming, options: &ProxyOptions) -> Result<Bytes, Refusal> {
    let bytes_max = options.limits.body_bytes_max;
    if let Some(encoding) = parts.headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(Refusal::BodyEncoding(String::from_utf8_lossy(encoding.as_bytes()).into_owned()));
    }
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > bytes_max as u64) {
        return Err(Refusal::BodyTooLarge { bytes_max });
    }
    let limit = options.limits.body_timeout;
    match timeout(limit, Limited::new(incoming, bytes_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { bytes_max }),
        Ok(Err(_)) => Err(Refusal::BodyBroken),
        Err(_) => Err(Refusal::BodyTimeout { seconds: limit.as_secs() }),
    }
}

fn read_head(parts: &Parts, body: &Bytes, options: &ProxyOptions) -> Result<RequestHead, Refusal> {
    debug_assert_eq!(parts.method, Method::POST);
    let head = RequestHead::parse(body)?;
    match &options.model {
        Some(served) if *served != head.model => Err(Refusal::Model(head.model)),
        _ => Ok(head),
    }
}
