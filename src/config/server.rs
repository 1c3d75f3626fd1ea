//! `[server]`, `[state]`, `[evidence]`: where goldgate listens and where it keeps things.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::limits::{LimitConfig, limits};
use super::tokens::{TokenConfig, secrets, tokens};
use crate::document::{Reader, Secret, Section};

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The data port. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The admin port. Default `127.0.0.1:8081`.
    pub admin: SocketAddr,
    /// Names this process in request ids; replicas need different ones. Default `gg`.
    pub node: String,
    /// Largest request body. Default 16 MiB.
    pub body_bytes_max: usize,
    /// `[server.limits]`: what else clients may send and hold.
    pub limits: LimitConfig,
    /// Further paths that are relayed as they are. Default: none. Routes that steer an engine stay out of reach.
    pub pass_through: Vec<String>,
    /// Whether streams are asked for their token counts where the client did not ask, and the answer to it is taken out
    /// again. Default: they are.
    pub asks_usage: bool,
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

const KEYS: [&str; 12] = [
    "listen",
    "admin",
    "node",
    "body_bytes_max",
    "limits",
    "pass_through",
    "usage",
    "on_client_gone",
    "drain",
    "timeouts",
    "tokens",
    "pin_keys",
];

/// Bytes of a node's name: it stands in every request id.
const NODE_BYTES_MAX: usize = 32;

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

pub(super) fn server(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> ServerConfig {
    let mut config = ServerConfig {
        listen: loopback(8080),
        admin: loopback(8081),
        node: "gg".to_owned(),
        body_bytes_max: 16 << 20,
        limits: LimitConfig::default(),
        pass_through: Vec::new(),
        asks_usage: true,
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
    reader.known(&section, &KEYS);
    config.listen = reader.address(&section, "listen").unwrap_or(config.listen);
    config.admin = reader.address(&section, "admin").unwrap_or(config.admin);
    config.body_bytes_max = reader.bytes(&section, "body_bytes_max").unwrap_or(config.body_bytes_max);
    config.node = node(reader, &section).unwrap_or(config.node);
    config.limits = limits(reader, &section);
    config.pass_through = pass_through(reader, &section);
    config.asks_usage =
        reader.word(&section, "usage", &[("ask", true), ("client", false)]).unwrap_or(config.asks_usage);
    // What happens when a client leaves can be written down, and is never anything else.
    let _: Option<()> = reader.word(&section, "on_client_gone", &[("cancel", ())]);
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

/// Part of request ids, which are visible ASCII and not long.
fn node(reader: &mut Reader<'_>, section: &Section<'_, '_>) -> Option<String> {
    let item = section.get("node")?;
    let name = reader.text(&item)?;
    if name.len() <= NODE_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(name);
    }
    let rule = format!("at most {NODE_BYTES_MAX} letters, digits and signs without a space");
    reader.wrong(&item, rule, "write \"gg-1\"");
    None
}

fn pass_through(reader: &mut Reader<'_>, section: &Section<'_, '_>) -> Vec<String> {
    let paths = reader.texts(section, "pass_through").unwrap_or_default();
    for (path, item) in &paths {
        if !path.starts_with('/') || path.contains(['?', '*']) {
            reader.wrong(item, "a path, without wildcards", "write \"/v1/rerank\"");
        }
    }
    paths.into_iter().map(|(path, _)| path).collect()
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
        reader.known(&section, &["dir", "content"]);
        // Texts are never kept; that can be written down as well.
        let _: Option<()> = reader.word(&section, "content", &[("hash", ())]);
        dir = reader.path(&section, "dir", folder).unwrap_or(dir);
    }
    EvidenceConfig { dir }
}
