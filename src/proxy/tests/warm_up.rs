//! A release that comes is asked what clients ask the present one most, if they allow it.

use std::cell::Cell;
use std::sync::Arc;

use super::rig::*;
use crate::cache::{Tenant, TenantSecret};
use crate::domain::{Arm, Finish, Outcome, Share, Slot};
use crate::evidence::{Observation, Sample, Usual};
use crate::proxy::{UsageChunks, WarmUpOptions, Warmed};
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head};

const ANN: &str = "authorization: Bearer ann\r\n";
const BOB: &str = "authorization: Bearer bob\r\n";

fn options() -> WarmUpOptions {
    WarmUpOptions {
        count: 2,
        per_second: 1_000,
        tenants: vec![Tenant::of(&TenantSecret::default(), Some(b"Bearer ann"))],
        timeouts: PATIENT,
        usage: UsageChunks::Ask,
        graders: Vec::new(),
    }
}

async fn rig(blue: &Engine, green: &Engine) -> Rig {
    Rig::new(blue, Some(green), |setup| (setup.cache, setup.warm_up) = (true, Some(options()))).await
}

fn question(text: &str) -> String {
    chat(r#","stream":true"#).replace("hi", text)
}

/// Asks some questions so often that they hit so often.
async fn hit(rig: &Rig, headers: &str, asked: &[(&str, usize)]) {
    let mut client = rig.client().await;
    for (text, hits) in asked {
        for _ in 0..=*hits {
            client.ask(CHAT, headers, &question(text)).await;
        }
    }
}

async fn warm(rig: &Rig, is_wanted: impl Fn() -> bool) -> Warmed {
    let occupants = [Slot::Blue, Slot::Green].map(|slot| rig.slots.occupant(slot).unwrap());
    let (warm_up, cache) = (rig.warm_up.as_ref().unwrap(), rig.cache.as_ref().unwrap());
    warm_up.run(cache, &occupants[0], &occupants[1], is_wanted).await
}

async fn word(rig: &Rig, headers: &str, text: &str) -> String {
    let answer = rig.client().await.ask(CHAT, headers, &question(text)).await;
    answer.header("x-goldgate-cache").unwrap().to_owned()
}

#[tokio::test]
async fn what_hits_most_is_asked_of_the_next_release_and_is_warm_at_the_flip() {
    let (blue, green) = (Engine::always(stream_of("b")).await, Engine::always(stream_of("g")).await);
    let mut rig = rig(&blue, &green).await;
    hit(&rig, ANN, &[("seldom", 1), ("often", 3), ("sometimes", 2), ("once", 0)]).await;
    hit(&rig, BOB, &[("secret", 5)]).await;
    hit(&rig, "", &[("secret", 5)]).await;
    let warmed = warm(&rig, || true).await;
    assert_eq!((warmed.asked, warmed.kept), (2, 2));
    let said = |observation: &Observation| (observation.arm, observation.outcome, observation.answer);
    for sample in &warmed.replays.samples {
        let candidate = sample.copied.sent().unwrap().candidate.as_ref().unwrap();
        assert_eq!(said(&sample.serving).1, Outcome::Complete(Finish::Stop));
        assert!(
            said(candidate).1.is_complete() && said(candidate).2 != said(&sample.serving).2,
            "{sample:?}"
        );
        assert_eq!((said(&sample.serving).0, said(candidate).0), (Arm::Baseline, Arm::Candidate));
        assert_eq!(sample.serving.prompt, candidate.prompt);
    }
    let Usual { answers, errors, broken } = warmed.replays.usual;
    assert!(warmed.replays.samples.len() == 2 && answers > 0 && errors + broken == 0, "{warmed:?}");
    let seen = green.seen();
    assert!(seen[0].text().contains("often") && seen[1].text().contains("sometimes"), "{seen:?}");
    for one in &seen {
        let told = |name: &str| one.header(name).unwrap_or_default();
        assert_eq!(
            (told("authorization"), told("x-goldgate-mirror")),
            ("Bearer ann".to_owned(), "1".to_owned())
        );
        assert!(one.text().contains("green-model") && one.text().contains("include_usage"), "{}", one.text());
    }
    rig.table.store(Arc::new(split(Share::FULL)));
    for (headers, text, expected) in [
        (ANN, "often", "hit"),
        (ANN, "sometimes", "hit"),
        (ANN, "seldom", "miss"),
        (BOB, "often", "miss"),
        (BOB, "secret", "miss"),
    ] {
        assert_eq!(word(&rig, headers, text).await, expected, "{headers}{text}");
    }
    let hit = rig.client().await.ask(CHAT, ANN, &question("often")).await;
    assert!(hit.body.contains(r#""g""#) && !hit.body.contains("usage"), "green's own answer: {}", hit.body);
    rig.proxy.drain().await;
    let mut samples = 0;
    while rig.samples.recv().await.is_some() {
        samples += 1;
    }
    assert_eq!(
        samples,
        blue.seen().len() + green.seen().len() - 2,
        "a warm-up is no evidence of copies or clients"
    );
}

#[tokio::test]
async fn a_warm_up_ends_when_its_rollout_does() {
    let (blue, green) = (Engine::always(stream_of("b")).await, Engine::always(stream_of("g")).await);
    let rig = rig(&blue, &green).await;
    hit(&rig, ANN, &[("one", 1), ("two", 2)]).await;
    let looks = Cell::new(0);
    let once = || looks.replace(looks.get() + 1) == 0;
    let warmed = warm(&rig, once).await;
    assert_eq!((warmed.asked, warmed.kept, green.seen().len()), (1, 1, 1));
}

#[tokio::test]
async fn a_warm_up_keeps_nothing_that_the_gate_refuses() {
    let length = finish().replace("stop", "length");
    let mut cut = vec![Step::Send(chunked_head("text/event-stream"))];
    cut.extend([token("g"), length, done()].map(|event| Step::Send(chunk(&event))));
    cut.push(Step::Send(LAST_CHUNK.to_vec()));
    let broken =
        vec![Step::Send(chunked_head("text/event-stream")), Step::Send(chunk(&token("g"))), Step::Reset];
    for steps in [cut, broken] {
        let (blue, green) = (Engine::always(stream_of("b")).await, Engine::always(steps).await);
        let rig = rig(&blue, &green).await;
        hit(&rig, ANN, &[("one", 1)]).await;
        let warmed = warm(&rig, || true).await;
        assert_eq!((warmed.asked, warmed.kept), (1, 0));
        let candidate = warmed.replays.samples[0].copied.sent().unwrap().candidate.as_ref().unwrap();
        assert_ne!(candidate.outcome, Outcome::Complete(Finish::Stop));
        rig.table.store(Arc::new(split(Share::FULL)));
        assert_eq!(word(&rig, ANN, "one").await, "miss");
    }
}

#[tokio::test]
async fn a_candidate_that_answers_nothing_at_all_is_not_asked_for_hours() {
    let (blue, green) = (Engine::always(stream_of("b")).await, Engine::always(vec![Step::Reset]).await);
    let many = WarmUpOptions { count: 64, ..options() };
    let rig = Rig::new(&blue, Some(&green), |setup| (setup.cache, setup.warm_up) = (true, Some(many))).await;
    for number in 0..40 {
        hit(&rig, ANN, &[(&format!("question {number}"), 1)]).await;
    }
    let warmed = warm(&rig, || true).await;
    assert_eq!((warmed.asked, warmed.kept, warmed.replays.samples.len()), (24, 0, 24));
    let candidate = |sample: &Sample| sample.copied.sent().unwrap().candidate.clone().unwrap();
    assert!(warmed.replays.samples.iter().all(|sample| candidate(sample).outcome.is_error()), "{warmed:?}");
}
