//! What the proxy is handed: the table, who lives in the slots, and where evidence goes.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{Counters, WarmUp};
use crate::cache::Cache;
use crate::domain::{ReleaseId, Slot};
use crate::evidence::Sample;
use crate::release::Prompts;
use crate::routing::RouteTable;
use crate::telemetry::Clock;
use crate::upstream::Pool;
use crate::wire::LiveGrader;

/// As much of a release as a request needs.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The digest of all that can change an answer; also the cache's namespace.
    pub sem: ReleaseId,
    /// The name the engine knows its model by; `None` leaves the client's.
    pub model: Option<String>,
    /// Sampling defaults, put in where the client set nothing, or nothing that it may set.
    pub sampling: Map<String, Value>,
    /// Sampling parameters that clients may set; `None`: all of them. All names of the length limit are one.
    pub client_may_set: Option<Vec<String>>,
    /// Whether the engines understand `cache_salt`, which keeps their own prefix caches apart.
    pub salts_prefixes: bool,
    /// Prompt templates.
    pub prompts: Arc<Prompts>,
}

/// Who lives in a slot: engines and the release they serve, changed together.
#[derive(Clone, Debug)]
pub struct Occupant {
    /// The engines.
    pub pool: Arc<Pool>,
    /// Their release.
    pub deployed: Arc<Deployed>,
}

/// The two places. An occupant may be replaced while it gets no new requests; those in flight keep theirs.
#[derive(Debug, Default)]
pub struct Slots {
    blue: ArcSwapOption<Occupant>,
    green: ArcSwapOption<Occupant>,
}

impl Slots {
    /// Two vacant places.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves an occupant in, or the present one out.
    pub fn occupy(&self, slot: Slot, occupant: Option<Occupant>) {
        self.place(slot).store(occupant.map(Arc::new));
    }

    /// Who lives there now.
    #[must_use]
    pub fn occupant(&self, slot: Slot) -> Option<Arc<Occupant>> {
        self.place(slot).load_full()
    }

    /// Closes connections that were idle too long.
    pub(super) fn sweep(&self) {
        for slot in [Slot::Blue, Slot::Green] {
            if let Some(occupant) = self.occupant(slot) {
                occupant.pool.sweep();
            }
        }
    }

    const fn place(&self, slot: Slot) -> &ArcSwapOption<Occupant> {
        match slot {
            Slot::Blue => &self.blue,
            Slot::Green => &self.green,
        }
    }
}

/// What a proxy is made of.
pub struct ProxyParts {
    /// Read once per request; whoever owns the rollout publishes into it.
    pub table: Arc<ArcSwap<RouteTable>>,
    /// Who lives in the slots.
    pub slots: Arc<Slots>,
    /// The response cache; `None` when it is off.
    pub cache: Option<Arc<Cache>>,
    /// Remembers what is asked most, for the next release; `None` when nobody allows it.
    pub warm_up: Option<Arc<WarmUp>>,
    /// Where evidence goes. When it is full the sample is dropped and counted: judging falls behind,
    /// users do not.
    pub samples: mpsc::Sender<Sample>,
    /// Patterns that score every whole answer.
    pub graders: Vec<LiveGrader>,
    /// Time, the same as the pools'.
    pub clock: Arc<dyn Clock>,
    /// What the proxy counts.
    pub counters: Arc<Counters>,
}

impl fmt::Debug for ProxyParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyParts").field("table", &self.table.load()).finish_non_exhaustive()
    }
}
