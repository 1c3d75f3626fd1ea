//! Rollouts whose candidate was asked something while it was warmed.

use std::sync::atomic::Ordering;

use super::world::{Disk, Script, World, at, ended, ending, observation, policy};
use crate::domain::{Arm, RequestId, Slot};
use crate::evidence::{
    Collector, Copied, Copies, EvidenceDigest, Observation, Replays, Role, Said, Sample, Usual,
};
use crate::judgment::{Ask, Question, Subject, Verdict, judge};
use crate::rollout::{Ending, Stage};
use crate::routing::RouteTable;
use crate::store::{read_evidence, read_stages};
use crate::wire::VerdictRecord;

/// What the candidate answers to forty requests of clients.
fn replays(candidate: impl Fn(Observation) -> Observation) -> Option<Replays> {
    let table = RouteTable::steady(1, 0, Slot::Blue);
    let sample = |n| {
        let of = |arm, role| Observation {
            request: RequestId::new(format!("entry-{n}")),
            ..observation(n, &table, arm, role, 0)
        };
        let candidate = Some(candidate(of(Arm::Candidate, Role::Mirror)));
        let copied = Copied::Sent(Box::new(Copies { candidate, null: None }));
        Sample { serving: of(Arm::Baseline, Role::Serving), copied }
    };
    let usual = Usual { answers: 500, errors: 2, broken: 0 };
    Some(Replays { usual, samples: (0..40).map(sample).collect() })
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_answers_nothing_is_sent_back_from_its_warm_up_and_can_be_judged_again() {
    let disk = Disk::new();
    let empty = replays(|answer| Observation { answer: Said::Nothing, ..answer });
    let world = World::begin(&disk, &Script { replays: empty, ..Script::default() }).await;
    let id = world.start().await;
    let status = world.silence_until(ended).await;
    assert_eq!(ending(&status), Some(Ending::RegressionProven));
    assert_eq!((world.gates_run.load(Ordering::SeqCst), world.tables()), (0, vec![(Slot::Blue, 0)]));
    let told = world.told(&id).await;
    let last = told.last().unwrap();
    assert!(last.starts_with("prepare → rolled back: broken: worse by "), "{last}");
    let kept = world.handle.verdicts(&id).await.unwrap();
    world.stop().await;

    let stored = VerdictRecord::from_json_bytes(kept[0].body.as_bytes()).unwrap();
    assert_eq!((stored.question, stored.verdict), (Question::WarmUp, Verdict::Fail));
    let policy = policy().of_warm_up();
    let (mut collector, mut digest) = (Collector::new(&policy.specs()).unwrap(), EvidenceDigest::default());
    for record in read_evidence(&disk.evidence().join("rollout=r1+warm_up")).unwrap() {
        collector.push(&record).unwrap();
        digest.push(&record);
    }
    let VerdictRecord { baseline, candidate, policy: named, .. } = stored;
    let subject = Subject { baseline, candidate, policy: named, evidence: digest.text_so_far() };
    let ask = Ask { question: Question::WarmUp, subject, must_pass: Vec::new() };
    let again = VerdictRecord::from(&judge(collector.snapshot(), &policy, &ask));
    assert_eq!(again.to_json_bytes(), kept[0].body.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn what_a_warm_up_says_counts_in_no_later_verdict() {
    let disk = Disk::new();
    let world = World::begin(&disk, &Script { replays: replays(|answer| answer), ..Script::default() }).await;
    world.in_flight.store(2, Ordering::SeqCst);
    let id = world.start().await;
    let status = world.traffic_until(at(Stage::Drain)).await;
    let told = world.told(&id).await;
    let text = "prepare: the warm-up is inconclusive, and what follows decides: 40 of the requests that hit most prove no \
                regression";
    assert_eq!(told[1], text);
    world.stop().await;
    // The rollout's own evidence, which is found beside the warm-up's.
    let stages = read_stages(&disk.evidence()).unwrap();
    assert_eq!(stages[0].name, "mirror");
    let records: Vec<_> = stages.into_iter().flat_map(|stage| stage.records).collect();
    assert_eq!(records.len() as u64, status.records);
    assert!(records.iter().all(|record| record.id().starts_with("req-")));
    assert_eq!(read_evidence(&disk.evidence().join("rollout=r1+warm_up")).unwrap().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_without_pairs_says_so_and_decides_nothing() {
    let disk = Disk::new();
    let script = Script { replays: Some(Replays::default()), ..Script::default() };
    let world = World::begin(&disk, &script).await;
    let id = world.start().await;
    world.silence_until(at(Stage::Mirror)).await;
    let told = world.told(&id).await;
    assert!(told[1].ends_with("nothing was asked that the baseline had answered from its cache"), "{told:?}");
    world.stop().await;
}
