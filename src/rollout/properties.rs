//! What no sequence of events, however strange, may bring about.

use std::time::Duration;

use proptest::prelude::*;

use super::scenarios::plan;
use super::*;
use crate::domain::{RolloutId, Share, Slot, Timestamp};
use crate::judgment::Verdict;

fn verdicts() -> impl Strategy<Value = Verdict> {
    // Mostly good news: a rollout that fails at once tries few moves.
    prop_oneof![
        6 => Just(Verdict::Pass),
        3 => Just(Verdict::Inconclusive),
        1 => Just(Verdict::Invalid),
        1 => Just(Verdict::Fail),
    ]
}

fn stages() -> impl Strategy<Value = Stage> {
    prop_oneof![
        Just(Stage::Gate),
        Just(Stage::Mirror),
        (0_usize..4).prop_map(|index| Stage::Ramp { index }),
        Just(Stage::KeepWarm),
    ]
}

fn said() -> impl Strategy<Value = StageVerdict> {
    (0_u64..3, stages(), verdicts()).prop_map(|(epoch, stage, verdict)| StageVerdict {
        epoch,
        stage,
        verdict,
        reasons: Vec::new(),
    })
}

fn events() -> impl Strategy<Value = Event> {
    let why = || "test".to_owned();
    prop_oneof![
        6 => Just(Event::Tick),
        3 => (0_u64..3).prop_map(|epoch| Event::Prepared { epoch, result: Ok(()) }),
        3 => said().prop_map(Event::GateFinished),
        8 => said().prop_map(Event::Judged),
        3 => (0_u64..3, 0_u32..100_000).prop_map(|(epoch, ppm)| Event::MirrorShare {
            epoch,
            share: Share::from_ppm(ppm),
            why: "test".to_owned(),
        }),
        1 => Just(Event::Drained),
        1 => Just(Event::DigestChanged { what: why() }),
        1 => Just(Event::StateUnreadable),
        2 => Just(Event::StateReadable),
        6 => Just(Event::Operator(OperatorCommand::Promote)),
        1 => Just(Event::Operator(OperatorCommand::Pause)),
        3 => Just(Event::Operator(OperatorCommand::Resume)),
        1 => Just(Event::Operator(OperatorCommand::Abort { why: why() })),
        1 => Just(Event::Operator(OperatorCommand::Rollback { why: why() })),
        1 => Just(Event::Restarted { durable: Timestamp::from_millis(0) }),
    ]
}

/// One heard event, with the machine before and after.
struct Heard<'a> {
    before: &'a Rollout,
    after: &'a Rollout,
    effects: &'a [Effect],
}

fn published(effects: &[Effect]) -> impl Iterator<Item = &crate::routing::RouteTable> {
    effects.iter().filter_map(|effect| match &effect.kind {
        EffectKind::Publish(table) => Some(table),
        _ => None,
    })
}

impl Heard<'_> {
    fn check(&self) {
        self.tables_stay_within_the_plan();
        self.only_legal_moves();
        self.the_end_is_the_end();
        assert_eq!(
            Rollout::from_parts(self.after.parts().clone()).as_ref(),
            Ok(self.after),
            "what is stored can be taken up again"
        );
    }

    fn tables_stay_within_the_plan(&self) {
        let mut version = self.before.parts().table_version;
        for table in published(self.effects) {
            assert!(table.version > version, "versions grow");
            version = table.version;
            let promoted = self.after.parts().origin != table.baseline;
            let share = if promoted { Share::FULL } else { table.split.candidate() };
            let plan = &self.after.parts().plan;
            assert!(share <= plan.candidate_share(self.after.stage()));
            let most = if self.after.stage() == Stage::Mirror { plan.copies_max } else { plan.copies.share };
            let range = plan.copies.share..=most;
            assert!(table.mirror.share == Share::ZERO || range.contains(&table.mirror.share));
        }
        if let Some(last) = published(self.effects).last() {
            assert_eq!(*last, self.after.table(), "what is published is what is stored");
        }
    }

    /// One event may lead through several stages; every one on the way must follow from the one before.
    fn only_legal_moves(&self) {
        let mut from = self.before.stage();
        for effect in self.effects {
            let EffectKind::Notify { stage, .. } = effect.kind else { continue };
            assert!(stage == from || legal(from, stage), "from {from} to {stage}");
            if stage == Stage::Drain && from != stage {
                assert!(
                    matches!(from, Stage::Ramp { index } if self.before.parts().plan.ramp.is_last(index))
                );
            }
            from = stage;
        }
        assert_eq!(from, self.after.stage(), "people are told of every move");
    }

    fn the_end_is_the_end(&self) {
        if !self.before.stage().is_live() {
            assert_eq!((self.before, self.effects), (self.after, &[][..]));
        } else if self.after.stage() == Stage::RolledBack {
            assert!(matches!(self.effects[0].kind, EffectKind::Publish(_)), "traffic moves first");
            let last = published(self.effects).last().unwrap();
            assert_eq!((last.baseline, last.split.candidate()), (Slot::Blue, Share::ZERO));
            assert_eq!(last.mirror.share, Share::ZERO);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_sequence_of_events_breaks_a_promise(
        steps in prop::collection::vec((events(), 0_u64..1_500), 1..80),
        hold in prop_oneof![3 => Just(OnInconclusive::Hold), 1 => Just(OnInconclusive::Rollback)],
    ) {
        let start = Start {
            id: RolloutId::from("p"),
            plan: plan(hold),
            baseline: Slot::Blue,
            epoch: 0,
            table_version: 0,
        };
        let mut now = Timestamp::from_millis(0);
        let (mut rollout, _) = Rollout::begin(start, now);
        for (event, seconds) in steps {
            now = now.plus(Duration::from_secs(seconds));
            let before = rollout.clone();
            let effects = rollout.apply(event, now);
            Heard { before: &before, after: &rollout, effects: &effects }.check();
        }
    }
}
