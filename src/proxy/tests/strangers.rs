//! Engines that are not what their releases were locked to: what they say is passed on, and counts for nothing.

use std::sync::Arc;

use super::rig::*;
use crate::domain::Slot;
use crate::upstream::testing::{Engine, Step, whole};

/// A whole answer with this fingerprint.
fn signed(fingerprint: &str) -> Vec<Step> {
    let body = format!(
        r#"{{"choices":[{{"index":0,"message":{{"content":"hi"}},"finish_reason":"stop"}}],"system_fingerprint":"{fingerprint}"}}"#
    );
    vec![Step::Send(whole("200 OK", "application/json", &body))]
}

/// An engine was asked, and had the fingerprint `f1`.
fn asked(rig: &Rig, slot: Slot) {
    rig.slots.occupant(slot).unwrap().pool.identity(0).confirm(Some("f1".to_owned()));
}

/// Samples that were handed over, and those that were none.
async fn ended(mut rig: Rig) -> (usize, u64) {
    rig.proxy.drain().await;
    let mut samples = 0;
    while rig.samples.recv().await.is_some() {
        samples += 1;
    }
    (samples, rig.counters.snapshot().requests.samples_of_others)
}

#[tokio::test]
async fn an_answer_with_another_fingerprint_is_no_evidence_and_is_not_cached() {
    for (fingerprint, word, samples) in [("f1", "hit", (1, 0)), ("f2", "miss", (0, 2))] {
        let engine = Engine::always(signed(fingerprint)).await;
        let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
        asked(&rig, Slot::Blue);
        let first = rig.ask(&chat("")).await;
        assert!(
            first.status == 200 && first.body.contains("hi"),
            "a user is answered all the same: {first:?}"
        );
        assert_eq!(rig.ask(&chat("")).await.header("x-goldgate-cache"), Some(word), "{fingerprint}");
        assert_eq!(ended(rig).await, samples, "{fingerprint}");
    }
}

#[tokio::test]
async fn an_engine_that_is_to_be_confirmed_first_answers_and_counts_for_nothing_until_it_is() {
    let engine = Engine::always(signed("f1")).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let occupant = Arc::clone(&rig.slots.occupant(Slot::Blue).unwrap());
    let identity = occupant.pool.identity(0);
    identity.confirm_first();
    for word in ["miss", "miss"] {
        let answer = rig.ask(&chat("")).await;
        assert!(answer.status == 200 && answer.body.contains("hi"), "{answer:?}");
        assert_eq!(answer.header("x-goldgate-cache"), Some(word));
    }
    identity.confirm(Some("f1".to_owned()));
    for word in ["miss", "hit"] {
        assert_eq!(rig.ask(&chat("")).await.header("x-goldgate-cache"), Some(word));
    }
    assert_eq!(ended(rig).await, (1, 2));
}

#[tokio::test]
async fn a_pair_with_a_strange_copy_is_no_pair() {
    let (blue, green) = (Engine::always(signed("f1")).await, Engine::always(signed("f2")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.table = all_mirrored()).await;
    asked(&rig, Slot::Blue);
    asked(&rig, Slot::Green);
    assert_eq!(rig.ask(&chat("")).await.status, 200);
    assert_eq!(ended(rig).await, (0, 1));
}

#[tokio::test]
async fn an_engine_that_was_asked_again_counts_again() {
    let engine = Engine::always(signed("f2")).await;
    let mut rig = Rig::plain(&engine).await;
    asked(&rig, Slot::Blue);
    rig.ask(&chat("")).await;
    let occupant = Arc::clone(&rig.slots.occupant(Slot::Blue).unwrap());
    assert!(occupant.pool.identity(0).has_drifted());
    occupant.pool.identity(0).confirm(Some("f2".to_owned()));
    rig.ask(&chat("")).await;
    rig.sample().await;
    assert_eq!(ended(rig).await, (0, 1));
}
