//! The response cache that the configuration describes.

use std::path::PathBuf;
use std::sync::Arc;

use super::ServiceError;
use super::engines::Engines;
use crate::cache::{Cache, CacheError, CacheOptions, SemanticOptions, TenantSecret};
use crate::config::{CacheStore, CacheTier, Config, SemanticConfig};
use crate::document::Faults;
use crate::document::Secret;
use crate::telemetry::Clock;

/// The cache is keyed by releases: without one there is nothing to key it by.
pub(super) fn cache(
    config: &Config,
    engines: &Engines,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<Cache>>, ServiceError> {
    if config.cache.tier == CacheTier::Off {
        return Ok(None);
    }
    if let Some(slot) = engines.unlocked() {
        return Err(ServiceError::CacheWithoutRelease { slot });
    }
    let options =
        CacheOptions { bytes_max: config.cache.bytes_max, ttl: config.cache.ttl, ..CacheOptions::default() };
    let (clock, file) = (Arc::clone(clock), Some(standing_file(config)));
    let cache = match &config.cache.store {
        CacheStore::Memory => Cache::in_memory(options, clock, file),
        CacheStore::Shared(url) => shared(url, options, clock, file),
        CacheStore::Hidden(url) => shared(&read(url)?, options, clock, file),
    };
    let cache = match config.cache.tier {
        CacheTier::Semantic => cache?.with_semantic(semantic(&config.cache.semantic))?,
        CacheTier::Exact | CacheTier::Off => cache?,
    };
    Ok(Some(Arc::new(cache)))
}

/// The cache at an address: its scheme says whose.
fn shared(
    url: &str,
    options: CacheOptions,
    clock: Arc<dyn Clock>,
    file: Option<PathBuf>,
) -> Result<Cache, CacheError> {
    match url.starts_with("qdrant+") {
        true => Cache::in_qdrant(url, options, clock, file),
        false => Cache::in_redis(url, options, clock, file),
    }
}

fn semantic(config: &SemanticConfig) -> SemanticOptions {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share in (0, 1)")]
    let audit_every = (1.0 / config.audit).round() as u64;
    SemanticOptions {
        vectors: config.embedder.clone(),
        templates: config.templates.clone(),
        messages: config.messages,
        similarity_min: config.similarity_min,
        gap_min: config.gap_min,
        audit_every,
        false_hits_max: config.false_hits_max,
    }
}

/// What is revoked is kept beside the durable state, under its name.
fn standing_file(config: &Config) -> PathBuf {
    config.state.file.with_extension("cache.json")
}

/// What turns requests into tenants.
pub(super) fn tenant_secret(config: &Config) -> Result<TenantSecret, ServiceError> {
    let secret = config.cache.secret.as_ref().map(read).transpose()?;
    let secret = secret.map_or_else(TenantSecret::default, |secret| TenantSecret::new(&secret));
    Ok(match &config.cache.identity_headers {
        Some(names) => secret.with_headers(names.iter().cloned()),
        None => secret,
    })
}

fn read(secret: &Secret) -> Result<String, ServiceError> {
    let read = secret.read(|name| std::env::var(name).ok());
    read.map_err(|fault| ServiceError::Tokens(Faults(vec![fault])))
}
