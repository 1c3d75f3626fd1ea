//! The machine's moves: each changes the state, then asks for effects, the route table first.

use super::text;
use super::{
    Effect, EffectKind, Ending, Finding, Frozen, Hold, Live, Mode, Over, Rollout, Stage, State, legal,
};
use crate::domain::{Share, Timestamp};
use crate::routing::{MirrorPlan, RouteTable, TrafficSplit};

impl Rollout {
    /// The route table of the present state: a pure function of it, so that a restart publishes
    /// exactly what was published before, and nothing it publishes can exceed the stage's share.
    #[must_use]
    pub fn table(&self) -> RouteTable {
        let parts = &self.parts;
        let stage = self.stage();
        let promoted = matches!(stage, Stage::Drain | Stage::KeepWarm | Stage::Done);
        let baseline = if promoted { parts.origin.other() } else { parts.origin };
        let steady =
            RouteTable { salt: parts.salt, ..RouteTable::steady(parts.table_version, parts.epoch, baseline) };
        let frozen = matches!(&parts.state, State::Live(live) if live.frozen == Frozen::Yes);
        if frozen || !matches!(stage, Stage::Mirror | Stage::Ramp { .. }) {
            return steady;
        }
        let share = parts.plan.candidate_share(stage);
        let mirror = match stage {
            Stage::Mirror => MirrorPlan { share: parts.copied, ..parts.plan.copies },
            // At 100 % the baseline has no requests left to copy.
            _ if share == Share::FULL => MirrorPlan::OFF,
            _ => parts.plan.copies,
        };
        RouteTable { split: TrafficSplit::new(share), mirror, ..steady }
    }

    /// The effects of the first stage.
    pub(super) fn opening(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.publish(&mut effects);
        self.open_epoch(&mut effects);
        self.tell("start: preparing the candidate".to_owned(), &mut effects);
        effects
    }

    /// Goes on to `stage`.
    pub(super) fn enter(&mut self, stage: Stage, why: &str, now: Timestamp, effects: &mut Vec<Effect>) {
        let from = self.stage();
        debug_assert!(legal(from, stage), "no legal move from {from} to {stage}");
        let text = text::moved(&self.parts.plan, from, stage, why);
        self.parts.state = if stage == Stage::Done {
            State::Over(Over { ending: Ending::Promoted, from, at: now, why: why.to_owned() })
        } else {
            State::Live(Live::entered(stage, now))
        };
        match stage {
            Stage::Gate => self.ask(EffectKind::RunGate { epoch: self.parts.epoch }, effects),
            Stage::Mirror | Stage::Ramp { .. } => {
                self.parts.copied = self.parts.plan.copies.share;
                self.publish(effects);
                self.ask(EffectKind::OpenStage { stage }, effects);
            }
            Stage::Drain => {
                self.publish(effects);
                self.ask(EffectKind::Drain { limit: self.parts.plan.drain }, effects);
            }
            Stage::Prepare | Stage::KeepWarm | Stage::Done | Stage::RolledBack => {}
        }
        self.tell(text, effects);
    }

    /// Copies another share of the requests while the mirror stage goes on by itself. The plan bounds it.
    pub(super) fn copy(&mut self, share: Share, why: &str, effects: &mut Vec<Effect>) {
        let running = matches!(
            &self.parts.state,
            State::Live(Live { stage: Stage::Mirror, mode: Mode::Running, frozen: Frozen::No, .. })
        );
        let (range, was) = (self.parts.plan.mirror_range(), self.parts.copied);
        let share = share.min(range.most).max(range.least);
        if !running || share == was {
            return;
        }
        self.parts.copied = share;
        self.publish(effects);
        self.tell(format!("mirror: copies {share} of the requests instead of {was}: {why}"), effects);
    }

    /// Everything back to the origin: one published table, before anyone is told. Whatever else the
    /// same event asked for is moot, except what people were told already.
    pub(super) fn roll_back(
        &mut self,
        ending: Ending,
        why: String,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let from = self.stage();
        debug_assert!(legal(from, Stage::RolledBack), "no legal move from {from} to rolled_back");
        let text = text::rolled_back(&self.parts.plan, from, self.parts.origin, &why);
        self.parts.state = State::Over(Over { ending, from, at: now, why });
        let told = std::mem::take(effects).into_iter();
        self.publish(effects);
        effects.extend(told.filter(|effect| matches!(effect.kind, EffectKind::Notify { .. })));
        self.tell(text, effects);
    }

    /// Stays where it is until an operator decides.
    pub(super) fn hold(&mut self, hold: Hold, now: Timestamp, effects: &mut Vec<Effect>) {
        let why = self.undecided_because(hold, now);
        if let State::Live(live) = &mut self.parts.state {
            live.mode = Mode::Held(hold);
        }
        let label = self.parts.plan.label(self.stage());
        self.tell(format!("{label}: held, {why}"), effects);
    }

    /// What is judged has changed: back to the first stage on a new epoch, all clients on the origin.
    /// Golden answers and attestation of the old content say nothing about the new one either. After
    /// promotion there is no evidence to throw away; people are told that the way back may have changed.
    pub(super) fn reset(&mut self, what: &str, now: Timestamp, effects: &mut Vec<Effect>) {
        let State::Live(live) = &self.parts.state else { return };
        let (from, was) = (live.stage, live.clone());
        if !legal(from, Stage::Prepare) {
            let label = self.parts.plan.label(from);
            self.tell(format!("{label}: {what} after promotion; check the way back"), effects);
            return;
        }
        self.parts.epoch += 1;
        let mut fresh = Live::entered(Stage::Prepare, now);
        fresh.frozen = was.frozen;
        if was.mode == Mode::Paused {
            fresh.mode = Mode::Paused;
        }
        if was.clock.running_since.is_none() {
            fresh.clock = fresh.clock.stopped(now);
        }
        self.parts.state = State::Live(fresh);
        self.publish(effects);
        self.open_epoch(effects);
        let why = format!("{what}, so the evidence starts anew");
        self.tell(text::moved(&self.parts.plan, from, Stage::Prepare, &why), effects);
    }

    pub(super) fn freeze(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let State::Live(live) = &mut self.parts.state else { return };
        if live.frozen == Frozen::Yes {
            return;
        }
        live.frozen = Frozen::Yes;
        live.clock = live.clock.stopped(now);
        self.publish(effects);
        let label = self.parts.plan.label(self.stage());
        self.tell(format!("{label}: frozen, the store does not work; all clients on the baseline"), effects);
    }

    pub(super) fn thaw(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let State::Live(live) = &mut self.parts.state else { return };
        if live.frozen == Frozen::No {
            return;
        }
        live.frozen = Frozen::No;
        if live.mode != Mode::Paused {
            live.clock = live.clock.resumed(now);
        }
        self.publish(effects);
        let label = self.parts.plan.label(self.stage());
        self.tell(format!("{label}: the store works again, going on where it stood"), effects);
    }

    /// Takes up a stored state: hours that nobody watched do not count towards any time, and a live
    /// stage must be judged again on the evidence that was kept. The gate's verdict is final and stays.
    pub(super) fn restart(&mut self, durable: Timestamp, now: Timestamp) {
        let State::Live(live) = &mut self.parts.state else { return };
        if live.clock.running_since.is_some() {
            live.clock = live.clock.stopped(durable).resumed(now);
        }
        if matches!(live.stage, Stage::Mirror | Stage::Ramp { .. }) {
            live.finding = Finding::Nothing;
        }
    }

    pub(super) fn pause(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let State::Live(live) = &mut self.parts.state else { return };
        live.mode = Mode::Paused;
        live.clock = live.clock.stopped(now);
        let label = self.parts.plan.label(self.stage());
        self.tell(
            format!("{label}: paused by an operator; weights stay, a regression still rolls back"),
            effects,
        );
    }

    /// After a pause the clock goes on; after a hold the stage gets its whole time once more, and the
    /// gate runs again.
    pub(super) fn resume(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let State::Live(live) = &mut self.parts.state else { return };
        let held = matches!(live.mode, Mode::Held(_));
        if held {
            *live = Live::entered(live.stage, now);
        } else {
            live.mode = Mode::Running;
            live.clock = live.clock.resumed(now);
        }
        let stage = self.stage();
        if held && stage == Stage::Gate {
            self.ask(EffectKind::RunGate { epoch: self.parts.epoch }, effects);
        }
        let label = self.parts.plan.label(stage);
        self.tell(format!("{label}: resumed by an operator"), effects);
    }

    /// The stage after the present one.
    pub(super) fn following(&self) -> Stage {
        match self.stage() {
            Stage::Prepare => Stage::Gate,
            Stage::Gate => Stage::Mirror,
            Stage::Mirror => Stage::Ramp { index: 0 },
            Stage::Ramp { index } if self.parts.plan.ramp.is_last(index) => Stage::Drain,
            Stage::Ramp { index } => Stage::Ramp { index: index + 1 },
            Stage::Drain => Stage::KeepWarm,
            Stage::KeepWarm | Stage::Done => Stage::Done,
            Stage::RolledBack => Stage::RolledBack,
        }
    }

    fn open_epoch(&mut self, effects: &mut Vec<Effect>) {
        let epoch = self.parts.epoch;
        self.ask(EffectKind::ResetEvidence { epoch }, effects);
        self.ask(EffectKind::Prepare { epoch }, effects);
    }

    fn publish(&mut self, effects: &mut Vec<Effect>) {
        self.parts.table_version += 1;
        let table = self.table();
        self.ask(EffectKind::Publish(table), effects);
    }

    pub(super) fn tell(&mut self, text: String, effects: &mut Vec<Effect>) {
        self.ask(EffectKind::Notify { stage: self.stage(), text }, effects);
    }

    fn ask(&mut self, kind: EffectKind, effects: &mut Vec<Effect>) {
        self.parts.effects += 1;
        effects.push(Effect { id: format!("{}/{}", self.parts.id, self.parts.effects), kind });
    }
}
