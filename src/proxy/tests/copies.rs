//! Copies: what they carry, what they may cost, and that they add up.

use super::rig::*;
use crate::domain::{Arm, Finish, Outcome, ReleaseId};
use crate::evidence::{Copied, Dropped, Role, Said, Sample};
use crate::proxy::CopyCounts;
use crate::upstream::Timeouts;
use crate::upstream::testing::{Engine, Step};

pub(super) fn adds_up(counts: &CopyCounts) {
    let of = |prefix: &str| {
        let entries = counts.entries().into_iter();
        entries.filter(|(name, _)| name.starts_with(prefix)).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!(counts.offered, counts.sent + of("dropped_"), "{counts:?}");
    assert_eq!(counts.sent, counts.paired + of("orphaned_"), "{counts:?}");
}

/// Ends the proxy, checks the books, and gives every sample that is left.
async fn close(mut rig: Rig) -> (Vec<Sample>, CopyCounts, CopyCounts) {
    rig.proxy.drain().await;
    let mut samples = Vec::new();
    while let Some(sample) = rig.samples.recv().await {
        samples.push(sample);
    }
    let counts = rig.counters.snapshot();
    adds_up(&counts.mirror);
    adds_up(&counts.null);
    (samples, counts.mirror, counts.null)
}

#[tokio::test]
async fn one_question_three_answers_each_from_its_own_release() {
    let (blue, green) = (Engine::always(stream_of("please b")).await, Engine::always(stream_of("g")).await);
    let mut rig = Rig::new(&blue, Some(&green), |setup| setup.table = all_mirrored()).await;
    let headers = "x-request-id: r1\r\nauthorization: Bearer k\r\n";
    rig.client().await.ask(CHAT, headers, &chat(r#","stream":true"#)).await;
    let sample = rig.sample().await;
    let copies = sample.copied.sent().unwrap();
    let (candidate, null) = (copies.candidate.as_ref().unwrap(), copies.null.as_ref().unwrap());
    assert_eq!((candidate.arm, candidate.role), (Arm::Candidate, Role::Mirror));
    assert_eq!((null.arm, null.role), (Arm::Baseline, Role::Null));
    assert_eq!((&candidate.release, &null.release), (&ReleaseId::from("sem:green"), &sample.serving.release));
    for copy in [candidate, null] {
        assert_eq!((copy.outcome, copy.epoch), (Outcome::Complete(Finish::Stop), 7));
        assert_eq!(
            (&copy.request, copy.prompt, copy.sticky),
            (&sample.serving.request, sample.serving.prompt, sample.serving.sticky)
        );
    }
    assert!(sample.serving.prompt.is_some());
    assert!(matches!(sample.serving.answer, Said::Digest(_)), "{:?}", sample.serving.answer);
    assert_eq!(null.answer, sample.serving.answer);
    assert_ne!(candidate.answer, sample.serving.answer);
    assert_eq!((candidate.scores[0].1, null.scores[0].1), (0.0, 1.0));
    let copied = &green.seen()[0];
    assert_eq!(copied.header("x-goldgate-mirror").as_deref(), Some("1"));
    assert_eq!(copied.header("authorization").as_deref(), Some("Bearer k"));
    assert_eq!(copied.header("x-request-id"), None);
    assert!(copied.text().contains("green-model"));
    let marked = |seen: &crate::upstream::testing::Seen| seen.header("x-goldgate-mirror").is_some();
    assert_eq!(blue.seen().iter().filter(|seen| marked(seen)).count(), 1);
    let (_, mirror, null) = close(rig).await;
    assert_eq!((mirror.paired, null.paired), (1, 1));
}

#[tokio::test]
async fn an_answer_that_is_compared_with_nothing_is_not_digested() {
    let blue = Engine::always(body_of("b")).await;
    let mut rig = Rig::new(&blue, None, |_| {}).await;
    rig.client().await.ask(CHAT, "", &chat("")).await;
    let sample = rig.sample().await;
    assert_eq!((sample.serving.answer, sample.serving.prompt), (Said::Something, None));
}

#[tokio::test]
async fn a_hung_green_never_delays_a_client() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(vec![Step::Hang]).await);
    let rig = Rig::new(&blue, Some(&green), |setup| {
        setup.table = all_mirrored();
        setup.options.mirror.in_flight_max = 6;
    })
    .await;
    let mut client = rig.client().await;
    for _ in 0..20 {
        // Green answers nobody, ever; every client is answered whole.
        assert!(client.ask(CHAT, "", &chat("")).await.is_whole);
    }
    drop(client);
    let (samples, mirror, _) = close(rig).await;
    assert_eq!(samples.len(), 20);
    assert!(
        samples.iter().filter_map(|sample| sample.copied.sent()).all(|copies| copies.candidate.is_none())
    );
    let dropped = samples.iter().filter(|sample| sample.copied == Copied::Dropped(Dropped::Room));
    assert_eq!(dropped.count() as u64, mirror.dropped_full);
    assert!(mirror.sent > 0 && mirror.dropped_full > 0, "{mirror:?}");
    assert_eq!((mirror.offered, mirror.orphaned_shutdown), (20, mirror.sent));
}

#[tokio::test]
async fn a_copy_that_runs_too_long_is_a_lost_half() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(vec![Step::Hang]).await);
    let total = Some(std::time::Duration::from_millis(30));
    let mut rig = Rig::new(&blue, Some(&green), |setup| {
        setup.table = all_mirrored();
        setup.options.mirror.timeouts = Timeouts { total, ..PATIENT };
    })
    .await;
    rig.ask(&chat("")).await;
    let sample = rig.sample().await;
    let copies = sample.copied.sent().unwrap();
    assert_eq!((copies.candidate.is_none(), copies.null.is_some()), (true, true));
    green.gone().await;
    assert_eq!(close(rig).await.1.orphaned_timeout, 1);
}

#[tokio::test]
async fn a_refusing_or_broken_green_is_an_answer_and_not_a_lost_one() {
    let blue = Engine::always(body_of("b")).await;
    let broken = Engine::always(vec![Step::Close]).await;
    let mut rig = Rig::new(&blue, Some(&broken), |setup| setup.table = all_mirrored()).await;
    assert_eq!(rig.ask(&chat("")).await.status, 200);
    assert_eq!(
        rig.sample().await.copied.sent().unwrap().candidate.clone().unwrap().outcome,
        Outcome::Errored(502)
    );
    drop(broken);
    assert_eq!(rig.ask(&chat("")).await.status, 200);
    assert_eq!(
        rig.sample().await.copied.sent().unwrap().candidate.clone().unwrap().outcome,
        Outcome::Errored(502)
    );
    assert_eq!(close(rig).await.1.paired, 2);
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_copies_along() {
    let (blue, green) = (Engine::always(vec![Step::Hang]).await, Engine::always(vec![Step::Hang]).await);
    let mut rig = Rig::new(&blue, Some(&green), |setup| setup.table = all_mirrored()).await;
    let mut client = rig.client().await;
    client.post(CHAT, "", &chat("")).await;
    blue.arrived(2).await;
    green.arrived(1).await;
    drop(client);
    green.gone().await;
    blue.gone().await;
    blue.gone().await;
    let sample = rig.sample().await;
    assert_eq!((sample.serving.outcome, sample.copied), (Outcome::ClientGone, Copied::No));
    let (_, mirror, null) = close(rig).await;
    assert_eq!((mirror.orphaned_client_gone, null.orphaned_client_gone), (1, 1));
}

#[tokio::test]
async fn what_is_not_copied_is_counted_with_its_reason() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| {
        setup.table = all_mirrored();
        setup.options.mirror.body_bytes_max = 100;
    })
    .await;
    let long = chat(&format!(r#","x":"{}""#, "y".repeat(100)));
    rig.ask(&long).await;
    let (_, mirror, null) = close(rig).await;
    assert_eq!((mirror.dropped_too_large, null.dropped_alone), (1, 1));

    let rig = Rig::new(&blue, None, |setup| setup.table = all_mirrored()).await;
    rig.ask(&chat("")).await;
    assert_eq!(close(rig).await.1.dropped_vacant, 1);
    assert!(green.seen().is_empty());
}

#[tokio::test]
async fn a_copy_is_not_copied_on_and_neither_is_what_the_candidate_serves() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.table = all_mirrored()).await;
    rig.client().await.ask(CHAT, "x-goldgate-mirror: 1\r\n", &chat("")).await;
    let mut table = split(crate::domain::Share::FULL);
    table.mirror = all_mirrored().mirror;
    rig.table.store(std::sync::Arc::new(table));
    rig.ask(&chat("")).await;
    assert_eq!(close(rig).await.1.offered, 0);
}
