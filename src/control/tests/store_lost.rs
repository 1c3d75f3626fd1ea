//! The disk fails while users see the candidate.

use super::world::{Disk, Script, World, at, ended, ending};
use crate::control::{Status, StoreHealth};
use crate::domain::Share;
use crate::rollout::{Ending, OperatorCommand, Stage};

const FIRST_STEP: Stage = Stage::Ramp { index: 0 };

fn lost(status: &Status) -> bool {
    matches!(status.store, StoreHealth::Lost(_))
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_does_not_happen_and_clients_go_to_the_baseline() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    world.traffic_until(at(FIRST_STEP)).await;
    world.break_store().await;
    // The next step of the ramp would be written now.
    let status = world.traffic_until(lost).await;
    assert!(at(FIRST_STEP)(&status));
    assert_eq!(world.table.load().split.candidate(), Share::ZERO);
    let refused = world.handle.command(&id, OperatorCommand::Promote).await.unwrap_err();
    assert!(refused.to_string().contains("the store does not work"), "{refused}");
    // An abort is heard though it cannot be written.
    world.handle.command(&id, OperatorCommand::Abort { why: "enough".to_owned() }).await.unwrap();
    assert_eq!(ending(&world.handle.status()), Some(Ending::Operator));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn when_evidence_can_be_kept_again_the_rollout_goes_on() {
    let disk = Disk::new();
    std::fs::write(disk.evidence(), "a file where the directory should be").unwrap();
    let world = World::begin(&disk, &Script::default()).await;
    let id = world.start().await;
    let status = world.traffic_until(lost).await;
    assert!(at(Stage::Mirror)(&status));
    assert_eq!(world.table.load().mirror.share, Share::ZERO, "frozen: nothing is copied");
    std::fs::remove_file(disk.evidence()).unwrap();
    let status = world.traffic_until(at(FIRST_STEP)).await;
    assert_eq!(status.store, StoreHealth::Works);
    let told = world.told(&id).await;
    assert!(
        told.iter().any(|text| text == "mirror: the store works again, going on where it stood"),
        "{told:?}"
    );
    let status = world.traffic_until(|status| ending(status).is_some() || ended(status)).await;
    assert_eq!(ending(&status), Some(Ending::Promoted));
    world.stop().await;
}
