//! Words, shares and times between records and core types.

use std::time::Duration;

use crate::domain::{Share, Slot};
use crate::judgment::Verdict;
use crate::rollout::{Ending, Hold, OnInconclusive, PartsError, PlanError, Stage, StageError};

/// Why a record is not what was written.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum RecordError {
    /// Not the JSON that is expected; the message names the place in it.
    #[error("{0}")]
    Json(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// A format of another version.
    #[error("its schema is {found:?}, expected {expected:?}")]
    Schema { found: String, expected: &'static str },
    /// A word that is not in the list.
    #[error("{what} cannot be {found:?}")]
    Word { what: &'static str, found: String },
    /// A stage that does not exist.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A plan that cannot be followed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Parts that contradict each other.
    #[error(transparent)]
    Parts(#[from] PartsError),
}

fn pick<T: Copy>(
    what: &'static str,
    found: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, RecordError> {
    all.iter()
        .copied()
        .find(|one| name(*one) == found)
        .ok_or_else(|| RecordError::Word { what, found: found.to_owned() })
}

pub(super) fn slot(found: &str) -> Result<Slot, RecordError> {
    pick("a slot", found, &[Slot::Blue, Slot::Green], Slot::as_str)
}

pub(super) fn verdict(found: &str) -> Result<Verdict, RecordError> {
    let all = [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail, Verdict::Invalid];
    pick("a verdict", found, &all, Verdict::as_str)
}

pub(super) fn ending(found: &str) -> Result<Ending, RecordError> {
    use Ending::{Inconclusive, Invalid, Operator, Promoted, RegressionProven};
    let all = [Promoted, RegressionProven, Inconclusive, Invalid, Operator];
    pick("an ending", found, &all, Ending::as_str)
}

pub(super) fn hold(found: &str) -> Result<Hold, RecordError> {
    pick("a hold", found, &[Hold::Inconclusive, Hold::Invalid], Hold::as_str)
}

pub(super) fn on_inconclusive(found: &str) -> Result<OnInconclusive, RecordError> {
    let all = [OnInconclusive::Hold, OnInconclusive::Rollback];
    pick("on_inconclusive", found, &all, OnInconclusive::as_str)
}

pub(super) fn stage(found: &str) -> Result<Stage, RecordError> {
    Ok(found.parse()?)
}

pub(super) fn share(ppm: u32) -> Result<Share, RecordError> {
    let share = Share::from_ppm(ppm);
    if share.ppm() == ppm {
        return Ok(share);
    }
    Err(RecordError::Word { what: "a share in parts per million", found: ppm.to_string() })
}

/// Milliseconds of a duration; beyond 500 million years it stays there.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
