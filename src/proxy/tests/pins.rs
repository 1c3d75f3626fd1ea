//! Clients that name their arm.

use super::rig::*;
use crate::domain::Share;
use crate::proxy::PinKeys;
use crate::upstream::testing::{Engine, Seen};

const KEY: &str = "authorization: Bearer k1\r\n";

async fn rig(blue: &Engine, green: &Engine, candidate: Share) -> Rig {
    Rig::new(blue, Some(green), |setup| {
        setup.options.pin_keys = PinKeys::new(&["k1".to_owned()]);
        setup.table = split(candidate);
        setup.table.mirror = all_mirrored().mirror;
    })
    .await
}

#[tokio::test]
async fn a_key_that_may_chooses_the_arm_against_the_split_and_makes_no_evidence() {
    let (blue, green) = (Engine::always(stream_of("b")).await, Engine::always(stream_of("g")).await);
    for (share, arm, chosen, other) in
        [(Share::ZERO, "candidate", &green, &blue), (Share::FULL, "baseline", &blue, &green)]
    {
        let mut rig = rig(&blue, &green, share).await;
        let (before, others) = (chosen.seen().len(), other.seen().len());
        let lines = format!("{KEY}x-goldgate-pin: {arm}\r\n");
        let answer = rig.client().await.ask(CHAT, &lines, &chat(r#","stream":true"#)).await;
        assert_eq!((answer.status, answer.header("x-goldgate-arm")), (200, Some(arm)));
        assert_eq!((chosen.seen().len(), other.seen().len()), (before + 1, others), "and no copies");
        let is_told = |seen: &Seen| seen.header("x-goldgate-pin").is_some();
        assert!(!chosen.seen().iter().any(is_told));
        rig.proxy.drain().await;
        let counts = rig.counters.snapshot();
        assert_eq!((counts.requests.pinned, counts.requests.samples, counts.mirror.offered), (1, 0, 0));
        assert!(rig.samples.recv().await.is_none());
    }
}

#[tokio::test]
async fn without_such_a_key_a_pin_is_refused_and_not_passed_over() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = rig(&blue, &green, Share::ZERO).await;
    let cases = [
        ("x-goldgate-pin: candidate\r\n", 403, "pin_not_allowed"),
        ("authorization: Bearer k2\r\nx-goldgate-pin: candidate\r\n", 403, "pin_not_allowed"),
        ("authorization: k1\r\nx-goldgate-pin: baseline\r\n", 403, "pin_not_allowed"),
        ("authorization: Bearer k1\r\nx-goldgate-pin: green\r\n", 400, "baseline"),
        (
            "authorization: Bearer k1\r\nx-goldgate-pin: candidate\r\nx-goldgate-pin: baseline\r\n",
            400,
            "once",
        ),
    ];
    for (lines, status, word) in cases {
        let answer = rig.client().await.ask(CHAT, lines, &chat("")).await;
        assert_eq!(answer.status, status, "{lines}");
        assert!(answer.body.contains(word), "{}", answer.body);
    }
    assert_eq!((blue.connections(), green.connections()), (0, 0));
}
