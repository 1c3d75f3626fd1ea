//! How everything stands, as one value that is replaced and never changed.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::Timestamp;
use crate::judgment::{Judgment, Policy};
use crate::rollout::{Rollout, Waiting};
use crate::routing::RouteTable;

/// Whether the store works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreHealth {
    /// It does.
    Works,
    /// It does not, and all clients are on the baseline; the text says why.
    Lost(String),
}

/// The error probabilities that the judge works by: an e-value of one over them decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alphas {
    /// Of ever failing a release that is within its margins, over all metrics together.
    pub abort: f64,
    /// Of ever passing a metric that is worse by its margin.
    pub promote: f64,
}

impl From<&Policy> for Alphas {
    fn from(policy: &Policy) -> Self {
        Self { abort: policy.abort_alpha, promote: policy.promote_alpha }
    }
}

/// What is still needed to decide, if the present trend holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Pairs.
    pub pairs: u64,
    /// How long they take at the pace of this stage; `None` while no evidence comes.
    pub time: Option<Duration>,
}

/// How everything stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// When this was true.
    pub at: Timestamp,
    /// The published table.
    pub table: Arc<RouteTable>,
    /// The latest rollout, under way or over.
    pub rollout: Option<Rollout>,
    /// What it waits for.
    pub waiting: Vec<Waiting>,
    /// What the golden gate said in this epoch.
    pub gate: Option<Arc<Judgment>>,
    /// What the judge said at the latest look at live evidence in this epoch.
    pub live: Option<Arc<Judgment>>,
    /// Records of live evidence in this epoch.
    pub records: u64,
    /// What is still needed to decide; `None` when nothing is, or no number can be given.
    pub needs: Option<Needs>,
    /// How sure the judge must be.
    pub alphas: Alphas,
    /// The store.
    pub store: StoreHealth,
}
