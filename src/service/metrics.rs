//! `/metrics`: every count of the process in the OpenMetrics text format. Never prompts, answers or keys.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::arm_of;
use super::engines::Engines;
use crate::cache::{Cache, NamespaceStats};
use crate::control::{Handle, StoreHealth};
use crate::domain::Share;
use crate::proxy::{Counters, Counts};
use crate::upstream::EndpointState;

/// What is measured.
pub(super) struct Measured {
    pub(super) counters: Arc<Counters>,
    pub(super) cache: Option<Arc<Cache>>,
    /// Share of clients that go past it while releases are compared.
    pub(super) cache_blind: Share,
    pub(super) control: Handle,
    pub(super) engines: Arc<Engines>,
}

type Labels = Vec<(&'static str, String)>;

/// A page under way. Everything is read when it is asked for, so a page is made anew every time.
struct Page(Registry);

impl Page {
    fn counters(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    fn gauges(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, family);
    }
}

impl Measured {
    /// The whole page.
    pub(super) fn render(&self) -> String {
        let mut page = Page(Registry::with_prefix("goldgate"));
        self.traffic(&mut page);
        self.timers(&mut page);
        self.endpoints(&mut page);
        self.rollout(&mut page);
        self.memory(&mut page);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &page.0);
        text
    }

    fn traffic(&self, page: &mut Page) {
        let Counts { requests, mirror, null, in_flight, timers_late_us } = self.counters.snapshot();
        let events = requests.entries().into_iter().map(|(name, value)| (label("event", name), value));
        page.counters(
            "proxy_events",
            "Connections, requests, answers and samples by what became of them",
            events,
        );
        let copies = [("mirror", mirror), ("null", null)].into_iter().flat_map(|(kind, counts)| {
            let of =
                move |(fate, value)| (vec![("kind", kind.to_owned()), ("fate", str::to_owned(fate))], value);
            counts.entries().into_iter().map(of)
        });
        page.counters(
            "copies",
            "Copies of requests: offered = sent + dropped, sent = paired + orphaned",
            copies,
        );
        page.gauges(
            "requests_in_flight",
            "Requests between arrival and last byte",
            [(Vec::new(), float(in_flight))],
        );
        page.gauges(
            "timers_late_seconds",
            "How late timers of this process ran within the last seconds; beyond 5 ms latencies are no evidence",
            [(Vec::new(), float(timers_late_us) / 1e6)],
        );
    }

    /// Beside the gauge: how often timers are late, and by how much.
    fn timers(&self, page: &mut Page) {
        let help = "How late timers of this process run, one count a tick of 10 ms";
        page.0.register("timers_drift_seconds", help, self.counters.timer_drift());
    }

    fn endpoints(&self, page: &mut Page) {
        let table = Arc::clone(&self.control.status().table);
        let states: Vec<(Labels, EndpointState<'_>)> = self
            .engines
            .endpoints()
            .map(|(slot, state)| {
                let arm = arm_of(&table, slot).as_str().to_owned();
                let endpoint = ("endpoint", state.name.to_owned());
                (vec![("slot", slot.to_string()), ("arm", arm), endpoint], state)
            })
            .collect();
        let gauges = |value: fn(&EndpointState<'_>) -> f64| {
            states.iter().map(move |(labels, state)| (labels.clone(), value(state))).collect::<Vec<_>>()
        };
        let counts = |value: fn(&EndpointState<'_>) -> u64| {
            states.iter().map(move |(labels, state)| (labels.clone(), value(state))).collect::<Vec<_>>()
        };
        page.gauges(
            "endpoint_requests_in_flight",
            "Requests of this process at an engine",
            gauges(|state| f64::from(state.in_flight)),
        );
        page.counters(
            "endpoint_failures",
            "Requests that an engine failed: not reached, silent, broken off, or answered with a 5xx",
            counts(|state| state.failures),
        );
        page.counters(
            "endpoint_ejections",
            "Times that an engine was passed over for failing",
            counts(|state| state.ejections),
        );
        page.gauges(
            "endpoint_ejected",
            "1 while an engine is passed over for failing",
            gauges(|state| f64::from(u8::from(state.is_ejected))),
        );
        page.gauges(
            "endpoint_drifted",
            "1 while an engine is known not to be what its release was locked to",
            gauges(|state| f64::from(u8::from(state.has_drifted))),
        );
        page.gauges(
            "endpoint_unconfirmed",
            "1 while what an engine says counts for nothing, because it was not asked what it is",
            gauges(|state| f64::from(u8::from(state.is_unconfirmed))),
        );
    }

    fn rollout(&self, page: &mut Page) {
        let status = self.control.status();
        let table = &status.table;
        let share = |arm: &str, share: f64| (label("arm", arm), share);
        let candidate = table.split.candidate().fraction();
        page.gauges(
            "traffic_share",
            "Share of clients by arm",
            [share("baseline", 1.0 - candidate), share("candidate", candidate)],
        );
        page.gauges(
            "mirror_share",
            "Share of the baseline's requests that is copied",
            [(Vec::new(), table.mirror.share.fraction())],
        );
        let plan = status.rollout.iter().map(|rollout| &rollout.parts().plan);
        page.gauges(
            "mirror_share_max",
            "The most that the mirror stage of the latest rollout may copy",
            plan.map(|plan| (Vec::new(), plan.copies_max.fraction())),
        );
        page.gauges(
            "table_version",
            "Version of the published route table",
            [(Vec::new(), float(table.version))],
        );
        let stage = status.rollout.iter().map(|rollout| {
            let parts = rollout.parts();
            (vec![("rollout", parts.id.to_string()), ("stage", rollout.stage().to_string())], 1.0)
        });
        page.gauges("rollout_stage", "The latest rollout and the stage it stands in", stage);
        page.gauges(
            "evidence_records",
            "Records of live evidence in this epoch",
            [(Vec::new(), float(status.records))],
        );
        let works = if status.store == StoreHealth::Works { 1.0 } else { 0.0 };
        page.gauges("store_works", "1 while the durable state can be written", [(Vec::new(), works)]);
    }

    fn memory(&self, page: &mut Page) {
        let Some(cache) = &self.cache else { return };
        let stats = cache.stats();
        let by_release = |value: fn(&NamespaceStats) -> u64| {
            stats.iter().map(move |(release, one)| (label("release", release.as_str()), value(one)))
        };
        let blind = if self.control.status().table.compares() { self.cache_blind } else { Share::ZERO };
        page.gauges(
            "cache_blind_share",
            "Share of clients, the same on both arms, that go past the cache now",
            [(Vec::new(), blind.fraction())],
        );
        page.counters("cache_hits", "Look-ups that found an answer", by_release(|one| one.hits));
        page.counters(
            "cache_semantic_hits",
            "Questions answered by answers to others that were alike",
            by_release(|one| one.semantic),
        );
        page.counters("cache_misses", "Look-ups that did not", by_release(|one| one.misses));
        page.counters("cache_writes", "Answers written", by_release(|one| one.writes));
        let bytes = by_release(|one| one.bytes as u64).map(|(labels, bytes)| (labels, float(bytes)));
        page.gauges("cache_bytes", "Memory held by a release's answers", bytes);
    }
}

fn label(name: &'static str, value: &str) -> Labels {
    vec![(name, value.to_owned())]
}

#[expect(clippy::cast_precision_loss, reason = "what a dashboard draws")]
const fn float(count: u64) -> f64 {
    count as f64
}
