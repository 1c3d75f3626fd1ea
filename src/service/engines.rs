//! Who stands in the slots: pools of engines and the releases they serve.

use std::sync::Arc;

use serde_json::Map;

use super::ServiceError;
use super::attesting::Attested;
use super::time_limits::contradictions;
use crate::config::{Config, JudgeConfig, LimitConfig, Ready, SlotConfig, Sticky, TimeoutConfig, read_keys};
use crate::control::Releases;
use crate::domain::{ReleaseId, Slot};
use crate::evals;
use crate::proxy::{
    Deployed, Limits, MirrorOptions, Occupant, PinKeys, ProxyOptions, Slots, StickySource, UsageChunks,
};
use crate::release::{Lock, Prompts};
use crate::telemetry::Clock;
use crate::upstream::{self, EndpointState, Pool, PoolOptions, Timeouts};

/// Rounds of warm-up questions. The first compiles kernels and fills caches, the second shows that it helped.
const WARM_ROUNDS: usize = 2;

/// The engine that takes a `cache_salt`.
const VLLM: &str = "vllm";

/// One slot's engines.
#[derive(Debug)]
struct Place {
    slot: Slot,
    pool: Arc<Pool>,
    lock: Option<Arc<Lock>>,
    /// What its engines are to be; `None` where nothing is known of it, or nothing is to be asked.
    attested: Option<Arc<Attested>>,
    url: String,
    ready: Ready,
}

/// Both slots' engines; green may be vacant.
#[derive(Debug)]
pub(super) struct Engines {
    blue: Place,
    green: Option<Place>,
    slots: Arc<Slots>,
}

impl Engines {
    /// Reads the releases and makes the pools. Nothing is connected yet.
    pub(super) fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let timeouts = timeouts(config.server.timeouts);
        let open = |slot, config| Place::open(slot, config, timeouts, clock);
        let blue = open(Slot::Blue, &config.blue)?;
        let green = config.green.as_ref().map(|green| open(Slot::Green, green)).transpose()?;
        let slots = Arc::new(Slots::new());
        for place in std::iter::once(&blue).chain(&green) {
            slots.occupy(place.slot, Some(place.occupant()));
        }
        Ok(Self { blue, green, slots })
    }

    /// What the proxy sees.
    pub(super) fn slots(&self) -> Arc<Slots> {
        Arc::clone(&self.slots)
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.blue).chain(&self.green)
    }

    fn place(&self, slot: Slot) -> Result<&Place, String> {
        match slot {
            Slot::Blue => Ok(&self.blue),
            Slot::Green => self.green.as_ref().ok_or_else(|| {
                "there is no green slot: add [slots.green] with endpoints and release to the configuration".to_owned()
            }),
        }
    }

    /// Which release stands where.
    pub(super) fn releases(&self) -> Releases {
        let of = |place: Option<&Place>, none| {
            place
                .and_then(|place| place.lock.as_ref())
                .map_or_else(|| ReleaseId::from(none), |lock| lock.rel())
        };
        Releases { blue: of(Some(&self.blue), "blue"), green: of(self.green.as_ref(), "green") }
    }

    /// The rules for these two releases. Where the file names no metrics, disagreement must pass between releases that
    /// should answer alike, and is only shown between others.
    pub(super) fn judged_by(&self, mut rules: JudgeConfig) -> JudgeConfig {
        if let (true, Some(alike)) = (rules.by_default, self.answer_alike()) {
            rules.policy = match alike {
                true => rules.policy.where_answers_stay(),
                false => rules.policy.where_answers_change(),
            };
        }
        rules
    }

    /// Whether the two releases should answer alike; `None` unless both are known.
    fn answer_alike(&self) -> Option<bool> {
        let green = self.green.as_ref()?.lock.as_ref()?;
        Some(self.blue.lock.as_ref()?.answers_like(green))
    }

    /// A slot whose release is not locked.
    pub(super) fn unlocked(&self) -> Option<Slot> {
        self.places().find(|place| place.lock.is_none()).map(|place| place.slot)
    }

    /// What should be known though it works.
    pub(super) fn warnings(&self, config: &Config, rules: &JudgeConfig) -> Vec<String> {
        let locks = self.places().filter_map(|place| Some((place.slot, place.lock.as_deref()?)));
        let mut warnings = contradictions(config, locks);
        if self.answer_alike() == Some(false) && rules.policy.fails_other_answers() {
            warnings.push(
                "judge.metrics: disagreement has a narrow margin, but the releases differ in what they answer: the \
                 candidate will be rolled back for its wording; leave the metric out, or set its margin to 0.999"
                    .to_owned(),
            );
        }
        for Place { slot, lock, ready, .. } in self.places() {
            if lock.is_none() {
                warnings.push(format!(
                    "slots.{slot} has no release: it is served as it is, and no rollout can start (`goldgate release lock`)"
                ));
            }
            if *ready == Ready::None {
                warnings.push(format!(
                    "slots.{slot}.driver.ready is none: it is believed to be ready, and is not warmed up"
                ));
            }
        }
        warnings
    }

    /// Requests of this process at a slot's engines.
    pub(super) fn in_flight(&self, slot: Slot) -> usize {
        self.place(slot).map_or(0, |place| place.pool.in_flight() as usize)
    }

    /// Every endpoint with its slot.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (Slot, EndpointState<'_>)> {
        self.places().flat_map(|place| place.pool.endpoints().into_iter().map(|state| (place.slot, state)))
    }

    /// Makes sure that `slot` can take traffic, and that what it would be judged as is known. Its text goes into
    /// the rollout's history.
    pub(super) async fn prepare(&self, slot: Slot) -> Result<(), String> {
        for slot in [slot.other(), slot] {
            let unlocked = format!(
                "slots.{slot} has no release: lock one with `goldgate release lock` and name it in slots.{slot}.release"
            );
            self.place(slot)?.lock.as_ref().ok_or(unlocked)?;
        }
        self.place(slot)?.prepare().await
    }

    /// The slots whose engines can be asked whether they are what they are to be.
    pub(super) fn attested(&self) -> impl Iterator<Item = Arc<Attested>> {
        self.places().filter_map(|place| place.attested.clone())
    }

    /// Where the golden harness asks `slot`, with the release that stands there.
    pub(super) fn golden(&self, slot: Slot) -> Result<evals::ArmSource, String> {
        let place = self.place(slot)?;
        let mut endpoint = evals::Endpoint::new(&place.url).map_err(|error| error.to_string())?;
        endpoint.release.clone_from(&place.lock);
        Ok(evals::ArmSource::Engine(endpoint))
    }
}

impl Place {
    fn open(
        slot: Slot,
        config: &SlotConfig,
        timeouts: Timeouts,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ServiceError> {
        let wrong = |source| ServiceError::Endpoint { slot, source };
        let endpoints: Vec<_> =
            config.endpoints.iter().map(|url| url.parse()).collect::<Result<_, _>>().map_err(wrong)?;
        let pool = Pool::new(PoolOptions { endpoints, timeouts }, Arc::clone(clock)).map_err(wrong)?;
        let lock = config.release.as_deref().map(Lock::load).transpose();
        let lock = lock.map_err(|source| ServiceError::Release { slot, source })?.map(Arc::new);
        let (pool, to_ask) = (Arc::new(pool), lock.clone().filter(|_| config.ready != Ready::None));
        Ok(Self {
            slot,
            attested: to_ask.map(|lock| Arc::new(Attested::new(slot, Arc::clone(&pool), lock))),
            pool,
            lock,
            url: config.endpoints.first().cloned().unwrap_or_default(),
            ready: config.ready,
        })
    }

    fn occupant(&self) -> Occupant {
        let deployed = match &self.lock {
            Some(lock) => Deployed {
                sem: lock.sem(),
                model: Some(lock.model().to_owned()),
                sampling: lock.sampling().clone(),
                client_may_set: lock.client_may_set().map(<[String]>::to_vec),
                salts_prefixes: lock.engine_kind() == VLLM,
                prompts: Arc::new(lock.prompts().clone()),
            },
            // Nothing is known of it, so nothing is changed for it.
            None => Deployed {
                sem: ReleaseId::new(format!("unlocked:{}", self.slot)),
                model: None,
                sampling: Map::new(),
                client_may_set: None,
                salts_prefixes: false,
                prompts: Arc::new(Prompts::default()),
            },
        };
        Occupant { pool: Arc::clone(&self.pool), deployed: Arc::new(deployed) }
    }

    async fn prepare(&self) -> Result<(), String> {
        let model = self.lock.as_ref().map(|lock| lock.model());
        let ready = match self.ready {
            Ready::None => upstream::Ready::None,
            Ready::Http => upstream::Ready::Http,
            Ready::Stream => upstream::Ready::Stream,
        };
        upstream::ready(&self.pool, ready, model).await.map_err(|error| error.to_string())?;
        if let Some(attested) = &self.attested {
            attested.ask().await?;
        }
        match (self.ready, model) {
            (Ready::Stream, Some(model)) => {
                upstream::warm(&self.pool, model, WARM_ROUNDS).await.map_err(|error| error.to_string())
            }
            _ => Ok(()),
        }
    }
}

pub(super) const fn timeouts(config: TimeoutConfig) -> Timeouts {
    let TimeoutConfig { connect, first_byte, idle, total } = config;
    Timeouts { connect, first_byte, idle, total }
}

const fn limits(config: LimitConfig, body_bytes_max: usize) -> Limits {
    Limits {
        connections_max: config.connections_max,
        requests_max: config.requests_max,
        headers_max: config.headers_max,
        header_bytes_max: config.header_bytes_max,
        body_bytes_max,
        head_timeout: config.head_timeout,
        body_timeout: config.body_timeout,
        idle_timeout: config.idle_timeout,
        send_timeout: config.send_timeout,
    }
}

/// What the configuration says of the data plane.
pub(super) fn proxy_options(config: &Config) -> Result<ProxyOptions, ServiceError> {
    let server = &config.server;
    let copies = Timeouts { total: Some(config.mirror.timeout), ..timeouts(config.server.timeouts) };
    let keys = read_keys(&config.server.pin_keys, |name| std::env::var(name).ok());
    let pin_keys = PinKeys::new(&keys.map_err(ServiceError::Tokens)?);
    Ok(ProxyOptions {
        pin_keys,
        cache_blind: config.cache.blind_share,
        model: config.model.name.clone(),
        sticky: config.model.sticky.iter().filter_map(sticky).collect(),
        node: server.node.clone(),
        pass_through: server.pass_through.clone(),
        usage: if server.asks_usage { UsageChunks::Ask } else { UsageChunks::AsClient },
        limits: limits(server.limits, server.body_bytes_max),
        mirror: MirrorOptions {
            in_flight_max: config.mirror.in_flight_max,
            in_flight_bytes_max: config.mirror.in_flight_bytes_max,
            body_bytes_max: config.mirror.body_bytes_max,
            timeouts: copies,
            ..MirrorOptions::default()
        },
        drain: config.server.drain,
        ..ProxyOptions::default()
    })
}

/// A header that HTTP cannot carry is found in no request: the next source is asked.
fn sticky(source: &Sticky) -> Option<StickySource> {
    match source {
        Sticky::Header(name) => name.parse().ok().map(StickySource::Header),
        Sticky::BodyUser => Some(StickySource::BodyUser),
        Sticky::Connection => Some(StickySource::Connection),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SLOT: &str = "version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n";

    fn options(text: &str) -> ProxyOptions {
        let config = Config::parse("goldgate.toml", &format!("{SLOT}{text}"), Path::new("conf"), []).unwrap();
        proxy_options(&config).unwrap()
    }

    #[test]
    fn what_the_file_leaves_out_is_what_the_proxy_would_choose() {
        let (read, own) = (options(""), ProxyOptions::default());
        assert_eq!((read.limits, read.usage, read.node), (own.limits, own.usage, own.node));
        assert_eq!(read.pass_through, own.pass_through);
        assert_eq!(read.mirror.in_flight_bytes_max, own.mirror.in_flight_bytes_max);
    }

    #[test]
    fn every_limit_on_clients_can_be_set() {
        let read = options(
            "[server]\nnode = \"gg-2\"\nusage = \"client\"\npass_through = [\"/tokenize\"]\nbody_bytes_max = \"1KiB\"\n\
             [server.limits]\nconnections_max = 1\nrequests_max = 2\nheaders_max = 3\nheader_bytes_max = \"4KiB\"\n\
             head_timeout = \"5s\"\nbody_timeout = \"6s\"\nidle_timeout = \"7s\"\nsend_timeout = \"8s\"\n\
             [mirror]\nin_flight_bytes_max = \"9KiB\"\n",
        );
        let seconds = std::time::Duration::from_secs;
        let expected = Limits {
            connections_max: 1,
            requests_max: 2,
            headers_max: 3,
            header_bytes_max: 4 << 10,
            body_bytes_max: 1 << 10,
            head_timeout: seconds(5),
            body_timeout: seconds(6),
            idle_timeout: seconds(7),
            send_timeout: seconds(8),
        };
        assert_eq!((read.limits, read.mirror.in_flight_bytes_max), (expected, 9 << 10));
        assert_eq!((read.usage, read.node.as_str()), (UsageChunks::AsClient, "gg-2"));
        assert_eq!(read.pass_through, ["/tokenize"]);
    }
}
