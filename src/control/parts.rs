//! What the control task is made of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::domain::{MetricName, PolicyDigest, ReleaseId, Slot};
use crate::evidence::{Replays, Sample};
use crate::judgment::{Judgment, Policy};
use crate::rollout::Plan;
use crate::routing::RouteTable;
use crate::store::Store;
use crate::telemetry::Clock;

/// The golden gate to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateRequest {
    /// The slot that serves now.
    pub baseline: Slot,
    /// The slot to be judged.
    pub candidate: Slot,
    /// The epoch it is run for; seeds its order.
    pub epoch: u64,
}

/// Runs the golden suites against both slots. An error is a run that could not take place: invalid.
pub type GateRunner = Arc<dyn Fn(GateRequest) -> BoxFuture<'static, Result<Judgment, String>> + Send + Sync>;

/// Starts, attests and warms a slot. What it answered meanwhile is evidence; `None` where nobody allows it to be asked.
pub type PrepareRunner =
    Arc<dyn Fn(Slot) -> BoxFuture<'static, Result<Option<Replays>, String>> + Send + Sync>;

/// Requests in flight at a slot's engines, read from this process's own counters.
pub type InFlight = Arc<dyn Fn(Slot) -> usize + Send + Sync>;

/// Which release stands in which slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Releases {
    /// Blue's.
    pub blue: ReleaseId,
    /// Green's.
    pub green: ReleaseId,
}

impl Releases {
    /// The release in `slot`.
    #[must_use]
    pub const fn of(&self, slot: Slot) -> &ReleaseId {
        match slot {
            Slot::Blue => &self.blue,
            Slot::Green => &self.green,
        }
    }
}

/// Everything the control task needs; it owns all of it.
pub struct ControlParts {
    /// The durable state.
    pub store: Store,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// The table that the proxy reads. A restart overwrites it with the stored one before anything else.
    pub table: Arc<ArcSwap<RouteTable>>,
    /// Finished requests. The sender never waits: a full channel loses evidence, never time of a client.
    pub samples: mpsc::Receiver<Sample>,
    /// Metrics of the live graders.
    pub scores: Vec<MetricName>,
    /// The largest share of the pairs that one tenant may make; `None`: no tenant is capped.
    pub tenant_max: Option<f64>,
    /// How evidence is judged; [beside its warm-up](Policy::beside_warm_up) where `prepare` brings evidence.
    pub policy: Policy,
    /// The policy's digest.
    pub policy_digest: PolicyDigest,
    /// The plan of rollouts that bring none of their own.
    pub plan: Plan,
    /// What stands in the slots.
    pub releases: Releases,
    /// Where evidence is kept.
    pub evidence_dir: PathBuf,
    /// Runs the golden gate.
    pub gate: GateRunner,
    /// Prepares a slot.
    pub prepare: PrepareRunner,
    /// Counts requests in flight.
    pub in_flight: InFlight,
    /// Time between ticks: how late a stage may end, and how long evidence may stay in memory.
    pub tick: Duration,
}
