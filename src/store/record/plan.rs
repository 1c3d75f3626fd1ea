//! A plan on disk.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::word::{self, RecordError, millis};
use crate::rollout::{Plan, Ramp, Window};
use crate::routing::MirrorPlan;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowRecord {
    min_ms: u64,
    max_ms: u64,
}

impl From<Window> for WindowRecord {
    fn from(window: Window) -> Self {
        Self { min_ms: millis(window.min()), max_ms: millis(window.max()) }
    }
}

impl WindowRecord {
    fn read(&self) -> Result<Window, RecordError> {
        Ok(Window::new(Duration::from_millis(self.min_ms), Duration::from_millis(self.max_ms))?)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanRecord {
    mirror: WindowRecord,
    mirror_ppm: u32,
    /// Absent in rollouts that were stored before the share could change.
    mirror_max_ppm: Option<u32>,
    null_ppm: u32,
    ramp_ppm: Vec<u32>,
    dwell: WindowRecord,
    drain_ms: u64,
    keep_warm_ms: u64,
    on_inconclusive: String,
}

impl From<&Plan> for PlanRecord {
    fn from(plan: &Plan) -> Self {
        // Every field by name, so that a new one cannot be forgotten here.
        let Plan { mirror, copies, copies_max, ramp, dwell, drain, keep_warm, on_inconclusive } = plan;
        Self {
            mirror: (*mirror).into(),
            mirror_ppm: copies.share.ppm(),
            mirror_max_ppm: Some(copies_max.ppm()),
            null_ppm: copies.null_share.ppm(),
            ramp_ppm: ramp.shares().iter().map(|share| share.ppm()).collect(),
            dwell: (*dwell).into(),
            drain_ms: millis(*drain),
            keep_warm_ms: millis(*keep_warm),
            on_inconclusive: on_inconclusive.as_str().to_owned(),
        }
    }
}

impl PlanRecord {
    pub(super) fn read(&self) -> Result<Plan, RecordError> {
        let shares = self.ramp_ppm.iter().map(|ppm| word::share(*ppm)).collect::<Result<_, _>>()?;
        Ok(Plan {
            mirror: self.mirror.read()?,
            copies: MirrorPlan {
                share: word::share(self.mirror_ppm)?,
                null_share: word::share(self.null_ppm)?,
            },
            copies_max: word::share(self.mirror_max_ppm.unwrap_or(self.mirror_ppm))?,
            ramp: Ramp::new(shares)?,
            dwell: self.dwell.read()?,
            drain: Duration::from_millis(self.drain_ms),
            keep_warm: Duration::from_millis(self.keep_warm_ms),
            on_inconclusive: word::on_inconclusive(&self.on_inconclusive)?,
        })
    }
}
