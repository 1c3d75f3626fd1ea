//! What users under a split, lost answers and dropped copies make of a verdict.

use super::*;
use crate::domain::{LatencyLimit, Share, Tail};
use crate::evidence::{Arrival, Collector, Halves, Pair, Record};
use crate::judgment::{CheckState, Question, Subject};

fn policy(metrics: &[&str]) -> Policy {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| metrics.contains(&metric.name.as_str()));
    policy
}

fn judged(policy: &Policy, records: impl IntoIterator<Item = Record>) -> Judgment {
    asked(Question::Ramp, policy, records)
}

fn asked(question: Question, policy: &Policy, records: impl IntoIterator<Item = Record>) -> Judgment {
    let mut collector = Collector::new(&policy.specs()).unwrap();
    records.into_iter().for_each(|record| collector.push(&record).unwrap());
    let must_pass = policy.metrics.iter().map(|metric| metric.name.clone()).collect();
    judge(collector.snapshot(), policy, &Ask { question, subject: Subject::default(), must_pass })
}

fn pair(seq: u64, metrics: &[(&str, Option<f64>, Option<f64>)]) -> Record {
    let halves = |&(name, baseline, candidate): &(&str, _, _)| {
        (MetricName::from(name), Halves { baseline, candidate })
    };
    Record::Pair(Pair { seq, id: format!("r{seq}"), metrics: metrics.iter().map(halves).collect() })
}

fn user(seq: u64, arm: Arm, share: Share, metrics: &[(&str, f64)]) -> Record {
    let metrics = metrics.iter().map(|(name, value)| (MetricName::from(*name), *value)).collect();
    Record::Arrival(Arrival { seq, id: format!("u{seq}"), arm, share, metrics })
}

fn clean(pairs: u64) -> impl Iterator<Item = Record> {
    (1..=pairs).map(|seq| pair(seq, &[("error", Some(0.0), Some(0.0))]))
}

/// Users after `pairs` pairs, half of them on the candidate, who all fail there.
fn failing_users(pairs: u64, users: u64) -> impl Iterator<Item = Record> {
    (pairs + 1..=pairs + users).map(|seq| {
        let (arm, failed) = if seq % 2 == 0 { (Arm::Candidate, 1.0) } else { (Arm::Baseline, 0.0) };
        user(seq, arm, Share::from_ppm(500_000), &[("error", failed)])
    })
}

#[test]
fn a_failure_that_users_prove_says_so_with_their_number_and_their_ids() {
    let judgment = judged(&policy(&["error"]), clean(600).chain(failing_users(600, 60)));
    assert_eq!(judgment.verdict, Verdict::Fail);
    let said = judgment.reasons[0].to_string();
    assert!(said.starts_with("error: worse by ") && !said.contains("worse by 0 points"), "{said}");
    assert!(
        said.contains(" points by users under a split, more than the margin of 1 points: proven at 1 %"),
        "{said}"
    );
    assert!(
        said.contains("(600 pairs and 60 users, -")
            && said.ends_with(" at 95 % by pairs alone at every look)"),
        "{said}"
    );
    assert_eq!(judgment.metrics[0].examples, ["u602", "u604", "u606", "u608", "u610"]);
    let alone = judged(&policy(&["error"]), failing_users(0, 60));
    assert!(alone.metrics[0].difference.is_some_and(|by| by > 0.5), "{:?}", alone.metrics[0].difference);
    assert!(alone.reasons[0].to_string().ends_with(" (60 users)"), "{}", alone.reasons[0]);
}

/// The candidate's own users at 100 %, every `slow_every`-th over the limit of 800 ms.
fn at_a_limit(users: u64, slow_every: u64, late_ms: f64) -> Judgment {
    let mut policy = policy(&["ttft_ms"]);
    policy.metrics[0].max = Some(LatencyLimit { tail: Tail::P99, ms: 800.0 });
    let user = |seq: u64| {
        let ms = if seq.is_multiple_of(slow_every) { 900.0 } else { 300.0 };
        user(seq, Arm::Candidate, Share::FULL, &[("ttft_ms", ms), ("timers_late_ms", late_ms)])
    };
    judged(&policy, (1..=users).map(user))
}

#[test]
fn late_timers_void_an_absolute_limit_as_well() {
    assert_eq!(at_a_limit(600, 15, 0.0).verdict, Verdict::Fail);
    let late = at_a_limit(600, 15, 40.0);
    assert_eq!(late.verdict, Verdict::Inconclusive, "{:?}", late.reasons);
    let limit = late.metrics.iter().find(|metric| metric.name == "ttft_ms:limit".into()).unwrap();
    assert!(
        limit.reason.to_string().contains("timers of this process ran late in 600 of 600 measurements"),
        "{}",
        limit.reason
    );
    assert_eq!(at_a_limit(600, 1_000, 40.0).verdict, Verdict::Inconclusive, "nor does it pass");
}

#[test]
fn a_limit_that_half_of_the_users_pass_is_found_within_a_few_of_them() {
    assert_eq!(at_a_limit(12, 2, 0.0).verdict, Verdict::Fail);
    assert_eq!(at_a_limit(2_000, 100, 0.0).verdict, Verdict::Inconclusive, "exactly at the limit");
}

/// Pairs of which the candidate, or the baseline, loses the given part of a hundred.
fn losing(pairs: u64, candidate: u64, baseline: u64) -> Judgment {
    losing_before(Question::Ramp, pairs, candidate, baseline)
}

fn losing_before(question: Question, pairs: u64, candidate: u64, baseline: u64) -> Judgment {
    let half = |seq: u64, lost: u64| (seq % 100 >= lost).then_some(0.0);
    let record = |seq: u64| pair(seq, &[("error", half(seq * 37, baseline), half(seq * 61, candidate))]);
    asked(question, &policy(&["error"]), (1..=pairs).map(record))
}

#[test]
fn a_candidate_that_loses_answers_fails_and_is_not_excused_by_the_alarm() {
    let check = |judgment: Judgment| {
        let missing = judgment.checks.into_iter().find(|check| check.name == "missing").unwrap();
        (judgment.verdict, matches!(missing.state, CheckState::Alarm(_)))
    };
    assert_eq!(check(losing(600, 10, 0)), (Verdict::Fail, false));
    assert_eq!(
        check(losing(600, 10, 10)),
        (Verdict::Invalid, true),
        "what the baseline lost could excuse it"
    );
    assert_eq!(check(losing(600, 0, 10)), (Verdict::Invalid, true), "harm that is not the candidate's");
    assert_eq!(check(losing(200, 4, 0)), (Verdict::Invalid, true), "too many, and not proven to be harm yet");
    assert_eq!(check(losing(60, 0, 50)), (Verdict::Invalid, true), "half of a few are too many as well");
    let unseen = losing_before(Question::Mirror, 600, 10, 0);
    assert_eq!(check(unseen), (Verdict::Invalid, true), "no user waits for a verdict");
    let said = losing(600, 10, 0).reasons[0].to_string();
    assert!(said.starts_with("error: worse by 10 points, more than the margin"), "{said}");
}

#[test]
fn copies_that_find_no_room_beyond_the_share_that_may_be_missing_are_invalid() {
    let after = |dropped_of_hundred: u64| {
        let record = |seq: u64| {
            let bytes = Some(400.0);
            match seq * 37 % 100 < dropped_of_hundred {
                true => pair(seq, &[("request_bytes", bytes, None)]),
                false => pair(seq, &[("error", Some(0.0), Some(0.0)), ("request_bytes", bytes, bytes)]),
            }
        };
        judged(&policy(&["error"]), (1..=1_000).map(record))
    };
    assert_eq!(after(2).verdict, Verdict::Pass);
    let many = after(3);
    assert_eq!(many.verdict, Verdict::Invalid);
    let said = many.reasons[0].to_string();
    assert!(said.starts_with("mirror_drops: 30 of 1000 copies found no room, more than 2 %"), "{said}");
}

#[test]
fn an_undecided_metric_shows_interval_and_margin() {
    let judgment = judged(&policy(&["error"]), clean(150));
    let said = judgment.reasons[0].to_string();
    assert!(said.starts_with("error: not decided after 150 pairs (worse by -"), "{said}");
    assert!(said.contains(" points at 95 % at every look, margin 1 points); about "), "{said}");
}
