//! The mirror stage copies as much as the judge needs to decide in time.

use std::time::Duration;

use super::world::{Disk, Script, World, at, ended, ending};
use crate::control::Status;
use crate::domain::Share;
use crate::rollout::{Ending, Stage, Window};

const LEAST: Share = Share::from_ppm(10_000);
const MOST: Share = Share::from_ppm(100_000);
const FIRST_STEP: Stage = Stage::Ramp { index: 0 };

/// Forty clients a second, of whom 1 % are copied: 240 pairs within the ten minutes that the mirror has.
fn little_traffic(most: Share) -> Script {
    let mut script = Script { clients_per_s: 40, ..Script::default() };
    script.plan.copies.share = LEAST;
    script.plan.copies_max = most;
    script
}

fn copied(status: &Status) -> Share {
    status.table.mirror.share
}

#[tokio::test(start_paused = true)]
async fn too_little_traffic_at_the_least_share_is_decided_in_time_by_a_larger_one() {
    let disk = Disk::new();
    let world = World::begin(&disk, &little_traffic(LEAST)).await;
    world.start().await;
    let status = world.traffic_until(ended).await;
    assert_eq!(ending(&status), Some(Ending::Inconclusive), "1 % is too little");
    assert_eq!(status.rollout.as_ref().unwrap().parts().copied, LEAST);
    world.stop().await;

    let disk = Disk::new();
    let world = World::begin(&disk, &little_traffic(MOST)).await;
    let id = world.start().await;
    let mut shares = Vec::new();
    let shares_of = std::sync::Mutex::new(&mut shares);
    let status = world
        .traffic_until(|status| {
            let share = copied(status).ppm();
            let mut shares = shares_of.lock().unwrap();
            if at(Stage::Mirror)(status) && shares.last() != Some(&share) {
                shares.push(share);
            }
            at(Stage::KeepWarm)(status)
        })
        .await;
    assert_eq!(ending(&status), Some(Ending::Promoted));
    let mirror = shares;
    assert_eq!(mirror[0], LEAST.ppm());
    assert!(mirror.windows(2).all(|two| two[1] <= 2 * two[0] && 2 * two[1] >= two[0]), "{mirror:?}");
    assert!(mirror.iter().all(|share| (LEAST.ppm()..=MOST.ppm()).contains(share)), "{mirror:?}");
    assert!(mirror.iter().any(|share| *share >= 2 * LEAST.ppm()), "{mirror:?}");
    let told = world.told(&id).await;
    let raised = told.iter().find(|text| text.starts_with("mirror: copies")).unwrap();
    assert!(
        raised.contains("instead of 1%: about") && raised.contains("more pairs are wanted within"),
        "{raised}"
    );
    let live = status.live.clone().unwrap();
    let sample_ratio = live.checks.iter().find(|check| check.name == "sample_ratio").unwrap();
    assert_eq!(sample_ratio.state, crate::judgment::CheckState::Ok, "keys count under the ramp's own share");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_ramp_copies_the_configured_share_again() {
    let disk = Disk::new();
    let world = World::begin(&disk, &little_traffic(MOST)).await;
    world.start().await;
    world.traffic_until(|status| copied(status) > LEAST).await;
    let status = world.traffic_until(at(FIRST_STEP)).await;
    assert_eq!(copied(&status), LEAST);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_copies_the_share_that_was_written() {
    let disk = Disk::new();
    let world = World::begin(&disk, &little_traffic(MOST)).await;
    world.start().await;
    world.traffic_until(|status| copied(status) > LEAST).await;
    let before = world.table.load_full();
    world.kill().await;

    let world = World::begin(&disk, &little_traffic(MOST)).await;
    assert_eq!(*world.table.load_full(), *before);
    let status = world.traffic_until(at(FIRST_STEP)).await;
    assert_eq!(copied(&status), LEAST);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_copies_find_no_room_the_share_does_not_grow() {
    let disk = Disk::new();
    let mut script = Script { drop_every: 3, ..little_traffic(MOST) };
    // So many drops are an alarm, which ends the stage once its shortest time is over.
    let minutes = |n: u64| Duration::from_secs(60 * n);
    script.plan.mirror = Window::new(minutes(9), minutes(10)).unwrap();
    let world = World::begin(&disk, &script).await;
    let id = world.start().await;
    let minutes = tokio::time::Instant::now() + Duration::from_secs(480);
    let status = world.traffic_until(|_| tokio::time::Instant::now() > minutes).await;
    assert!(at(Stage::Mirror)(&status), "{:?}", world.told(&id).await);
    assert_eq!(copied(&status), LEAST, "one copy in three is dropped");
    world.stop().await;
}
