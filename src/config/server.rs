//! `[server]`, `[state]`, `[evidence]`: where goldgate listens and where it keeps things.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tokens::{TokenConfig, secrets, tokens};
use crate::document::{Reader, Secret, Section};

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The data port. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The admin port. Default `127.0.0.1:8081`.
    pub admin: SocketAddr,
    /// Largest request body. Default 16 MiB.
    pub body_bytes_max: usize,
    /// How long streams may run on at shutdown. Default 60 s.
    pub drain: Duration,
    /// Limits on engines.
    pub timeouts: TimeoutConfig,
    /// `[[server.tokens]]`: who may do what on the admin port. None: everybody on this machine, everything.
    pub tokens: Vec<TokenConfig>,
    /// Bearer keys of clients that may name the arm of a request (`x-goldgate-pin`). Default: nobody may.
    pub pin_keys: Vec<Secret>,
}

/// `[server.timeouts]`: four limits, each for what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutConfig {
    /// For a connection to stand. Default 2 s.
    pub connect: Duration,
    /// From the request to the first byte of the answer. Default 120 s.
    pub first_byte: Duration,
    /// Between two bytes of an answer. Default 60 s.
    pub idle: Duration,
    /// For the whole answer; none unless set, because it would cut long streams.
    pub total: Option<Duration>,
}

/// `[state]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// `sqlite:FILE`, the file taken from the configuration's folder. Default `sqlite:goldgate.db`.
    pub file: PathBuf,
}

/// `[evidence]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceConfig {
    /// Where evidence is kept. Default `evidence`.
    pub dir: PathBuf,
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

pub(super) fn server(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> ServerConfig {
    let mut config = ServerConfig {
        listen: loopback(8080),
        admin: loopback(8081),
        body_bytes_max: 16 << 20,
        drain: Duration::from_secs(60),
        timeouts: TimeoutConfig {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            total: None,
        },
        tokens: Vec::new(),
        pin_keys: Vec::new(),
    };
    let Some(section) = reader.table(root, "server") else { return config };
    reader.known(&section, &["listen", "admin", "body_bytes_max", "drain", "timeouts", "tokens", "pin_keys"]);
    config.listen = reader.address(&section, "listen").unwrap_or(config.listen);
    config.admin = reader.address(&section, "admin").unwrap_or(config.admin);
    config.body_bytes_max = reader.bytes(&section, "body_bytes_max").unwrap_or(config.body_bytes_max);
    config.drain = reader.duration(&section, "drain").unwrap_or(config.drain);
    config.tokens = tokens(reader, &section, folder);
    config.pin_keys = secrets(reader, &section, "pin_keys", folder);
    if let Some(section) = reader.table(&section, "timeouts") {
        reader.known(&section, &["connect", "first_byte", "idle", "total"]);
        let timeouts = &mut config.timeouts;
        timeouts.connect = reader.duration(&section, "connect").unwrap_or(timeouts.connect);
        timeouts.first_byte = reader.duration(&section, "first_byte").unwrap_or(timeouts.first_byte);
        timeouts.idle = reader.duration(&section, "idle").unwrap_or(timeouts.idle);
        timeouts.total = reader.duration(&section, "total");
    }
    config
}

pub(super) fn state(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> StateConfig {
    let mut file = folder.join("goldgate.db");
    if let Some(section) = reader.table(root, "state") {
        reader.known(&section, &["url"]);
        if let Some(item) = section.get("url")
            && let Some(url) = reader.text(&item)
        {
            match url.strip_prefix("sqlite:") {
                Some(path) if !path.is_empty() => file = folder.join(path),
                _ => reader.wrong(&item, format!("a store, not {url:?}"), "write \"sqlite:goldgate.db\""),
            }
        }
    }
    StateConfig { file }
}

pub(super) fn evidence(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> EvidenceConfig {
    let mut dir = folder.join("evidence");
    if let Some(section) = reader.table(root, "evidence") {
        reader.known(&section, &["dir"]);
        dir = reader.path(&section, "dir", folder).unwrap_or(dir);
    }
    EvidenceConfig { dir }
}
