//! Differences by kind of request, and when one kind carries them.

use crate::evidence::{Collector, Halves, Pair, REQUEST_BYTES, Record, STREAMED, Snapshot};
use crate::judgment::{Ask, MetricJudgment, Policy, Question, Subject, Verdict, judge};

fn policy(metric: &str) -> Policy {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|rule| rule.name.as_str() == metric);
    policy
}

fn both(baseline: f64, candidate: f64) -> Halves {
    Halves { baseline: Some(baseline), candidate: Some(candidate) }
}

/// Every second answer is streamed and every fifth prompt is long; `halves` says how a pair of them fares.
fn seen(policy: &Policy, pairs: u64, halves: impl Fn(u64, bool, bool) -> Halves) -> Snapshot {
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=pairs {
        let (streamed, long) = (seq % 2 == 0, seq % 5 == 0);
        let bytes = if long { 20_000.0 } else { 400.0 };
        let stream = f64::from(u8::from(streamed));
        let metrics = vec![
            (policy.metrics[0].name.clone(), halves(seq, streamed, long)),
            (STREAMED.into(), both(stream, stream)),
            (REQUEST_BYTES.into(), both(bytes, bytes)),
        ];
        collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
    }
    collector.into_snapshot()
}

fn judged(snapshot: &Snapshot, policy: &Policy) -> MetricJudgment {
    let ask = Ask { question: Question::Mirror, subject: Subject::default(), must_pass: policy.required() };
    judge(snapshot, policy, &ask).metrics.remove(0)
}

/// Errors of the candidate where `fails` says: what the reason says of the kind that carries them.
fn carried(pairs: u64, fails: impl Fn(u64, bool, bool) -> bool) -> (Verdict, String) {
    let policy = policy("error");
    let halves = |seq, streamed, long| both(0.0, f64::from(u8::from(fails(seq, streamed, long))));
    let error = judged(&seen(&policy, pairs, halves), &policy);
    (error.verdict, error.strata.to_string())
}

#[test]
fn a_failure_names_the_kind_that_carries_it() {
    let (verdict, streamed) = carried(600, |seq, streamed, _| streamed && seq % 12 == 0);
    assert_eq!(verdict, Verdict::Fail);
    assert!(
        streamed.starts_with("; worse only in streamed answers: by 16.67 points, at least "),
        "{streamed}"
    );
    assert!(streamed.ends_with(" points (300 pairs; shown, not tested)"), "{streamed}");
    let (verdict, long) = carried(600, |seq, _, long| long && seq % 3 == 0);
    assert_eq!(verdict, Verdict::Fail);
    assert!(long.starts_with("; worse only in long prompts: by 33.33 points"), "{long}");
    assert_eq!(carried(600, |seq, _, _| seq % 21 == 0), (Verdict::Fail, String::new()), "all kinds alike");
}

#[test]
fn what_is_not_decided_names_it_too_and_what_passed_does_not() {
    let policy = policy("error");
    let slight = |seq, streamed: bool, _| both(0.0, f64::from(u8::from(streamed && seq % 100 == 0)));
    let error = judged(&seen(&policy, 900, slight), &policy);
    assert_eq!(error.verdict, Verdict::Inconclusive);
    assert!(error.reason.to_string().contains("worse only in streamed answers"), "{}", error.reason);
    let passed = judged(&seen(&policy, 900, |_, _, _| both(0.0, 0.0)), &policy);
    assert_eq!((passed.verdict, passed.strata.to_string()), (Verdict::Pass, String::new()));
    assert!(!passed.reason.to_string().contains("only"), "{}", passed.reason);
}

#[test]
fn kinds_are_shown_in_the_metrics_own_unit() {
    let policy = policy("ttft_ms");
    let halves = |_, streamed, _| both(200.0, if streamed { 260.0 } else { 200.0 });
    let ttft = judged(&seen(&policy, 400, halves), &policy);
    let shown = ttft.strata.all();
    let kinds: Vec<_> = shown.iter().map(|one| (one.stratum.as_str(), one.pairs)).collect();
    assert_eq!(kinds, [("streamed", 200), ("whole", 200), ("short", 320), ("long", 80)]);
    assert!((shown[0].difference - 0.3).abs() < 1e-9 && shown[1].difference.abs() < 1e-9, "{shown:?}");
    for one in &shown {
        assert!(one.interval.0 <= one.difference && one.difference <= one.interval.1, "{one:?}");
    }
    assert!(ttft.strata.to_string().contains("worse only in streamed answers: by 30 %"), "{}", ttft.strata);
}

#[test]
fn a_score_by_kind_is_shown_in_its_own_direction() {
    let mut policy = policy("error");
    policy.metrics[0].kind = crate::domain::MetricKind::Score;
    let halves = |_, streamed: bool, _| both(1.0, f64::from(u8::from(!streamed)));
    let score = judged(&seen(&policy, 200, halves), &policy);
    let shown = score.strata.all();
    assert_eq!((shown[0].difference, shown[1].difference), (-1.0, 0.0));
    assert!(shown[0].interval.1 < 0.0, "{shown:?}");
}

#[test]
fn evidence_without_kinds_has_none() {
    let policy = policy("error");
    let mut collector = Collector::new(&policy.specs()).unwrap();
    let metrics = vec![("error".into(), both(0.0, 1.0))];
    collector.push(&Record::Pair(Pair { seq: 1, id: "old".to_owned(), metrics })).unwrap();
    assert_eq!(judged(collector.snapshot(), &policy).strata.all(), []);
}
