//! What a stage that goes on by itself calls for: one pure function.

use std::time::Duration;

use super::{Finding, Hold, Live, OnInconclusive, Plan, Stage, Window};
use crate::domain::Timestamp;
use crate::judgment::Verdict;

/// The next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing yet.
    Stay,
    /// Go on to the stage.
    Enter(Stage),
    /// Wait for an operator.
    Hold(Hold),
    /// Everything back to the baseline, because the evidence did not decide.
    GiveUp(Hold),
}

/// What `live` calls for at `now`. Fail is not seen here: it ends the rollout when it is heard.
pub(super) fn next(plan: &Plan, live: &Live, now: Timestamp) -> Next {
    let elapsed = live.clock.elapsed(now);
    let said = live.verdict().map(|stage_verdict| stage_verdict.verdict);
    match live.stage {
        Stage::Prepare if live.finding == Finding::Ready => Next::Enter(Stage::Gate),
        Stage::Gate => gate(plan, said),
        Stage::Mirror => mirror(plan, said, elapsed),
        Stage::Ramp { index } => ramp(plan, index, said, elapsed),
        Stage::Drain if live.finding == Finding::Drained || elapsed >= plan.drain => {
            Next::Enter(Stage::KeepWarm)
        }
        Stage::KeepWarm if elapsed >= plan.keep_warm => Next::Enter(Stage::Done),
        Stage::Prepare | Stage::Drain | Stage::KeepWarm | Stage::Done | Stage::RolledBack => Next::Stay,
    }
}

/// One look at a fixed sample: whatever it says is final.
fn gate(plan: &Plan, said: Option<Verdict>) -> Next {
    match said {
        Some(Verdict::Pass) => Next::Enter(Stage::Mirror),
        Some(Verdict::Inconclusive) => undecided(plan, Hold::Inconclusive),
        Some(Verdict::Invalid) => undecided(plan, Hold::Invalid),
        Some(Verdict::Fail) | None => Next::Stay,
    }
}

/// No user sees the candidate here, so evidence that cannot be trusted gets until the stage's
/// shortest time is over to become better: the first pairs are few, and one lost half among them is
/// a large share.
fn mirror(plan: &Plan, said: Option<Verdict>, elapsed: Duration) -> Next {
    let window = plan.mirror;
    match said {
        Some(Verdict::Pass) if elapsed >= window.min() => Next::Enter(Stage::Ramp { index: 0 }),
        Some(Verdict::Invalid) if elapsed >= window.min() => undecided(plan, Hold::Invalid),
        _ => overdue(plan, window, elapsed),
    }
}

/// Users see the candidate: evidence that cannot be trusted is acted upon at once. A step needs its
/// time and one look without Fail; the last one needs a pass.
fn ramp(plan: &Plan, index: usize, said: Option<Verdict>, elapsed: Duration) -> Next {
    let window = plan.dwell;
    let last = plan.ramp.is_last(index);
    match said {
        Some(Verdict::Invalid) => undecided(plan, Hold::Invalid),
        Some(Verdict::Pass) if elapsed >= window.min() && last => Next::Enter(Stage::Drain),
        Some(Verdict::Pass | Verdict::Inconclusive) if elapsed >= window.min() && !last => {
            Next::Enter(Stage::Ramp { index: index + 1 })
        }
        _ => overdue(plan, window, elapsed),
    }
}

fn overdue(plan: &Plan, window: Window, elapsed: Duration) -> Next {
    if elapsed >= window.max() { undecided(plan, Hold::Inconclusive) } else { Next::Stay }
}

const fn undecided(plan: &Plan, hold: Hold) -> Next {
    match plan.on_inconclusive {
        OnInconclusive::Hold => Next::Hold(hold),
        OnInconclusive::Rollback => Next::GiveUp(hold),
    }
}
