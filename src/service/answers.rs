//! The response cache that the configuration describes.

use std::path::PathBuf;
use std::sync::Arc;

use super::ServiceError;
use super::engines::Engines;
use crate::cache::{Cache, CacheOptions, TenantSecret};
use crate::config::{CacheStore, CacheTier, Config, Secret};
use crate::document::Faults;
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
        CacheStore::Redis(url) => Cache::in_redis(url, options, clock, file),
        CacheStore::Hidden(url) => Cache::in_redis(&read(url)?, options, clock, file),
    };
    Ok(Some(Arc::new(cache?)))
}

/// What is revoked is kept beside the durable state, under its name.
fn standing_file(config: &Config) -> PathBuf {
    config.state.file.with_extension("cache.json")
}

/// What turns keys into tenants.
pub(super) fn tenant_secret(config: &Config) -> Result<TenantSecret, ServiceError> {
    let secret = config.cache.secret.as_ref().map(read).transpose()?;
    Ok(secret.map_or_else(TenantSecret::default, |secret| TenantSecret::new(&secret)))
}

fn read(secret: &Secret) -> Result<String, ServiceError> {
    let read = secret.read(|name| std::env::var(name).ok());
    read.map_err(|fault| ServiceError::Tokens(Faults(vec![fault])))
}
