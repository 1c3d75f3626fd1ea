//! The process dies and comes back.

use std::sync::atomic::Ordering;

use super::world::{Disk, Gate, Script, World, at, ended, ending};
use crate::domain::Slot;
use crate::judgment::Verdict;
use crate::rollout::{Ending, OperatorCommand, Stage};
use crate::store::{Digests, EvidencePlace, EvidenceWriter, read_evidence, read_stages};

const FIRST_STEP: Stage = Stage::Ramp { index: 0 };

#[tokio::test(start_paused = true)]
async fn killed_in_the_ramp_it_resumes_the_same_stage_with_no_weight_above_the_stored_one() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    world.start().await;
    world.traffic_until(at(FIRST_STEP)).await;
    let before = world.table.load_full();
    world.kill().await;

    let world = World::begin(&disk, &Script::default()).await;
    assert_eq!(*world.table.load_full(), *before);
    let status = world.handle.status();
    assert!(at(FIRST_STEP)(&status));
    assert_eq!(world.gates_run.load(Ordering::SeqCst), 0, "what was finished is not repeated");
    let kept = read_evidence(&disk.evidence()).unwrap().len() as u64;
    assert!(kept > 0);
    assert_eq!(status.records, kept, "it goes on with what is on disk");
    world.in_flight.store(1, Ordering::SeqCst);
    let status = world.traffic_until(at(Stage::Drain)).await;
    assert_eq!(ending(&status), Some(Ending::Promoted));
    let stored = read_evidence(&disk.evidence()).unwrap();
    assert!(stored.len() as u64 > kept, "numbers go on without a gap");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_was_under_way_is_run_again() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script { gate: Gate::NeverEnds, ..Script::default() }).await;
    world.start().await;
    world.silence_until(at(Stage::Gate)).await;
    world.kill().await;
    let world = World::begin(&disk, &Script::default()).await;
    world.silence_until(at(Stage::Mirror)).await;
    assert_eq!(world.gates_run.load(Ordering::SeqCst), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn evidence_of_the_old_revision_never_counts_for_the_new_one() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    world.traffic_until(at(FIRST_STEP)).await;
    world.stop().await;

    let changed = Script { candidate: "rel:another", gate: Gate::NeverEnds, ..Script::default() };
    let world = World::begin(&disk, &changed).await;
    assert_eq!(world.table.load().split.candidate(), crate::domain::Share::ZERO);
    let status = world.silence_until(at(Stage::Gate)).await;
    assert_eq!(status.records, 0);
    let told = world.told(&id).await;
    let expected = "the candidate's release changed, so the evidence starts anew";
    assert!(told.iter().any(|text| text.contains(expected)), "{told:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn damaged_evidence_is_thrown_away_and_said_so() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    world.traffic_until(at(FIRST_STEP)).await;
    world.stop().await;
    let dir = disk.evidence().join("rollout=r1/stage=2-mirror");
    std::fs::write(dir.join("pairs-000000000001.parquet"), "PAR1").unwrap();

    let world = World::begin(&disk, &Script { gate: Gate::NeverEnds, ..Script::default() }).await;
    assert_eq!(world.table.load().split.candidate(), crate::domain::Share::ZERO);
    let told = world.told(&id).await;
    let said = told.iter().any(|text| {
        text.contains("evidence that was kept cannot be used") && text.contains("pairs-000000000001")
    });
    assert!(said, "{told:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn evidence_of_another_candidate_in_the_place_of_its_own_is_thrown_away_and_said_so() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    world.traffic_until(at(FIRST_STEP)).await;
    world.stop().await;
    let kept = read_stages(&disk.evidence()).unwrap();
    std::fs::remove_dir_all(disk.evidence()).unwrap();
    let [baseline, candidate, policy] = ["rel:blue", "rel:other", "pol:1"].map(str::to_owned);
    let place = EvidencePlace { rollout: id.clone(), resets: 0, ordinal: 2, name: "mirror" };
    let mut writer = EvidenceWriter::new(disk.evidence(), place).of(Digests { baseline, candidate, policy });
    kept.into_iter().flat_map(|stage| stage.records).for_each(|record| writer.push(record));
    writer.flush().unwrap();

    let world = World::begin(&disk, &Script { gate: Gate::NeverEnds, ..Script::default() }).await;
    assert_eq!(world.table.load().split.candidate(), crate::domain::Share::ZERO);
    let told = world.told(&id).await;
    let expected = "is evidence of candidate rel:other, but rel:green is expected here";
    assert!(told.iter().any(|text| text.contains(expected)), "{told:?}");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_over_stays_over_and_its_baseline_serves() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    world.start().await;
    world.traffic_until(at(Stage::KeepWarm)).await;
    world.silence_until(ended).await;
    world.kill().await;
    let world = World::begin(&disk, &Script::default()).await;
    assert_eq!(world.table.load().baseline, Slot::Green, "after promotion green is the baseline");
    assert_eq!(ending(&world.handle.status()), Some(Ending::Promoted));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_survives_the_crash_that_follows_it() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    world.traffic_until(at(FIRST_STEP)).await;
    world.handle.command(&id, OperatorCommand::Abort { why: "x".to_owned() }).await.unwrap();
    world.kill().await;
    let world = World::begin(&disk, &Script { gate: Gate::Says(Verdict::Pass), ..Script::default() }).await;
    assert_eq!(ending(&world.handle.status()), Some(Ending::Operator));
    assert_eq!(world.table.load().split.candidate(), crate::domain::Share::ZERO);
    world.stop().await;
}
