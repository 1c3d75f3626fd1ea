//! `[rollout]`: which suites gate, and how traffic moves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::MirrorConfig;
use crate::document::{Item, Reader, Section};
use crate::domain::Share;
use crate::rollout::{OnInconclusive, Plan, PlanError, Ramp, Window};
use crate::routing::MirrorPlan;

/// `[rollout]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutConfig {
    /// The suites of the golden gate.
    pub gate: Vec<PathBuf>,
    /// How traffic moves.
    pub plan: Plan,
}

const MINUTE: Duration = Duration::from_secs(60);

/// Mirror 5 to 10 minutes, then 1, 25, 75 and 100 %, each 10 to 20 minutes.
fn default_plan(mirror: MirrorConfig) -> Result<Plan, PlanError> {
    Ok(Plan {
        mirror: Window::new(5 * MINUTE, 10 * MINUTE)?,
        copies: MirrorPlan { share: mirror.share, null_share: mirror.null_share },
        copies_max: mirror.share_max,
        ramp: Ramp::new([10_000, 250_000, 750_000, 1_000_000].map(Share::from_ppm).to_vec())?,
        dwell: Window::new(10 * MINUTE, 20 * MINUTE)?,
        drain: MINUTE,
        keep_warm: 24 * 60 * MINUTE,
        on_inconclusive: OnInconclusive::Hold,
    })
}

/// The settings; `None` when a fault was noted that leaves no plan.
pub(super) fn rollout(
    reader: &mut Reader<'_>,
    root: &Section<'_, '_>,
    mirror: MirrorConfig,
    folder: &Path,
) -> Option<RolloutConfig> {
    let mut plan = default_plan(mirror).ok()?;
    let Some(section) = reader.table(root, "rollout") else {
        return Some(RolloutConfig { gate: Vec::new(), plan });
    };
    let known = ["gate", "mirror", "ramp", "dwell", "drain", "keep_warm", "on_inconclusive"];
    reader.known(&section, &known);
    let gate = reader.texts(&section, "gate").unwrap_or_default();
    plan.mirror = window(reader, &section, "mirror").unwrap_or(plan.mirror);
    plan.dwell = window(reader, &section, "dwell").unwrap_or(plan.dwell);
    plan.drain = reader.duration(&section, "drain").unwrap_or(plan.drain);
    plan.keep_warm = reader.duration(&section, "keep_warm").unwrap_or(plan.keep_warm);
    if let Some(item) = section.get("ramp") {
        plan.ramp = ramp(reader, &section, &item).unwrap_or(plan.ramp);
    }
    let words = [("hold", OnInconclusive::Hold), ("rollback", OnInconclusive::Rollback)];
    plan.on_inconclusive = reader.word(&section, "on_inconclusive", &words).unwrap_or(plan.on_inconclusive);
    Some(RolloutConfig { gate: gate.into_iter().map(|(path, _)| folder.join(path)).collect(), plan })
}

fn window(reader: &mut Reader<'_>, section: &Section<'_, '_>, key: &str) -> Option<Window> {
    let item = section.get(key)?;
    let window = reader.table(section, key)?;
    reader.known(&window, &["min", "max"]);
    let hint = format!("write {key} = {{ min = \"5m\", max = \"10m\" }}");
    reader.needed(&window, "min", &hint)?;
    reader.needed(&window, "max", &hint)?;
    let (min, max) = (reader.duration(&window, "min")?, reader.duration(&window, "max")?);
    Window::new(min, max).map_err(|error| reader.wrong(&item, error.to_string(), hint)).ok()
}

fn ramp(reader: &mut Reader<'_>, section: &Section<'_, '_>, whole: &Item<'_, '_>) -> Option<Ramp> {
    let steps: Vec<_> = reader
        .texts(section, "ramp")?
        .into_iter()
        .map(|(_, item)| Some((reader.share(&item)?, item)))
        .collect::<Option<_>>()?;
    Ramp::new(steps.iter().map(|(share, _)| *share).collect())
        .map_err(|error| {
            let place = match &error {
                PlanError::ShareNotIncreasing { prev, next } => steps
                    .windows(2)
                    .find(|pair| pair[0].0 == *prev && pair[1].0 == *next)
                    .map_or(whole, |pair| &pair[1].1),
                _ => whole,
            };
            reader.wrong(place, error.to_string(), "list ramp shares from smallest to largest, 100% last");
        })
        .ok()
}
