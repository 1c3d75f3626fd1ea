//! `[mirror]` and `[cache]`: what is copied, and what is remembered.

use std::path::Path;
use std::time::Duration;

use super::Secret;
use crate::document::{Reader, Section};
use crate::domain::Share;

/// `[mirror]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorConfig {
    /// Share of requests copied to the candidate. Default 1 %.
    pub share: Share,
    /// Share of the copied requests that also go back to the baseline. Default 25 %.
    pub null_share: Share,
    /// Copies in flight before new ones are dropped. Default 256.
    pub in_flight_max: usize,
    /// Requests with a longer body are not copied. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Longest time of a copy. Default 120 s.
    pub timeout: Duration,
}

/// Which answers are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheTier {
    /// None.
    Off,
    /// Answers to the very same request.
    Exact,
}

/// Where answers are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheStore {
    /// In this process.
    Memory,
    /// In Redis or Valkey at this address, which replicas may share.
    Redis(String),
    /// The same, at an address that holds a password and so is not written here.
    Hidden(Secret),
}

/// `[cache]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// Default off.
    pub tier: CacheTier,
    /// `memory` or `redis://HOST:PORT`; `env:NAME` or `file:PATH` for an address with a password. Default memory.
    pub store: CacheStore,
    /// Keeps tenants' keys out of a shared store: the same for all replicas. Needed with Redis.
    pub secret: Option<Secret>,
    /// Bytes of answers kept. Default 256 MiB.
    pub bytes_max: usize,
    /// How long an answer is served, from when it was stored; hits do not renew it. Default 1 h.
    pub ttl: Duration,
}

pub(super) fn mirror(reader: &mut Reader<'_>, root: &Section<'_, '_>) -> MirrorConfig {
    let mut config = MirrorConfig {
        share: Share::from_ppm(10_000),
        null_share: Share::from_ppm(250_000),
        in_flight_max: 256,
        body_bytes_max: 1 << 20,
        timeout: Duration::from_secs(120),
    };
    let Some(section) = reader.table(root, "mirror") else { return config };
    reader.known(&section, &["share", "null_share", "in_flight_max", "body_bytes_max", "timeout"]);
    let mut share = |key| section.get(key).and_then(|item| reader.share(&item));
    config.share = share("share").unwrap_or(config.share);
    config.null_share = share("null_share").unwrap_or(config.null_share);
    if let Some(item) = section.get("in_flight_max") {
        let count = reader.whole(&item, 1..65_537).and_then(|count| usize::try_from(count).ok());
        config.in_flight_max = count.unwrap_or(config.in_flight_max);
    }
    config.body_bytes_max = reader.bytes(&section, "body_bytes_max").unwrap_or(config.body_bytes_max);
    config.timeout = reader.duration(&section, "timeout").unwrap_or(config.timeout);
    config
}

pub(super) fn cache(reader: &mut Reader<'_>, root: &Section<'_, '_>, folder: &Path) -> CacheConfig {
    let mut config = CacheConfig {
        tier: CacheTier::Off,
        store: CacheStore::Memory,
        secret: None,
        bytes_max: 256 << 20,
        ttl: Duration::from_secs(3_600),
    };
    let Some(section) = reader.table(root, "cache") else { return config };
    reader.known(&section, &["tier", "store", "secret", "bytes_max", "ttl"]);
    let tiers = [("off", CacheTier::Off), ("exact", CacheTier::Exact)];
    config.tier = reader.word(&section, "tier", &tiers).unwrap_or(config.tier);
    config.store = store(reader, &section, folder).unwrap_or(config.store);
    config.secret = section.get("secret").and_then(|item| Secret::reference(reader, &item, folder));
    if config.store != CacheStore::Memory && section.get("secret").is_none() {
        reader.missing(&section, "secret", "write \"env:NAME\" or \"file:PATH\", the same for all replicas");
    }
    config.bytes_max = reader.bytes(&section, "bytes_max").unwrap_or(config.bytes_max);
    config.ttl = reader.duration(&section, "ttl").unwrap_or(config.ttl);
    config
}

fn store(reader: &mut Reader<'_>, section: &Section<'_, '_>, folder: &Path) -> Option<CacheStore> {
    let item = section.get("store")?;
    match reader.text(&item)? {
        text if text == "memory" => Some(CacheStore::Memory),
        text if text.starts_with("redis://") && !text.contains('@') => Some(CacheStore::Redis(text)),
        text if text.starts_with("env:") || text.starts_with("file:") => {
            Secret::reference(reader, &item, folder).map(CacheStore::Hidden)
        }
        // What was written may hold a password: it is not repeated.
        _ => {
            let hint =
                "write \"memory\", \"redis://HOST:PORT\", or \"env:NAME\" for an address with a password";
            reader.wrong(&item, "a store without a password in its address", hint);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(cache: &str) -> Result<CacheConfig, String> {
        let text =
            format!("version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n[cache]\n{cache}");
        let config = Config::parse("goldgate.toml", &text, Path::new("conf"), []);
        config
            .map(|config| config.cache)
            .map_err(|faults| faults.to_string().lines().next().unwrap().to_owned())
    }

    #[test]
    fn a_store_is_memory_an_address_or_the_name_of_one() {
        assert_eq!(read("").unwrap().store, CacheStore::Memory);
        let shared = read("store = \"redis://10.0.0.1:6379\"\nsecret = \"env:CACHE\"").unwrap();
        assert_eq!(shared.store, CacheStore::Redis("redis://10.0.0.1:6379".to_owned()));
        let hidden = read("store = \"env:REDIS\"\nsecret = \"env:CACHE\"").unwrap();
        assert!(matches!(hidden.store, CacheStore::Hidden(_)));
    }

    #[test]
    fn a_shared_store_needs_a_secret_and_no_password_stands_in_the_file() {
        let unkeyed = read("store = \"redis://10.0.0.1:6379\"").unwrap_err();
        assert!(unkeyed.contains("cache.secret: is required"), "{unkeyed}");
        let open = read("store = \"redis://:hunter2@10.0.0.1\"\nsecret = \"env:CACHE\"").unwrap_err();
        assert_eq!(open, "goldgate.toml:5:9: cache.store: a store without a password in its address");
    }
}
