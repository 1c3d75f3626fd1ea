//! The rollout machine as a simulated rollout meets it: walked to the stage that is judged, then told of every look.

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

use super::traffic::SPLIT;

/// Records are the only time here: no stage ends by the clock.
const NEVER: Duration = Duration::from_secs(u64::MAX / 2_000);
const NOW: Timestamp = Timestamp::from_millis(0);

/// A rollout that hears looks.
#[derive(Debug)]
pub(super) struct Decision {
    rollout: Rollout,
}

/// What a look led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It goes on in its stage.
    Undecided,
    /// The judge is content: a mirror stage ends with this.
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
            plan: plan()?,
            baseline: Slot::Blue,
            epoch: 0,
            table_version: 0,
        };
        let (mut rollout, _) = Rollout::begin(start, NOW);
        let gate = said(Stage::Gate, Verdict::Pass);
        let mut walk = vec![Event::Prepared { epoch: 0, result: Ok(()) }, Event::GateFinished(gate)];
        if world == World::StickyUsers {
            walk.push(Event::Operator(OperatorCommand::Promote));
        }
        // What it asks for on the way (tables, notes) has nobody to do it here.
        walk.into_iter().for_each(|event| drop(rollout.apply(event, NOW)));
        Ok(Self { rollout })
    }

    /// How clients are split in the present stage.
    pub(super) fn split(&self) -> StageSplit {
        let candidate = self.rollout.parts().plan.candidate_share(self.rollout.stage());
        StageSplit { candidate, mirrored: Share::ZERO }
    }

    /// What the judge is asked.
    pub(super) fn question(&self) -> Question {
        if self.rollout.stage() == Stage::Mirror { Question::Mirror } else { Question::Ramp }
    }

    /// Tells the rollout of a look. With the answer comes whether a stage opens for the evidence.
    pub(super) fn hear(&mut self, judgment: &Judgment) -> (Heard, bool) {
        let mut heard = said(self.rollout.stage(), judgment.verdict);
        heard.reasons.clone_from(&judgment.reasons);
        let effects = self.rollout.apply(Event::Judged(heard), NOW);
        let opens = |effect: &Effect| matches!(effect.kind, EffectKind::OpenStage { .. });
        (self.state(judgment.verdict), effects.iter().any(opens))
    }

    fn state(&self, said: Verdict) -> Heard {
        match &self.rollout.parts().state {
            State::Over(over) if over.ending == Ending::RegressionProven => Heard::RolledBack,
            State::Live(live) if live.mode == Mode::Running && said == Verdict::Pass => Heard::Passed,
            State::Live(live) if live.mode == Mode::Running => Heard::Undecided,
            State::Over(_) | State::Live(_) => Heard::Held,
        }
    }
}

fn said(stage: Stage, verdict: Verdict) -> StageVerdict {
    StageVerdict { epoch: 0, stage, verdict, reasons: Vec::new() }
}

/// The mirror ends with the first pass; the split after it lasts.
fn plan() -> Result<Plan, PlanError> {
    Ok(Plan {
        mirror: Window::new(Duration::ZERO, NEVER)?,
        copies: MirrorPlan { share: Share::FULL, null_share: Share::ZERO },
        ramp: Ramp::new(vec![SPLIT, Share::FULL])?,
        dwell: Window::new(NEVER, NEVER)?,
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
        assert_eq!((decision.rollout.stage(), decision.split()), (Stage::Mirror, StageSplit::NONE));
        let hear = |decision: &mut Decision, verdict| {
            let effects = decision.rollout.apply(Event::Judged(said(decision.rollout.stage(), verdict)), NOW);
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
        drop(decision.rollout.apply(Event::Judged(said(stage, Verdict::Invalid)), NOW));
        assert_eq!(decision.state(Verdict::Invalid), Heard::Held);
    }
}
