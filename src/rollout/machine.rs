//! The machine itself: hear an event, note what it says, then do what the stage calls for.

use super::decide::{self, Next};
use super::refusal::{self, Refusal};
use super::waiting::{self, Waiting};
use super::{
    Effect, Ending, Event, Finding, Frozen, Live, Mode, OperatorCommand, Plan, Stage, StageVerdict, State,
};
use crate::domain::{RolloutId, Share, Slot, Timestamp};
use crate::judgment::Verdict;
use crate::routing::Salt;

/// All that a rollout is. What is stored is made from this, and this is made from what was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// Its name.
    pub id: RolloutId,
    /// Its plan.
    pub plan: Plan,
    /// The slot that serves now and that a rollback returns to.
    pub origin: Slot,
    /// Keys the hashes of its route tables.
    pub salt: Salt,
    /// The evidence epoch. Evidence of one epoch is judged as one, across all stages; a new epoch
    /// begins only where nothing that was learned counts any more.
    pub epoch: u64,
    /// The epoch it began with; the difference is how often evidence was thrown away.
    pub first_epoch: u64,
    /// Share of the baseline's requests that the mirror stage copies now.
    pub copied: Share,
    /// Version of the latest route table.
    pub table_version: u64,
    /// Effects asked for so far.
    pub effects: u64,
    /// Where it stands.
    pub state: State,
}

/// What a new rollout is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Its name.
    pub id: RolloutId,
    /// Its plan.
    pub plan: Plan,
    /// The slot that serves now.
    pub baseline: Slot,
    /// An epoch that no evidence carries yet.
    pub epoch: u64,
    /// The version of the route table that is published now.
    pub table_version: u64,
}

/// One rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    pub(super) parts: Parts,
}

/// Why stored parts are no rollout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// The stage is one that the plan does not have.
    #[error("the stored rollout {id} stands at {stage}, but its plan has {steps} ramp steps")]
    NoSuchStep {
        /// The rollout.
        id: RolloutId,
        /// The stage.
        stage: Stage,
        /// Steps of the plan.
        steps: usize,
    },
    /// A rollout on its way stands at an end, or one that is over does not.
    #[error("the stored rollout {id} is said to be live at {stage}, which is an end")]
    LiveAtEnd {
        /// The rollout.
        id: RolloutId,
        /// The stage.
        stage: Stage,
    },
}

impl Rollout {
    /// A new rollout at its first stage, and what it asks for. The baseline's table comes first.
    #[must_use]
    pub fn begin(start: Start, now: Timestamp) -> (Self, Vec<Effect>) {
        let salt = Salt::derive(start.id.as_str());
        let copied = start.plan.copies.share;
        let mut rollout = Self {
            parts: Parts {
                id: start.id,
                plan: start.plan,
                origin: start.baseline,
                salt,
                epoch: start.epoch,
                first_epoch: start.epoch,
                copied,
                table_version: start.table_version,
                effects: 0,
                state: State::Live(Live::entered(Stage::Prepare, now)),
            },
        };
        let effects = rollout.opening();
        (rollout, effects)
    }

    /// A rollout from stored parts. Give it [`Event::Restarted`] before anything else.
    ///
    /// # Errors
    /// When the parts contradict each other.
    pub fn from_parts(parts: Parts) -> Result<Self, PartsError> {
        if let State::Live(live) = &parts.state {
            let steps = parts.plan.ramp.shares().len();
            match live.stage {
                stage @ Stage::Ramp { index } if index >= steps => {
                    return Err(PartsError::NoSuchStep { id: parts.id, stage, steps });
                }
                stage if !stage.is_live() => return Err(PartsError::LiveAtEnd { id: parts.id, stage }),
                _ => {}
            }
        }
        Ok(Self { parts })
    }

    /// What is to be stored.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The stage.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match &self.parts.state {
            State::Live(live) => live.stage,
            State::Over(over) => match over.ending {
                Ending::Promoted => Stage::Done,
                _ => Stage::RolledBack,
            },
        }
    }

    /// The outcome once it is decided: promotion is, as soon as all clients are on the candidate for
    /// good, though the old baseline is still kept warm.
    #[must_use]
    pub const fn decided(&self) -> Option<Ending> {
        match &self.parts.state {
            State::Over(over) => Some(over.ending),
            State::Live(live) => match live.stage {
                Stage::Drain | Stage::KeepWarm => Some(Ending::Promoted),
                _ => None,
            },
        }
    }

    /// Whether more than the reasons of a verdict differs from `before`. The numbers in the reasons change
    /// at every look; history is made of what does not.
    #[must_use]
    pub fn is_news_after(&self, before: &Self) -> bool {
        self.outline() != before.outline()
    }

    fn outline(&self) -> Parts {
        let mut parts = self.parts.clone();
        if let State::Live(Live { finding: Finding::Judged(said), .. }) = &mut parts.state {
            said.reasons.clear();
        }
        parts
    }

    /// What it waits for; empty when it is over.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> Vec<Waiting> {
        match &self.parts.state {
            State::Over(_) => Vec::new(),
            State::Live(live) => waiting::waiting(&self.parts.plan, live, now),
        }
    }

    /// Whether an operator's verb may be given now.
    ///
    /// # Errors
    /// Why it may not.
    pub fn permits(&self, command: &OperatorCommand) -> Result<(), Refusal> {
        refusal::permits(&self.parts.state, command)
    }

    /// Hears one event and says what is to be done, in this order. An event that does not apply
    /// (stale, refused, after the end) changes nothing and asks for nothing.
    #[must_use = "effects that nobody starts are lost"]
    pub fn apply(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if matches!(self.parts.state, State::Live(_)) {
            self.hear(event, now, &mut effects);
            self.settle(now, &mut effects);
        }
        effects
    }

    fn hear(&mut self, event: Event, now: Timestamp, effects: &mut Vec<Effect>) {
        match event {
            Event::Tick => {}
            Event::Prepared { epoch, result } => self.hear_prepared(epoch, result, now, effects),
            Event::GateFinished(verdict) | Event::Judged(verdict) => self.hear_verdict(verdict, now, effects),
            Event::MirrorShare { epoch, share, why } if epoch == self.parts.epoch => {
                self.copy(share, &why, effects);
            }
            Event::MirrorShare { .. } => {}
            Event::Drained => self.note(Stage::Drain, Finding::Drained),
            Event::DigestChanged { what } => self.reset(&what, now, effects),
            Event::StateUnreadable => self.freeze(now, effects),
            Event::StateReadable => self.thaw(now, effects),
            Event::Restarted { durable } => self.restart(durable, now),
            Event::Operator(command) if self.permits(&command).is_ok() => self.obey(command, now, effects),
            Event::Operator(_) => {}
        }
    }

    /// Goes on as far as the stage allows. Every round enters a later stage or stops the loop.
    fn settle(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let State::Live(live) = &self.parts.state {
            if live.mode != Mode::Running || live.frozen == Frozen::Yes {
                return;
            }
            match decide::next(&self.parts.plan, live, now) {
                Next::Stay => return,
                Next::Enter(stage) => self.enter(stage, &self.because(now), now, effects),
                Next::Hold(hold) => self.hold(hold, now, effects),
                Next::GiveUp(hold) => {
                    let why = self.undecided_because(hold, now);
                    self.roll_back(hold.ending(), why, now, effects);
                }
            }
        }
    }

    fn hear_prepared(
        &mut self,
        epoch: u64,
        result: Result<(), String>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if epoch != self.parts.epoch || self.stage() != Stage::Prepare {
            return;
        }
        match result {
            Ok(()) => self.note(Stage::Prepare, Finding::Ready),
            Err(why) => self.roll_back(
                Ending::Invalid,
                format!("the candidate could not be prepared: {why}"),
                now,
                effects,
            ),
        }
    }

    /// A Fail on this epoch's evidence ends the rollout from wherever it stands, paused, held and
    /// frozen included; every other verdict is only noted, and only in the stage it was asked for. A warm-up decides
    /// nothing else, and so what it says is told.
    fn hear_verdict(&mut self, said: StageVerdict, now: Timestamp, effects: &mut Vec<Effect>) {
        if said.epoch != self.parts.epoch {
            return;
        }
        if said.verdict == Verdict::Fail {
            let why = super::text::reasons(&said);
            self.roll_back(Ending::RegressionProven, why, now, effects);
        } else if said.stage == Stage::Prepare && self.stage() == Stage::Prepare {
            let (verdict, why) = (said.verdict, super::text::reasons(&said));
            self.tell(format!("prepare: the warm-up is {verdict}, and what follows decides: {why}"), effects);
        } else if said.stage.is_judged() {
            self.note(said.stage, Finding::Judged(said));
        }
    }

    fn obey(&mut self, command: OperatorCommand, now: Timestamp, effects: &mut Vec<Effect>) {
        match command {
            OperatorCommand::Promote => {
                let next = self.following();
                self.enter(next, "an operator promoted", now, effects);
            }
            OperatorCommand::Pause => self.pause(now, effects),
            OperatorCommand::Resume => self.resume(now, effects),
            OperatorCommand::Abort { why } => {
                self.roll_back(Ending::Operator, format!("an operator aborted: {why}"), now, effects);
            }
            OperatorCommand::Rollback { why } => {
                self.roll_back(Ending::Operator, format!("an operator rolled back: {why}"), now, effects);
            }
        }
    }

    /// Notes a finding where it belongs; anywhere else it is stale.
    fn note(&mut self, stage: Stage, finding: Finding) {
        if let State::Live(live) = &mut self.parts.state
            && live.stage == stage
        {
            live.finding = finding;
        }
    }
}
