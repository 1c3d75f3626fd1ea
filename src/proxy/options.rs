//! What can be set about the data plane.

use std::time::Duration;

use super::{PinKeys, StickySource};
use crate::cache::TenantSecret;
use crate::domain::Share;
use crate::upstream::Timeouts;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Names this process inside request ids; replicas need different ones.
    pub node: String,
    /// The model name that clients send; another one is refused. `None` lets every name pass unchanged.
    pub model: Option<String>,
    /// Where a conversation's key is found: the first one present wins, the connection at last.
    pub sticky: Vec<StickySource>,
    /// Keys whose requests may name their arm.
    pub pin_keys: PinKeys,
    /// Turns requests into tenants; replicas that share a cache need the same.
    pub tenant_secret: TenantSecret,
    /// Share of clients that go past the cache while releases are compared, on both arms.
    pub cache_blind: Share,
    /// Further paths that are relayed as they are. Engine control routes stay unreachable even when named.
    pub pass_through: Vec<String>,
    /// Whether streams are asked for their usage chunk.
    pub usage: UsageChunks,
    /// Bounds on what clients may send and hold.
    pub limits: Limits,
    /// Bounds on copies.
    pub mirror: MirrorOptions,
    /// How long streams may run on after [`super::Running::drain`] before they are cut.
    pub drain: Duration,
}

impl Default for ProxyOptions {
    fn default() -> Self {
        Self {
            node: "gg".to_owned(),
            model: None,
            sticky: StickySource::defaults(),
            pin_keys: PinKeys::default(),
            tenant_secret: TenantSecret::default(),
            cache_blind: Share::ZERO,
            pass_through: Vec::new(),
            usage: UsageChunks::Ask,
            limits: Limits::default(),
            mirror: MirrorOptions::default(),
            drain: Duration::from_secs(60),
        }
    }
}

/// Time per output token needs the engine's own token count, which a stream carries only on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageChunks {
    /// Asked for on every stream; where the client did not ask, that one event is taken out again.
    Ask,
    /// Left to the client; streams without usage have no token counts and no time per output token.
    AsClient,
}

/// Bounds on clients. Each is refused with a 4xx or 503 that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections held; one more is closed at once.
    pub connections_max: usize,
    /// Requests between arrival and their last byte; one more is answered 503 with `retry-after`.
    pub requests_max: usize,
    /// Header lines of a request; from 100 on every request costs more to read.
    pub headers_max: usize,
    /// Names and values of all headers of a request together.
    pub header_bytes_max: usize,
    /// Bytes of a request body.
    pub body_bytes_max: usize,
    /// For a request's head to arrive.
    pub head_timeout: Duration,
    /// For a request's body to arrive.
    pub body_timeout: Duration,
    /// Between two requests on one connection.
    pub idle_timeout: Duration,
    /// Without room for another byte of an answer in a client's socket. Its system makes room in large steps.
    pub send_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            requests_max: 12_288,
            headers_max: 96,
            header_bytes_max: 32 << 10,
            body_bytes_max: 16 << 20,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            send_timeout: Duration::from_secs(60),
        }
    }
}

/// Bounds on copies. Dropping a copy loses evidence; waiting would lose users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorOptions {
    /// Copies in flight, null copies included, before new ones are dropped.
    pub in_flight_max: usize,
    /// Bytes of the bodies of copies in flight, before new ones are dropped.
    pub in_flight_bytes_max: usize,
    /// A request with a longer body is not copied.
    pub body_bytes_max: usize,
    /// Bytes of a copy's answer that are read; a longer one is cut off, and no answer. A model's longest is a tenth of it.
    pub answer_bytes_max: usize,
    /// The limits of a copy; its total is what `mirror.timeout` sets.
    pub timeouts: Timeouts,
}

impl Default for MirrorOptions {
    fn default() -> Self {
        let total = Some(Duration::from_secs(120));
        Self {
            in_flight_max: 256,
            in_flight_bytes_max: 64 << 20,
            body_bytes_max: 1 << 20,
            answer_bytes_max: 16 << 20,
            timeouts: Timeouts { total, ..Timeouts::default() },
        }
    }
}
