//! Asks a release that comes what clients ask the present one most, before any of them sees it.
//!
//! Its engines compute the prefixes that will be asked for, and its own room of the cache fills, through the same gate as any
//! other answer. What the present release once answered stands in the cache, and so both answers make a pair: evidence of a kind
//! of its own ([`Replays`]), which says nothing of times, and is never mixed with that of copies and clients.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::asking::kept_answer;
use super::favourites::Favourites;
use super::repeat::{Half, Repeat};
use super::{Occupant, UsageChunks};
use crate::cache::{Cache, Tenant};
use crate::domain::{Arm, ReleaseId};
use crate::evidence::{Copied, Copies, Observation, Replays, Role, Sample, Usual};
use crate::upstream::Timeouts;
use crate::wire::{Answer, LiveGrader};

/// After so many requests in a row to which nothing came the rest is not asked: a candidate that hangs would take hours, and so
/// many failures prove what more of them would.
const UNANSWERED_MAX: usize = 24;

/// Bounds of a warm-up.
#[derive(Clone, Debug)]
pub struct WarmUpOptions {
    /// Requests asked at most.
    pub count: usize,
    /// Requests asked within a second at most, one after another.
    pub per_second: u32,
    /// Whose requests may be remembered and asked again.
    pub tenants: Vec<Tenant>,
    /// The limits of one request.
    pub timeouts: Timeouts,
    /// Whether streams are asked for their usage.
    pub usage: UsageChunks,
    /// Patterns that score every whole answer.
    pub graders: Vec<LiveGrader>,
}

/// Remembers what is asked most and asks it again.
#[derive(Debug)]
pub struct WarmUp {
    options: WarmUpOptions,
    pub(super) favourites: Favourites,
    /// How often each release failed its clients.
    usual: Mutex<HashMap<ReleaseId, Usual>>,
}

/// What a warm-up came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Warmed {
    /// Requests asked.
    pub asked: usize,
    /// Answers that the cache keeps.
    pub kept: usize,
    /// Both releases' answers.
    pub replays: Replays,
}

impl WarmUp {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(options: WarmUpOptions) -> Self {
        let favourites = Favourites::of(options.tenants.iter().copied());
        Self { options, favourites, usual: Mutex::default() }
    }

    /// Counts an answer to a client.
    pub(super) fn note(&self, answer: &Observation) {
        let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        match usual.get_mut(&answer.release) {
            Some(usual) => usual.note(answer),
            None => usual.entry(answer.release.clone()).or_default().note(answer),
        }
    }

    /// Asks `next` what `present` answered from the cache most often, as long as `is_wanted` holds.
    pub async fn run(
        &self,
        cache: &Cache,
        present: &Occupant,
        next: &Occupant,
        is_wanted: impl Fn() -> bool,
    ) -> Warmed {
        let mut warmed = Warmed { replays: self.begin(present), ..Warmed::default() };
        let mut ticks = interval(Duration::from_secs(1) / self.options.per_second.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unanswered = 0;
        for (id, favourite) in self.favourites.top(&present.deployed.sem, self.options.count) {
            ticks.tick().await;
            if !is_wanted() || unanswered >= UNANSWERED_MAX {
                info!(asked = warmed.asked, unanswered, "the warm-up ends early");
                break;
            }
            let Some(repeat) = Repeat::of(&id, &favourite) else { continue };
            // Before it is asked again: nothing of the choice depends on what comes.
            let kept = cache.peek(&repeat.request(&present.deployed.sem)).await;
            let half = repeat.ask(cache, next, &self.options).await;
            warmed.asked += 1;
            warmed.kept += usize::from(half.is_kept());
            unanswered = if half.is_unanswered() { unanswered + 1 } else { 0 };
            let kept = kept.map(|hit| kept_answer(&hit.entry.headers, &hit.entry.body));
            let serving = kept.map(|answer| self.observed(&repeat, present, Arm::Baseline, answer));
            warmed
                .replays
                .samples
                .extend(serving.and_then(|serving| self.pair(&repeat, next, serving, half)));
        }
        info!(asked = warmed.asked, kept = warmed.kept, "warmed up with what clients ask most");
        warmed
    }

    fn begin(&self, present: &Occupant) -> Replays {
        let usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = usual.get(&present.deployed.sem).copied().unwrap_or_default();
        Replays { usual, samples: Vec::new() }
    }

    fn pair(&self, repeat: &Repeat<'_>, next: &Occupant, serving: Observation, half: Half) -> Option<Sample> {
        let candidate = match half {
            Half::Answered { answer, .. } => Some(self.observed(repeat, next, Arm::Candidate, *answer)),
            Half::Lost => None,
            Half::Nothing => return None,
        };
        let copied = Copied::Sent(Box::new(Copies { candidate, null: None }));
        Some(Sample { serving, copied })
    }

    fn observed(&self, repeat: &Repeat<'_>, occupant: &Occupant, arm: Arm, answer: Answer) -> Observation {
        let role = if arm == Arm::Baseline { Role::Serving } else { Role::Mirror };
        repeat.observed(occupant.deployed.sem.clone(), (arm, role), &answer, &self.options.graders)
    }
}
