//! `[server.limits]`: what clients may send and hold.

use std::time::Duration;

use crate::document::{Reader, Section};

/// `[server.limits]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitConfig {
    /// Connections held; one more is closed at once. Default 16,384.
    pub connections_max: usize,
    /// Requests between arrival and last byte; one more is answered 503. Default 12,288.
    pub requests_max: usize,
    /// Header lines of a request. Default 96.
    pub headers_max: usize,
    /// Names and values of all headers of a request. Default 32 KiB.
    pub header_bytes_max: usize,
    /// For a request's head to arrive. Default 10 s.
    pub head_timeout: Duration,
    /// For a request's body to arrive. Default 30 s.
    pub body_timeout: Duration,
    /// Between two requests on one connection. Default 75 s.
    pub idle_timeout: Duration,
    /// Without room for another byte of an answer in a client's socket. Default 60 s.
    pub send_timeout: Duration,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            requests_max: 12_288,
            headers_max: 96,
            header_bytes_max: 32 << 10,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            send_timeout: Duration::from_secs(60),
        }
    }
}

const KEYS: [&str; 8] = [
    "connections_max",
    "requests_max",
    "headers_max",
    "header_bytes_max",
    "head_timeout",
    "body_timeout",
    "idle_timeout",
    "send_timeout",
];

pub(super) fn limits(reader: &mut Reader<'_>, server: &Section<'_, '_>) -> LimitConfig {
    let mut config = LimitConfig::default();
    let Some(section) = reader.table(server, "limits") else { return config };
    reader.known(&section, &KEYS);
    for (key, count, end) in [
        ("connections_max", &mut config.connections_max, 1 << 20),
        ("requests_max", &mut config.requests_max, 1 << 20),
        // The parser reads no more.
        ("headers_max", &mut config.headers_max, 257),
    ] {
        let read = section.get(key).and_then(|item| reader.whole(&item, 1..end));
        *count = read.and_then(|read| usize::try_from(read).ok()).unwrap_or(*count);
    }
    config.header_bytes_max = reader.bytes(&section, "header_bytes_max").unwrap_or(config.header_bytes_max);
    for (key, time) in [
        ("head_timeout", &mut config.head_timeout),
        ("body_timeout", &mut config.body_timeout),
        ("idle_timeout", &mut config.idle_timeout),
        ("send_timeout", &mut config.send_timeout),
    ] {
        *time = reader.duration(&section, key).unwrap_or(*time);
    }
    config
}
