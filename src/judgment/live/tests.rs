//! The judge on made-up streams of pairs.

use super::*;
use crate::domain::{LatencyLimit, MetricKind, Share, Tail};
use crate::evidence::{Arrival, Collector, Halves, NULL_FAILED, Pair, Record};
use crate::judgment::{CheckState, Question, Subject};

fn policy(metrics: &[&str]) -> Policy {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| metrics.contains(&metric.name.as_str()));
    policy
}

fn ask(policy: &Policy) -> Ask {
    Ask {
        question: Question::Mirror,
        subject: Subject {
            baseline: "rel:a".to_owned(),
            candidate: "rel:b".to_owned(),
            policy: "pol:p".to_owned(),
            evidence: "ev:e".to_owned(),
        },
        must_pass: policy.required(),
    }
}

/// Judges `pairs` pairs whose halves of every metric are given by number.
fn look(policy: &Policy, pairs: u64, halves: impl Fn(u64) -> Halves) -> Judgment {
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=pairs {
        let metrics = policy.metrics.iter().map(|metric| (metric.name.clone(), halves(seq))).collect();
        collector.push(&Record::Pair(Pair { seq, id: format!("r{seq}"), metrics })).unwrap();
    }
    judge(collector.snapshot(), policy, &ask(policy))
}

fn both(baseline: f64, candidate: f64) -> Halves {
    Halves { baseline: Some(baseline), candidate: Some(candidate) }
}

/// Every `every`-th pair has the candidate's error.
fn worse_every(every: u64) -> impl Fn(u64) -> Halves {
    move |seq| both(0.0, f64::from(u8::from(seq % every == 0)))
}

#[test]
fn no_data_is_never_a_pass() {
    let policy = policy(&["error", "broken"]);
    let judgment = look(&policy, 0, |_| both(0.0, 0.0));
    assert_eq!(judgment.verdict, Verdict::Inconclusive);
    assert!(judgment.reasons[0].to_string().contains("nothing was measured"));
}

#[test]
fn identical_candidate_passes() {
    let policy = policy(&["error"]);
    assert_eq!(look(&policy, 440, |_| both(0.0, 0.0)).verdict, Verdict::Inconclusive);
    assert_eq!(look(&policy, 460, |_| both(0.0, 0.0)).verdict, Verdict::Pass);
}

#[test]
fn five_points_more_errors_fail_with_the_numbers_and_examples() {
    let judgment = look(&policy(&["error", "broken"]), 300, worse_every(20));
    assert_eq!(judgment.verdict, Verdict::Fail);
    let error = &judgment.metrics[0];
    assert_eq!(error.difference, Some(0.05));
    assert_eq!(error.examples, ["r20", "r40", "r60", "r80", "r100"]);
    assert!(
        judgment.reasons[0]
            .to_string()
            .starts_with("error: worse by 5 points, more than the margin of 1 points")
    );
}

#[test]
fn one_bad_guard_outweighs_the_passes_of_the_required() {
    let policy = policy(&["error", "broken", "sameness"]);
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=1_000 {
        let bad = f64::from(u8::from(seq % 10 == 0));
        let metrics = vec![
            ("error".into(), both(0.0, 0.0)),
            ("broken".into(), both(0.0, 0.0)),
            ("sameness".into(), both(0.0, bad)),
        ];
        collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
    }
    let judgment = judge(collector.snapshot(), &policy, &ask(&policy));
    let verdicts: Vec<_> = judgment.metrics.iter().map(|metric| metric.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Pass, Verdict::Fail]);
    assert_eq!(judgment.verdict, Verdict::Fail);
}

#[test]
fn lost_candidate_halves_are_harm_and_too_many_are_invalid() {
    let halves =
        |seq: u64| Halves { baseline: Some(0.0), candidate: (!seq.is_multiple_of(25)).then_some(0.0) };
    let judgment = look(&policy(&["error"]), 200, halves);
    assert_eq!(judgment.verdict, Verdict::Invalid);
    assert_eq!(judgment.metrics[0].difference, Some(0.04));
    assert!(judgment.reasons[0].to_string().contains("8 of 200 pairs of error lack a half"));
}

#[test]
fn seconds_or_milliseconds_same_verdict() {
    let policy = policy(&["ttft_ms"]);
    let noisy = |unit: f64| {
        move |seq: u64| both((200.0 + (seq * 37 % 50) as f64) * unit, (230.0 + (seq * 61 % 50) as f64) * unit)
    };
    let verdicts = [1.0, 1e-1, 1e-3, 1e3].map(|unit| look(&policy, 600, noisy(unit)).verdict);
    assert_eq!(verdicts, [Verdict::Fail; 4]);
    let mut never_passed = policy;
    never_passed.metrics[0].required = true;
    let passes =
        [1.0, 1e-3].map(|unit| look(&never_passed, 600, move |_| both(200.0 * unit, 230.0 * unit)).verdict);
    assert_eq!(passes, [Verdict::Fail; 2], "15 % slower, in seconds as well");
}

#[test]
fn three_percent_ten_times_slower_is_found() {
    let policy = policy(&["ttft_ms"]);
    let halves = |seq: u64| {
        let base = 200.0 + (seq * 37 % 50) as f64;
        both(base, base * if seq.is_multiple_of(33) { 10.0 } else { 1.0 })
    };
    let judgment = look(&policy, 1_900, halves);
    let verdicts: Vec<_> = judgment.metrics.iter().map(|m| (m.name.as_str(), m.verdict)).collect();
    assert_eq!(
        verdicts,
        [("ttft_ms", Verdict::Pass), ("ttft_ms:p99", Verdict::Fail), ("ttft_ms:threefold", Verdict::Fail)]
    );
}

#[test]
fn an_idle_candidate_that_looks_fast_is_not_comparable() {
    let policy = policy(&["ttft_ms"]);
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=500 {
        let metrics = vec![("ttft_ms".into(), both(200.0, 150.0)), ("in_flight".into(), both(40.0, 1.0))];
        collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
    }
    let asked = Ask { must_pass: vec!["ttft_ms".into()], ..ask(&policy) };
    let judgment = judge(collector.snapshot(), &policy, &asked);
    assert_eq!(judgment.verdict, Verdict::Inconclusive);
    assert!(judgment.reasons[0].to_string().contains("not comparable"), "{}", judgment.reasons[0]);
}

#[test]
fn a_copy_that_waits_some_tenths_of_a_millisecond_for_the_same_core_is_no_regression() {
    let policy = policy(&["ttft_ms", "tpot_ms", "e2e_ms"]);
    let verdict = |policy: &Policy, baseline: f64, wait: f64| {
        let halves = |seq: u64| both(baseline, if seq % 3 == 0 { baseline } else { baseline + wait });
        look(policy, 2_000, halves)
            .metrics
            .into_iter()
            .map(|metric| (metric.name, metric.verdict))
            .collect::<Vec<_>>()
    };
    let of = |verdicts: &[(MetricName, Verdict)], name: &str| {
        verdicts.iter().find(|(known, _)| *known == name.into()).unwrap().1
    };
    let close = verdict(&policy, 40.0, 0.3);
    let of_answers = close.iter().filter(|(name, _)| !name.as_str().starts_with("tpot_ms"));
    assert!(
        of_answers.clone().count() > 3 && of_answers.clone().all(|(_, verdict)| *verdict == Verdict::Pass),
        "{close:?}"
    );
    assert_eq!(of(&verdict(&policy, 20.0, 2.5), "ttft_ms"), Verdict::Fail, "and this is felt");
    // An engine of some tenths of a millisecond is no model: who measures one says so.
    let mut set = policy;
    for metric in &mut set.metrics {
        (metric.resolution_ms, metric.resolution_of_margin) =
            (if metric.name == "tpot_ms".into() { 0.05 } else { 1.0 }, None);
    }
    let mock = verdict(&set, 0.2, 0.25);
    assert_eq!((of(&mock, "ttft_ms"), of(&mock, "e2e_ms")), (Verdict::Pass, Verdict::Pass));
    assert_eq!(of(&mock, "tpot_ms"), Verdict::Fail, "a quarter of a millisecond more per token is felt");
}

/// Judges `pairs` latencies at the given loads.
fn at_loads(pairs: u64, ms: Halves, loads: Halves) -> Verdict {
    let policy = policy(&["ttft_ms"]);
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=pairs {
        let metrics = vec![("ttft_ms".into(), ms), ("in_flight".into(), loads)];
        collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
    }
    let asked = Ask { must_pass: vec!["ttft_ms".into()], ..ask(&policy) };
    judge(collector.snapshot(), &policy, &asked).verdict
}

#[test]
fn a_latency_counts_for_the_candidate_under_load_and_against_it_without() {
    let (fast, slow) = (both(200.0, 190.0), both(200.0, 260.0));
    assert_eq!(at_loads(600, fast, both(40.0, 38.0)), Verdict::Pass);
    assert_eq!(at_loads(600, fast, both(40.0, 30.0)), Verdict::Inconclusive, "fast, but with less to do");
    assert_eq!(at_loads(600, fast, both(40.0, 90.0)), Verdict::Pass, "fast though it is crowded");
    assert_eq!(at_loads(600, slow, both(40.0, 1.0)), Verdict::Fail, "slow though it is idle");
    assert_eq!(at_loads(600, slow, both(40.0, 90.0)), Verdict::Inconclusive, "slow, but only it is crowded");
}

#[test]
fn a_candidate_whose_prefix_cache_is_cold_is_not_slower() {
    let policy = policy(&["ttft_ms", "tpot_ms"]);
    let judged = |uncached: Halves, late_ms: f64| {
        let mut collector = Collector::new(&policy.specs()).unwrap();
        for seq in 1..=600 {
            let metrics = vec![
                ("ttft_ms".into(), both(80.0, 400.0)),
                ("tpot_ms".into(), both(10.0, 10.0)),
                ("uncached_tokens".into(), uncached),
                ("timers_late_ms".into(), both(late_ms, late_ms)),
            ];
            collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
        }
        let asked = Ask { must_pass: vec!["ttft_ms".into(), "tpot_ms".into()], ..ask(&policy) };
        let judgment = judge(collector.snapshot(), &policy, &asked);
        (judgment.metrics.iter().map(|one| one.verdict).collect::<Vec<_>>(), judgment.reasons[0].to_string())
    };
    use Verdict::{Fail, Inconclusive, Pass};
    let (cold, why) = judged(both(200.0, 3_900.0), 0.0);
    assert_eq!((cold[0], cold[3]), (Inconclusive, Pass), "the prompt is not in the time per token: {why}");
    let (warm, why) = judged(both(3_900.0, 3_900.0), 0.0);
    assert_eq!((warm[0], warm[3]), (Fail, Pass), "{why}");
    let (late, why) = judged(both(3_900.0, 3_900.0), 40.0);
    assert_eq!((late[0], late[3]), (Inconclusive, Inconclusive));
    assert!(why.contains("timers of this process ran late in 600 of 600 measurements"), "{why}");
}

#[test]
fn an_absolute_limit_decides_where_no_load_lets_compare() {
    let mut policy = policy(&["ttft_ms"]);
    policy.metrics[0].max = Some(LatencyLimit { tail: Tail::P99, ms: 800.0 });
    let verdict = |users: u64, slow_every: u64| {
        let mut collector = Collector::new(&policy.specs()).unwrap();
        for seq in 1..=users {
            let ms = if seq % slow_every == 0 { 900.0 } else { 300.0 };
            let metrics = vec![("ttft_ms".into(), ms)];
            let (id, arm, share) = (seq.to_string(), Arm::Candidate, Share::FULL);
            collector.push(&Record::Arrival(Arrival { seq, id, arm, share, metrics })).unwrap();
        }
        let asked = Ask { must_pass: vec!["ttft_ms".into()], ..ask(&policy) };
        let judgment = judge(collector.snapshot(), &policy, &asked);
        (judgment.verdict, judgment.reasons[0].to_string())
    };
    let (kept, why) = verdict(600, 1_000);
    assert_eq!(kept, Verdict::Pass, "{why}");
    assert_eq!(why, "ttft_ms: p99 800 ms is kept (95 %, at every look) for 600 users at their own load");
    assert_eq!(verdict(100, 1_000).0, Verdict::Inconclusive);
    assert_eq!(verdict(600, 15).0, Verdict::Fail);
}

#[test]
fn a_value_that_cannot_be_is_refused_with_its_place() {
    let policy = policy(&["error", "ttft_ms"]);
    for (metric, value) in
        [("error", f64::NAN), ("error", 0.5), ("ttft_ms", -1.0), ("ttft_ms", f64::INFINITY)]
    {
        let mut collector = Collector::new(&policy.specs()).unwrap();
        let metrics = vec![(metric.into(), both(value, 1.0))];
        let error = collector.push(&Record::Pair(Pair { seq: 1, id: "x".to_owned(), metrics })).unwrap_err();
        assert!(error.to_string().starts_with(&format!("record 1 (x): {metric} is {value}")), "{error}");
        assert_eq!(collector.snapshot().records(), 0);
    }
}

#[test]
fn nothing_required_never_passes() {
    let policy = policy(&["error"]);
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=2_000 {
        let metrics = vec![("error".into(), both(0.0, 0.0))];
        collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
    }
    let asked = Ask { must_pass: Vec::new(), ..ask(&policy) };
    assert_eq!(judge(collector.snapshot(), &policy, &asked).verdict, Verdict::Inconclusive);
}

#[test]
fn a_score_is_shown_in_its_own_direction() {
    let mut policy = policy(&["error"]);
    policy.metrics[0].kind = MetricKind::Score;
    let judgment = look(&policy, 100, |seq| both(1.0, f64::from(u8::from(seq % 4 != 0))));
    let metric = &judgment.metrics[0];
    assert_eq!(metric.difference, Some(-0.25));
    let (low, high) = metric.interval.as_ref().unwrap().ends();
    assert!(low < -0.25 && -0.25 < high && high < 0.0, "{low} {high}");
    assert_eq!(metric.flips, Some(Flips { better: 0, worse: 25 }));
}

/// The alarm of check `name`, after `records`.
fn alarm(name: &str, policy: &Policy, records: impl Iterator<Item = Record>) -> Option<String> {
    let mut collector = Collector::new(&policy.specs()).unwrap();
    records.for_each(|record| collector.push(&record).unwrap());
    let judgment = judge(collector.snapshot(), policy, &ask(policy));
    let check = judgment.checks.iter().find(|check| check.name == name).unwrap();
    match &check.state {
        CheckState::Alarm(text) => {
            assert_eq!(judgment.verdict, Verdict::Invalid, "an alarm stops every verdict");
            Some(text.clone())
        }
        _ => None,
    }
}

/// `keys` sticky keys under a quarter for the candidate, one in `every` of which it really got.
fn split(keys: u64, every: u64) -> impl Iterator<Item = Record> {
    (1..=keys).map(move |seq| {
        let arm = if seq % every == 0 { Arm::Candidate } else { Arm::Baseline };
        let (id, metrics) = (format!("k{seq}"), vec![("error".into(), 0.0)]);
        Record::Arrival(Arrival { seq, id, arm, share: Share::from_ppm(250_000), metrics })
    })
}

#[test]
fn a_split_that_loses_users_of_one_arm_is_invalid() {
    let policy = policy(&["error"]);
    let check = |keys, every| alarm("sample_ratio", &policy, split(keys, every));
    assert_eq!(check(4_000, 4), None);
    let text = check(4_000, 6).unwrap();
    assert!(text.starts_with("the candidate got 666 of 4000 keys where 25% was set"), "{text}");
}

#[test]
fn copies_that_are_dropped_by_the_length_of_their_request_are_invalid() {
    let policy = policy(&["error"]);
    let requests = |requests: u64, every: u64, long: f64| {
        (1..=requests).map(move |seq| {
            let bytes = 100.0 + (seq * 617 % 1_000) as f64;
            let copied = !(seq % every == 0 && bytes > long);
            let size = Halves { baseline: Some(bytes), candidate: copied.then_some(bytes) };
            let error = copied.then(|| ("error".into(), both(0.0, 0.0)));
            let metrics = error.into_iter().chain([("request_bytes".into(), size)]).collect();
            Record::Pair(Pair { seq, id: format!("r{seq}"), metrics })
        })
    };
    assert_eq!(alarm("mirror_drops", &policy, requests(900, 59, 0.0)), None);
    let text = alarm("mirror_drops", &policy, requests(900, 3, 800.0)).unwrap();
    assert!(text.starts_with("whether a copy is dropped depends on the length of its request"), "{text}");
}

#[test]
fn copies_that_fare_otherwise_than_their_originals_are_invalid() {
    let policy = policy(&["error"]);
    let pairs = |pairs: u64, copy_fails_every: u64| {
        (1..=pairs).map(move |seq| {
            let copy = f64::from(u8::from(seq % copy_fails_every == 0));
            let metrics = vec![("error".into(), both(0.0, 0.0)), (NULL_FAILED.into(), both(0.0, copy))];
            Record::Pair(Pair { seq, id: format!("r{seq}"), metrics })
        })
    };
    assert_eq!(alarm("null_drift", &policy, pairs(500, 1_000)), None);
    let text = alarm("null_drift", &policy, pairs(500, 10)).unwrap();
    assert!(text.starts_with("copies to the same arm fail more or less often"), "{text}");
}
