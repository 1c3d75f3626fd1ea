//! Whole rollouts, from start to end.

use std::sync::atomic::Ordering;

use super::world::{Disk, Gate, Script, World, at, ended, ending};
use crate::control::{ControlError, StartRequest};
use crate::domain::{RolloutId, Share, Slot};
use crate::judgment::Verdict;
use crate::rollout::{Ending, OnInconclusive, OperatorCommand, Stage};
use crate::store::read_evidence;
use crate::wire::VerdictRecord;

#[tokio::test(start_paused = true)]
async fn a_good_candidate_is_promoted_step_by_step_and_becomes_the_baseline() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    world.in_flight.store(2, Ordering::SeqCst);
    let id = world.start().await;
    let status = world.traffic_until(at(Stage::Drain)).await;
    assert_eq!(ending(&status), Some(Ending::Promoted));
    world.in_flight.store(0, Ordering::SeqCst);
    world.silence_until(at(Stage::KeepWarm)).await;
    world.silence_until(at(Stage::Done)).await;
    let blue = Slot::Blue;
    assert_eq!(world.tables(), [(blue, 0), (blue, 250_000), (blue, 1_000_000), (Slot::Green, 0)]);

    let told = world.told(&id).await;
    let starts = ["start", "prepare → gate", "gate → mirror", "mirror → ramp 25%", "ramp 25% → ramp 100%"];
    for (text, start) in told.iter().zip(starts) {
        assert!(text.starts_with(start), "{text} should start with {start}");
    }
    assert!(told[3].contains("pairs)"), "numbers are in the sentence: {}", told[3]);

    let verdicts = world.handle.verdicts(&id).await.unwrap();
    let last = VerdictRecord::from_json_bytes(verdicts.last().unwrap().body.as_bytes()).unwrap();
    assert_eq!((last.verdict, last.candidate.as_str()), (Verdict::Pass, "rel:green"));
    assert!(last.evidence.starts_with("ev:"));
    let first = VerdictRecord::from_json_bytes(verdicts[1].body.as_bytes()).unwrap();
    assert_eq!(first.verdict, Verdict::Inconclusive);
    assert!(
        first.decisive().contains(" at the present ") && first.needs.pairs_per_s > Some(1.0),
        "{first:?}"
    );
    let looks = world.handle.ledger().await.unwrap();
    assert!(looks.len() > 5 && looks[0].stage == Stage::Mirror);
    assert_eq!(looks.last().unwrap().stage, Stage::Ramp { index: 1 });
    let margins = world.handle.margins().await.unwrap().unwrap();
    assert_eq!((margins.records, margins.at[2].factor), (status.records, 1.0));
    assert_eq!(margins.at[2].verdict, Verdict::Pass, "the margins as they were set say what was said");
    let names: Vec<_> = margins.at[2].metrics.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["error", "broken", "e2e_ms"], "what had to pass at the last step");
    world.stop().await;
    assert_eq!(read_evidence(&disk.evidence()).unwrap().len() as u64, status.records);
}

#[tokio::test(start_paused = true)]
async fn a_regression_is_rolled_back_from_the_mirror_before_any_user_saw_it() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script { error_every: 12, ..Script::default() }).await;
    let id = world.start().await;
    let status = world.traffic_until(ended).await;
    assert_eq!(ending(&status), Some(Ending::RegressionProven));
    assert_eq!(world.tables(), [(Slot::Blue, 0)], "no client was ever sent to the candidate");
    let told = world.told(&id).await;
    let last = told.last().unwrap();
    assert!(last.starts_with("mirror → rolled back: error: worse by"), "{last}");
    let margins = world.handle.margins().await.unwrap().unwrap();
    assert_eq!((margins.at[0].verdict, margins.at[2].verdict), (Verdict::Fail, Verdict::Fail));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_loses_answers_of_the_ramp_is_rolled_back_and_not_held() {
    let disk = Disk::new();
    let mut script = Script { lose_every: 4, ..Script::default() };
    (script.plan.on_inconclusive, script.plan.copies.share) =
        (OnInconclusive::Hold, Share::from_ppm(500_000));
    script.plan.copies_max = script.plan.copies.share;
    let world = World::begin(&disk, &script).await;
    let id = world.start().await;
    let status = world.traffic_until(ended).await;
    assert_eq!(ending(&status), Some(Ending::RegressionProven), "{:?}", world.told(&id).await);
    let told = world.told(&id).await;
    let last = told.last().unwrap();
    assert!(last.starts_with("ramp 25% → rolled back: error: worse by"), "{last}");
    world.stop().await;
}

async fn check_ending(script: Script, expected: Ending) {
    let disk = Disk::new();
    let world = World::begin(&disk, &script).await;
    world.start().await;
    let status = world.silence_until(ended).await;
    assert_eq!(ending(&status), Some(expected), "{script:?}");
    assert_eq!(world.tables(), [(Slot::Blue, 0)]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn endings_without_evidence_are_never_promotions() {
    let gate = |gate| Script { gate, ..Script::default() };
    check_ending(gate(Gate::Says(Verdict::Pass)), Ending::Inconclusive).await;
    check_ending(gate(Gate::Says(Verdict::Fail)), Ending::RegressionProven).await;
    check_ending(gate(Gate::Says(Verdict::Inconclusive)), Ending::Inconclusive).await;
    check_ending(gate(Gate::Says(Verdict::Invalid)), Ending::Invalid).await;
    check_ending(gate(Gate::Breaks), Ending::Invalid).await;
}

#[tokio::test(start_paused = true)]
async fn one_rollout_at_a_time_and_abort_is_for_good() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script { gate: Gate::NeverEnds, ..Script::default() }).await;
    let id = world.start().await;
    let busy = world.handle.start(StartRequest::default()).await.unwrap_err();
    assert!(matches!(busy, ControlError::Busy { .. }), "{busy}");
    let other = RolloutId::from("r9");
    let unknown = world.handle.command(&other, OperatorCommand::Pause).await.unwrap_err();
    assert_eq!(unknown.to_string(), "no rollout r9 is under way");
    let abort = || OperatorCommand::Abort { why: "wrong candidate".to_owned() };
    world.handle.command(&id, abort()).await.unwrap();
    assert_eq!(ending(&world.handle.status()), Some(Ending::Operator));
    let again = world.handle.command(&id, abort()).await.unwrap_err();
    assert!(again.to_string().contains("is over"), "{again}");

    let next = world.start().await;
    assert_eq!((id.as_str(), next.as_str()), ("r1", "r2"));
    let epochs = world.handle.rollouts().await.unwrap();
    let epochs: Vec<_> = epochs.iter().map(|one| one.rollout.parts().epoch).collect();
    assert_eq!(epochs, [2, 1], "evidence of one rollout never counts for the next");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_no_directory_is_refused() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    for id in ["../up", "", ".hidden", "a b", &"x".repeat(65)] {
        let request = StartRequest { id: Some(RolloutId::from(id)), plan: None };
        let error = world.handle.start(request).await.unwrap_err();
        assert!(error.to_string().contains("letters, digits"), "{id}: {error}");
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn held_for_lack_of_traffic_it_goes_on_when_an_operator_says_so() {
    let disk = Disk::new();
    let mut script = Script::default();
    script.plan.on_inconclusive = OnInconclusive::Hold;
    let world = World::begin(&disk, &script).await;
    let id = world.start().await;
    let held = |status: &crate::control::Status| {
        status.waiting.iter().any(|waiting| waiting.to_string().starts_with("an operator"))
    };
    world.silence_until(held).await;
    world.handle.command(&id, OperatorCommand::Resume).await.unwrap();
    world.traffic_until(at(Stage::Ramp { index: 0 })).await;
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_back_misses_no_note_and_sees_none_twice() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    world.start().await;
    world.traffic_until(at(Stage::Mirror)).await;
    let mut feed = world.handle.events(1).await.unwrap();
    assert_eq!([feed.next().await.unwrap().id, feed.next().await.unwrap().id], [2, 3]);
    world.traffic_until(at(Stage::Ramp { index: 0 })).await;
    assert_eq!(feed.next().await.unwrap().id, 4);
    world.stop().await;
    assert_eq!(feed.next().await, None, "the timeline ends with the controller");
}

#[tokio::test(start_paused = true)]
async fn what_a_tick_decides_rests_on_a_verdict_that_the_history_holds() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    world.traffic_until(|status| status.records > 30).await;
    let status = world.silence_until(ended).await;
    assert_eq!(ending(&status), Some(Ending::Inconclusive));
    let (kept, shown) = (world.handle.verdicts(&id).await.unwrap(), status.live.clone().unwrap());
    let last = VerdictRecord::from_json_bytes(kept.last().unwrap().body.as_bytes()).unwrap();
    assert_eq!(last, VerdictRecord::from(&*shown), "the last verdict given is the last one kept");
    assert_eq!(kept.last().unwrap().records, status.records);
    world.stop().await;
}
