//! Asks a candidate that is being prepared what clients ask most.

use std::sync::{Arc, OnceLock};

use super::answers::tenant_secret;
use super::{ServiceError, graders};
use crate::cache::{Cache, Tenant};
use crate::config::{Config, WarmUpConfig, read_keys};
use crate::control::Handle;
use crate::domain::Slot;
use crate::evidence::Replays;
use crate::proxy::{ProxyOptions, Slots, WarmUp, WarmUpOptions};
use crate::rollout::{Rollout, Stage};

/// The warm-up of the configuration, and what it needs to know of the rollout.
pub(super) struct Warming {
    pub(super) warm_up: Arc<WarmUp>,
    cache: Arc<Cache>,
    slots: Arc<Slots>,
    control: OnceLock<Handle>,
}

impl Warming {
    /// `None`: there is no cache, or nobody allows it.
    pub(super) fn open(
        config: &Config,
        options: &ProxyOptions,
        cache: Option<&Arc<Cache>>,
        slots: Arc<Slots>,
    ) -> Result<Option<Arc<Self>>, ServiceError> {
        let (Some(given), Some(cache)) = (&config.cache.warm_up, cache) else { return Ok(None) };
        let options = WarmUpOptions {
            count: given.count,
            per_second: given.per_second,
            tenants: tenants(config, given)?,
            timeouts: options.mirror.timeouts,
            usage: options.usage,
            graders: graders(config)?,
        };
        let warm_up = Arc::new(WarmUp::new(options));
        let control = OnceLock::new();
        Ok(Some(Arc::new(Self { warm_up, cache: Arc::clone(cache), slots, control })))
    }

    /// From now on a rollout that has left its first stage ends the warm-up.
    pub(super) fn follow(&self, control: Handle) {
        // Set once, when everything is built.
        let _ = self.control.set(control);
    }

    /// Asks `slot` what the other slot's release is asked most, and gives both releases' answers. To miss a part of it costs
    /// hits, and time to find what is broken.
    pub(super) async fn run(&self, slot: Slot) -> Option<Replays> {
        let (present, next) = (self.slots.occupant(slot.other())?, self.slots.occupant(slot)?);
        Some(self.warm_up.run(&self.cache, &present, &next, || self.is_wanted()).await.replays)
    }

    fn is_wanted(&self) -> bool {
        let stage = |control: &Handle| control.status().rollout.as_ref().map(Rollout::stage);
        self.control.get().and_then(stage).is_none_or(|stage| stage == Stage::Prepare)
    }
}

fn tenants(config: &Config, given: &WarmUpConfig) -> Result<Vec<Tenant>, ServiceError> {
    let secret = tenant_secret(config)?;
    let keys = read_keys(&given.keys, |name| std::env::var(name).ok()).map_err(ServiceError::Tokens)?;
    let named = keys.iter().map(|key| Tenant::of(&secret, Some(format!("Bearer {key}").as_bytes())));
    Ok(named.chain(given.anonymous.then(|| Tenant::of(&secret, None))).collect())
}
