//! Sets the mirror stage's share at looks, so that the judge can decide before the stage's time is over.

use std::time::Duration;

use super::Control;
use super::gathering::Gathering;
use crate::domain::Timestamp;
use crate::judgment::Verdict;
use crate::rollout::{Event, Rollout, Stage, State};
use crate::routing::{MirrorDemand, MirrorRange, Room};

/// When the share was set last, and how many copies had been dropped by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShareSet {
    at: Timestamp,
    dropped: u64,
}

impl ShareSet {
    pub(super) const fn now(now: Timestamp, gathering: &Gathering) -> Self {
        Self { at: now, dropped: gathering.snapshot().drops().dropped_copies() }
    }
}

impl Control {
    /// Sets the share of the mirror stage, when it is time to, by what the latest look finds missing.
    pub(super) async fn set_mirror_share(&mut self) {
        let now = self.parts.clock.wall();
        let (Some(rollout), Some(gathering)) = (&self.rollout, &self.gathering) else { return };
        let (range, epoch) = (rollout.parts().plan.mirror_range(), rollout.parts().epoch);
        if range.is_fixed() || !self.is_due(rollout, now) {
            return;
        }
        let Some(demand) = self.mirror_demand(rollout, gathering, now) else { return };
        self.looks.share_set = Some(ShareSet::now(now, gathering));
        let share = range.next(&demand);
        if share == demand.share {
            return;
        }
        self.hear(Event::MirrorShare { epoch, share, why: why(&demand) }).await;
        let copied = self.rollout.as_ref().map_or(share, |rollout| rollout.parts().copied);
        self.looks.change_pace(copied.fraction() / demand.share.fraction(), now);
    }

    fn is_due(&self, rollout: &Rollout, now: Timestamp) -> bool {
        let every = MirrorRange::every(rollout.parts().plan.mirror.max());
        let due = self.looks.share_set.is_some_and(|set| now.since(set.at) >= every);
        due && rollout.stage() == Stage::Mirror
    }

    /// What is wanted of the share; `None` where the evidence cannot be trusted.
    fn mirror_demand(
        &self,
        rollout: &Rollout,
        gathering: &Gathering,
        now: Timestamp,
    ) -> Option<MirrorDemand> {
        let judgment = self.live_judgment.as_ref().filter(|judgment| judgment.verdict != Verdict::Invalid)?;
        Some(MirrorDemand {
            share: rollout.parts().copied,
            pairs: judgment.pairs_needed,
            pairs_per_s: self.looks.pace_per_s(gathering.records(), now)?,
            within: time_to_decide(rollout, now)?,
            room: self.room(gathering),
        })
    }

    /// More copies are of no use where some are dropped already, or where the judge does not keep up.
    fn room(&self, gathering: &Gathering) -> Room {
        let dropped = gathering.snapshot().drops().dropped_copies();
        let drops = self.looks.share_set.is_some_and(|set| dropped > set.dropped);
        let samples = &self.parts.samples;
        if drops || 2 * samples.len() > samples.max_capacity() { Room::Full } else { Room::Free }
    }
}

fn time_to_decide(rollout: &Rollout, now: Timestamp) -> Option<Duration> {
    let State::Live(live) = &rollout.parts().state else { return None };
    let (window, elapsed) = (rollout.parts().plan.mirror, live.clock.elapsed(now));
    Some(MirrorRange::aim(window.min().saturating_sub(elapsed), window.max().saturating_sub(elapsed)))
}

/// The demand as a clause.
fn why(demand: &MirrorDemand) -> String {
    let MirrorDemand { pairs, pairs_per_s, within, .. } = demand;
    let within = humantime::format_duration(Duration::from_secs(within.as_secs()));
    let wanted = pairs.map_or_else(|| "more".to_owned(), |pairs| format!("about {pairs} more"));
    format!("{wanted} pairs are wanted within {within}, and {pairs_per_s:.2} a second came")
}
