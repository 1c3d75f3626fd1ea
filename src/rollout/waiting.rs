//! What a rollout waits for, as data: the answer to "why does nothing happen?".

use std::fmt;
use std::time::Duration;

use super::{Finding, Frozen, Hold, Live, Mode, Plan, Stage, Window};
use crate::domain::Timestamp;
use crate::judgment::Verdict;

/// One thing that must happen before the rollout moves on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The store must work again.
    Store,
    /// An operator must resume after a pause.
    Resume,
    /// An operator must decide, because the evidence did not.
    Decision(Hold),
    /// The candidate must become ready.
    Candidate,
    /// The golden gate must end.
    Gate,
    /// The stage's shortest time must pass.
    Time {
        /// What is left of it.
        left: Duration,
    },
    /// The judge must look at evidence of this stage.
    Evidence {
        /// What is left until the stage counts as undecided.
        deadline: Duration,
    },
    /// The judge must say pass.
    Pass {
        /// What it says now.
        said: Verdict,
        /// What is left until the stage counts as undecided.
        deadline: Duration,
    },
    /// The old baseline must finish what it began.
    Drain {
        /// What is left until nobody waits for it any more.
        deadline: Duration,
    },
}

/// What `live` waits for at `now`; empty when the next event moves it on.
pub(super) fn waiting(plan: &Plan, live: &Live, now: Timestamp) -> Vec<Waiting> {
    if live.frozen == Frozen::Yes {
        return vec![Waiting::Store];
    }
    match live.mode {
        Mode::Paused => return vec![Waiting::Resume],
        Mode::Held(hold) => return vec![Waiting::Decision(hold)],
        Mode::Running => {}
    }
    let elapsed = live.clock.elapsed(now);
    match live.stage {
        Stage::Prepare if live.finding == Finding::Nothing => vec![Waiting::Candidate],
        Stage::Gate if live.finding == Finding::Nothing => vec![Waiting::Gate],
        Stage::Mirror => judged(plan.mirror, elapsed, live, Needs::Pass),
        Stage::Ramp { index } if plan.ramp.is_last(index) => judged(plan.dwell, elapsed, live, Needs::Pass),
        Stage::Ramp { .. } => judged(plan.dwell, elapsed, live, Needs::Look),
        Stage::Drain => vec![Waiting::Drain { deadline: plan.drain.saturating_sub(elapsed) }],
        Stage::KeepWarm => time(plan.keep_warm, elapsed).into_iter().collect(),
        Stage::Prepare | Stage::Gate | Stage::Done | Stage::RolledBack => Vec::new(),
    }
}

/// What a judged stage asks of the judge.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    Look,
    Pass,
}

fn judged(window: Window, elapsed: Duration, live: &Live, needs: Needs) -> Vec<Waiting> {
    let deadline = window.max().saturating_sub(elapsed);
    let verdict = match live.verdict().map(|stage_verdict| stage_verdict.verdict) {
        None => Some(Waiting::Evidence { deadline }),
        Some(Verdict::Pass) => None,
        Some(Verdict::Inconclusive) if needs == Needs::Look => None,
        Some(said) => Some(Waiting::Pass { said, deadline }),
    };
    time(window.min(), elapsed).into_iter().chain(verdict).collect()
}

fn time(shortest: Duration, elapsed: Duration) -> Option<Waiting> {
    let left = shortest.saturating_sub(elapsed);
    (!left.is_zero()).then_some(Waiting::Time { left })
}

/// A span of time as people write it, to the second above ten seconds.
pub(super) fn span(duration: Duration) -> String {
    let shown = if duration >= Duration::from_secs(10) {
        Duration::from_secs(duration.as_secs())
    } else {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    };
    humantime::format_duration(shown).to_string()
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("the store to work again; until then all clients are on the baseline"),
            Self::Resume => f.write_str("an operator to resume"),
            Self::Decision(Hold::Inconclusive) => {
                f.write_str("an operator: the evidence did not decide in time (promote, resume or abort)")
            }
            Self::Decision(Hold::Invalid) => {
                f.write_str("an operator: the evidence cannot be trusted (mend and resume, or abort)")
            }
            Self::Candidate => f.write_str("the candidate to be ready"),
            Self::Gate => f.write_str("the golden gate to end"),
            Self::Time { left } => write!(f, "{} more in this stage", span(*left)),
            Self::Evidence { deadline } => {
                write!(f, "the first evidence of this stage, for {} more", span(*deadline))
            }
            Self::Pass { said, deadline } => {
                write!(f, "a pass (now {said}), for {} more", span(*deadline))
            }
            Self::Drain { deadline } => {
                write!(f, "the old baseline to finish its requests, for {} more", span(*deadline))
            }
        }
    }
}
