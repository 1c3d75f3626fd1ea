//! A stall of this process must not read as an engine's latency.

use super::rig::*;
use crate::domain::Share;
use crate::upstream::testing::{Engine, Step};

/// Latencies are no evidence beyond 5 ms; this is well above what an idle test machine shows.
const HELD_UP_MS: u64 = 300;

fn slow() -> Vec<Step> {
    [Step::Gate].into_iter().chain(body_of("x")).collect()
}

#[tokio::test]
async fn a_stall_after_a_request_was_placed_is_told_of_both_halves() {
    let (blue, green) = (Engine::always(slow()).await, Engine::always(slow()).await);
    let mut rig = Rig::new(&blue, Some(&green), |setup| {
        setup.table = all_mirrored();
        setup.table.mirror.null_share = Share::ZERO;
    })
    .await;
    let mut client = rig.client().await;
    client.post(CHAT, "", &chat("")).await;
    blue.arrived(1).await;
    green.arrived(1).await;
    // The proxy runs on this thread.
    std::thread::sleep(std::time::Duration::from_millis(HELD_UP_MS));
    blue.open(1);
    green.open(1);
    assert!(client.answer().await.is_whole);
    let sample = rig.sample().await;
    let candidate = sample.copied.sent().unwrap().candidate.as_ref().unwrap();
    let late = [sample.serving.timers_late_ms, candidate.timers_late_ms];
    assert!(late.iter().all(|late| *late > HELD_UP_MS as f64 / 2.0), "{late:?}");
}
