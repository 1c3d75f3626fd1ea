//! The rollout machine as a simulated rollout meets it: walked to the stage that is judged first, then told of every
//! look.

use std::time::Duration;

use super::World;
use crate::domain::{Share, Slot, Timestamp};
use crate::evidence::StageSplit;
use crate::judgment::{Judgment, Question, Verdict};
use crate::rollout::{
    Effect, EffectKind, Ending, Event, Mode, OnInconclusive, OperatorCommand, Plan, PlanError, Ramp, Rollout,
    Stage, StageVerdict, Start, State, Window,
};
use crate::routing::MirrorPlan;

/// The candidate's share of the clients where they are split, and the shares of a whole rollout.
const SPLIT: Share = Share::from_ppm(500_000);
const STEPS: [Share; 3] = [Share::from_ppm(10_000), Share::from_ppm(250_000), Share::from_ppm(750_000)];

/// Share of the baseline's requests that are copied while clients are split.
const COPIED: Share = Share::from_ppm(300_000);

/// Records that a step of a whole rollout takes at least.
const STEP_RECORDS: u64 = 500;

/// Records are the only time here, a millisecond each: no stage ends by the clock.
const NEVER: Duration = Duration::from_secs(u64::MAX / 2_000);
const START: Timestamp = Timestamp::from_millis(0);

/// A rollout that hears looks.
#[derive(Debug)]
pub(super) struct Decision {
    rollout: Rollout,
    world: World,
}

/// What a look led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It goes on.
    Undecided,
    /// The judge is content: a mirror stage ends with this. A whole rollout has ended with all clients on the candidate.
    Passed,
    /// Everything is back on the baseline.
    RolledBack,
    /// The evidence cannot be trusted, and an operator must decide.
    Held,
}

impl Decision {
    /// A rollout at the stage that `world` is about: the mirror, or a split of the clients.
    pub(super) fn new(world: World) -> Result<Self, PlanError> {
        let start = Start {
            id: crate::domain::RolloutId::from("simulation"),
            plan: plan(world)?,
            baseline: Slot::Blue,
            epoch: 0,
            table_version: 0,
        };
        let (mut rollout, _) = Rollout::begin(start, START);
        let gate = said(Stage::Gate, Verdict::Pass);
        let mut walk = vec![Event::Prepared { epoch: 0, result: Ok(()) }, Event::GateFinished(gate)];
        if matches!(world, World::StickyUsers | World::Mixed) {
            walk.push(Event::Operator(OperatorCommand::Promote));
        }
        // What it asks for on the way (tables, notes) has nobody to do it here.
        walk.into_iter().for_each(|event| drop(rollout.apply(event, START)));
        Ok(Self { rollout, world })
    }

    /// How clients and copies are split in the present stage.
    pub(super) fn split(&self) -> StageSplit {
        let table = self.rollout.table();
        StageSplit { candidate: table.split.candidate(), mirrored: table.mirror.share }
    }

    /// Whether everything is decided: nobody looks any more.
    pub(super) fn is_over(&self) -> bool {
        self.rollout.decided().is_some()
    }

    /// What the judge is asked.
    pub(super) fn question(&self) -> Question {
        if self.rollout.stage() == Stage::Mirror { Question::Mirror } else { Question::Ramp }
    }

    /// Tells the rollout of a look after so many records. With the answer comes whether a stage opens for the evidence.
    pub(super) fn hear(&mut self, judgment: &Judgment, records: u64) -> (Heard, bool) {
        let mut heard = said(self.rollout.stage(), judgment.verdict);
        heard.reasons.clone_from(&judgment.reasons);
        let effects = self.rollout.apply(Event::Judged(heard), Timestamp::from_millis(records));
        let opens = |effect: &Effect| matches!(effect.kind, EffectKind::OpenStage { .. });
        (self.state(judgment.verdict), effects.iter().any(opens))
    }

    /// A whole rollout has only passed once it is promoted.
    fn has_passed(&self, said: Verdict) -> bool {
        match self.world {
            World::WholeRollout => self.is_over(),
            _ => said == Verdict::Pass,
        }
    }

    fn state(&self, said: Verdict) -> Heard {
        match &self.rollout.parts().state {
            State::Over(over) if over.ending == Ending::RegressionProven => Heard::RolledBack,
            State::Live(live) if live.mode == Mode::Running && self.has_passed(said) => Heard::Passed,
            State::Live(live) if live.mode == Mode::Running => Heard::Undecided,
            State::Over(_) | State::Live(_) => Heard::Held,
        }
    }
}

/// How clients and copies are split when `world` begins, where both are; nothing elsewhere.
pub(super) const fn opening(world: World) -> StageSplit {
    match world {
        World::StickyUsers => StageSplit { candidate: SPLIT, mirrored: Share::ZERO },
        World::Mixed => StageSplit { candidate: SPLIT, mirrored: COPIED },
        World::WholeRollout => StageSplit { candidate: Share::ZERO, mirrored: COPIED },
        _ => StageSplit::NONE,
    }
}

fn said(stage: Stage, verdict: Verdict) -> StageVerdict {
    StageVerdict { epoch: 0, stage, verdict, reasons: Vec::new() }
}

/// The mirror ends with the first pass. The split after it lasts, but where a whole rollout is played.
fn plan(world: World) -> Result<Plan, PlanError> {
    let copied = if world.splits() { opening(world).mirrored } else { Share::FULL };
    let (steps, dwell) = match world {
        World::WholeRollout => (STEPS.to_vec(), Duration::from_millis(STEP_RECORDS)),
        _ => (vec![SPLIT], NEVER),
    };
    Ok(Plan {
        mirror: Window::new(Duration::ZERO, NEVER)?,
        copies: MirrorPlan { share: copied, null_share: Share::ZERO },
        copies_max: copied,
        ramp: Ramp::new([steps, vec![Share::FULL]].concat())?,
        dwell: Window::new(dwell, NEVER)?,
        drain: NEVER,
        keep_warm: NEVER,
        on_inconclusive: OnInconclusive::Hold,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_ends_the_mirror_and_nothing_else_does() {
        let mut decision = Decision::new(World::Independent).unwrap();
        let all_copied = StageSplit { candidate: Share::ZERO, mirrored: Share::FULL };
        assert_eq!((decision.rollout.stage(), decision.split()), (Stage::Mirror, all_copied));
        let hear = |decision: &mut Decision, verdict| {
            let effects =
                decision.rollout.apply(Event::Judged(said(decision.rollout.stage(), verdict)), START);
            let opened = effects.iter().any(|effect| matches!(effect.kind, EffectKind::OpenStage { .. }));
            (decision.state(verdict), opened, decision.rollout.stage())
        };
        let ramp = Stage::Ramp { index: 0 };
        assert_eq!(hear(&mut decision, Verdict::Inconclusive), (Heard::Undecided, false, Stage::Mirror));
        assert_eq!(hear(&mut decision, Verdict::Pass), (Heard::Passed, true, ramp));
        assert_eq!(hear(&mut decision, Verdict::Pass), (Heard::Passed, false, ramp));
        assert_eq!(hear(&mut decision, Verdict::Fail), (Heard::RolledBack, false, Stage::RolledBack));
    }

    #[test]
    fn evidence_that_cannot_be_trusted_holds() {
        let mut decision = Decision::new(World::StickyUsers).unwrap();
        assert_eq!(decision.split(), StageSplit { candidate: SPLIT, mirrored: Share::ZERO });
        let stage = decision.rollout.stage();
        drop(decision.rollout.apply(Event::Judged(said(stage, Verdict::Invalid)), START));
        assert_eq!(decision.state(Verdict::Invalid), Heard::Held);
    }

    #[test]
    fn a_whole_rollout_goes_step_by_step_to_all_clients() {
        let mut decision = Decision::new(World::WholeRollout).unwrap();
        let mut shares = Vec::new();
        for look in 0..=40_u64 {
            let verdict = said(decision.rollout.stage(), Verdict::Pass);
            let now = Timestamp::from_millis(50 * look);
            drop(decision.rollout.apply(Event::Judged(verdict), now));
            shares.push(decision.split().candidate);
            assert_eq!(decision.is_over(), decision.state(Verdict::Pass) == Heard::Passed, "look {look}");
        }
        shares.dedup();
        let [first, second, third] = STEPS;
        assert_eq!(shares, [first, second, third, Share::FULL, Share::ZERO], "then the slots have swapped");
        assert!(decision.is_over());
    }
}
