//! Mistakes that other judges of releases made, each as a test that names it; README.md lists them by their makers.

use super::*;
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Collector, Halves, Pair, Record};

/// The default rules of `metrics` alone.
fn policy(metrics: &[&str]) -> Policy {
    let mut policy = Policy::default_live();
    policy.metrics.retain(|metric| metrics.contains(&metric.name.as_str()));
    policy
}

fn both(baseline: f64, candidate: f64) -> Halves {
    Halves { baseline: Some(baseline), candidate: Some(candidate) }
}

/// Judges `pairs` pairs, whose values of a metric are given by their number; `None`: the pair says nothing of it.
fn live(policy: &Policy, pairs: u64, halves: impl Fn(&str, u64) -> Option<Halves>) -> Judgment {
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for seq in 1..=pairs {
        let names = policy.metrics.iter().map(|metric| &metric.name);
        let metrics = names.filter_map(|name| Some((name.clone(), halves(name.as_str(), seq)?))).collect();
        collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
    }
    let ask = Ask { question: Question::Mirror, subject: Subject::default(), must_pass: policy.required() };
    judge(collector.snapshot(), policy, &ask)
}

/// One in `every`, evenly spread.
fn one_in(every: u64, seq: u64) -> f64 {
    f64::from(u8::from(seq.is_multiple_of(every)))
}

/// Judges golden scores, given as (baseline, candidate); a lost answer is `None`.
fn golden(margin: f64, scores: impl IntoIterator<Item = (f64, Option<f64>)>) -> Judgment {
    let pair = |(at, (baseline, candidate)): (usize, (f64, Option<f64>))| GoldenPair {
        id: at.to_string(),
        cluster: None,
        halves: Halves { baseline: Some(baseline), candidate },
    };
    let pairs = scores.into_iter().enumerate().map(pair).collect();
    let metric = GoldenMetric {
        name: "right".into(),
        kind: MetricKind::Score,
        margin,
        required: true,
        pairs,
        slices: Vec::new(),
        noise: None,
    };
    judge_golden(&[metric], &GoldenAsk::new(Question::Golden, Subject::default()))
}

/// Right or wrong: by both, by the baseline alone, by the candidate alone, of all.
fn graded(both: usize, baseline: usize, candidate: usize, all: usize) -> Vec<(f64, Option<f64>)> {
    let case = |at| match at {
        at if at < both => (1.0, Some(1.0)),
        at if at < both + baseline => (1.0, Some(0.0)),
        at if at < both + baseline + candidate => (0.0, Some(1.0)),
        _ => (0.0, Some(0.0)),
    };
    (0..all).map(case).collect()
}

#[test]
fn a_metric_without_a_value_is_named_and_blocks_the_pass() {
    let judgment =
        live(&policy(&["error", "broken"]), 2_000, |name, _| (name == "error").then(|| both(0.0, 0.0)));
    let verdicts: Vec<_> = judgment.metrics.iter().map(|one| (one.name.as_str(), one.verdict)).collect();
    assert_eq!(verdicts, [("error", Verdict::Pass), ("broken", Verdict::Inconclusive)]);
    assert_eq!(judgment.verdict, Verdict::Inconclusive);
}

#[test]
fn identical_constants_get_no_noise() {
    let look = || {
        live(&policy(&["ttft_ms", "error"]), 500, |name, _| {
            Some(if name == "error" { both(0.0, 0.0) } else { both(250.0, 250.0) })
        })
    };
    let (first, second) = (look(), look());
    assert_eq!(first, second);
    assert_eq!(first.metrics.iter().find(|one| one.name == "ttft_ms".into()).unwrap().difference, Some(0.0));
    assert_eq!(first.verdict, Verdict::Pass);
}

#[test]
fn failures_that_both_arms_have_do_not_pile_up() {
    let judgment =
        live(&policy(&["error"]), 20_000, |_, seq| Some(both(one_in(40, seq), one_in(40, seq + 7))));
    assert_eq!(judgment.verdict, Verdict::Pass, "{}", judgment.reasons[0]);
}

#[test]
fn an_outage_of_both_arms_is_not_a_bad_candidate() {
    let down = |seq| f64::from(u8::from((1_000..1_200).contains(&seq)));
    let judgment = live(&policy(&["error"]), 2_000, |_, seq| Some(both(down(seq), down(seq))));
    assert_eq!(judgment.verdict, Verdict::Pass, "{}", judgment.reasons[0]);
}

#[test]
fn disagreement_is_found_where_two_thirds_are_noise() {
    let policy = policy(&["disagreement", "error"]);
    let look = |candidate_of_twenty: u64| {
        live(&policy, 4_000, |name, seq| {
            let noise = f64::from(u8::from(seq * 7 % 20 < 14));
            let candidate = f64::from(u8::from(seq * 13 % 20 < candidate_of_twenty));
            Some(if name == "error" { both(0.0, 0.0) } else { both(noise, candidate) })
        })
    };
    assert_eq!(look(14).verdict, Verdict::Pass);
    assert_eq!(look(17).verdict, Verdict::Fail);
}

#[test]
fn a_tail_of_150_answers_decides_nothing() {
    let judgment = live(&policy(&["ttft_ms"]), 150, |_, seq| {
        Some(both(200.0, if seq % 60 == 0 { 900.0 } else { 200.0 }))
    });
    let tail = judgment.metrics.iter().find(|one| one.name == "ttft_ms:p99".into()).unwrap();
    assert_eq!(tail.verdict, Verdict::Inconclusive, "{}", tail.reason);
}

#[test]
fn errors_do_not_raise_the_pass_rate() {
    // Of what the candidate answered, more is right than of the baseline's: 360 of 396 against 360 of 400.
    let scores =
        (0..400).map(|at| (f64::from(u8::from(at >= 40)), (at >= 4).then(|| f64::from(u8::from(at >= 40)))));
    let judgment = golden(0.02, scores);
    assert_eq!(judgment.metrics[0].missing, 4);
    assert!(judgment.metrics[0].difference.unwrap() <= 0.0, "{}", judgment.metrics[0].reason);
    // And where most were lost, what is left says nothing.
    let lost = (0..400).map(|at| (1.0, (at >= 300).then_some(1.0)));
    assert_eq!(golden(0.02, lost).verdict, Verdict::Invalid);
}

#[test]
fn the_same_questions_are_compared_in_pairs() {
    // 54 % against 51 % of 1,000 answers is within the noise of two samples (2.2 points); of pairs it is not.
    assert_eq!(golden(0.01, graded(500, 40, 10, 1_000)).verdict, Verdict::Fail);
}

#[test]
fn a_small_suite_is_undecided_and_a_large_one_is_not_blind() {
    // Four points lost, with one answer in ten changed, at any size.
    assert_eq!(golden(0.01, graded(100, 17, 7, 250)).verdict, Verdict::Inconclusive);
    assert_eq!(golden(0.01, graded(500, 92, 39, 1_319)).verdict, Verdict::Fail);
}

#[test]
fn a_new_model_is_not_rolled_back_for_its_wording() {
    let names = ["error", "disagreement"];
    let look = |policy: &Policy| {
        live(policy, 1_000, |name, _| Some(both(0.0, f64::from(u8::from(name == "disagreement")))))
    };
    let changed = policy(&names).where_answers_change();
    assert_eq!((look(&changed).verdict, changed.fails_other_answers()), (Verdict::Pass, false));
    let same = policy(&names).where_answers_stay();
    assert_eq!((look(&same).verdict, same.fails_other_answers()), (Verdict::Fail, true));
    assert_eq!(same.required(), [MetricName::from("error"), "disagreement".into()]);
}
