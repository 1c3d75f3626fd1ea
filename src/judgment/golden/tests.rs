//! The judge of a fixed sample, on made-up cases.

use super::*;
use crate::judgment::Flips;

pub(super) fn ask() -> GoldenAsk {
    let subject = Subject {
        baseline: "rel:a".to_owned(),
        candidate: "rel:b".to_owned(),
        policy: "pol:p".to_owned(),
        evidence: "ev:e".to_owned(),
    };
    GoldenAsk::new(Question::Golden, subject)
}

fn pair(at: usize, baseline: Option<f64>, candidate: Option<f64>) -> GoldenPair {
    GoldenPair { id: format!("case-{at}"), cluster: None, halves: Halves { baseline, candidate } }
}

fn metric(kind: MetricKind, margin: f64, pairs: impl IntoIterator<Item = (f64, f64)>) -> GoldenMetric {
    let pairs = pairs.into_iter().enumerate().map(|(at, (b, c))| pair(at + 1, Some(b), Some(c)));
    GoldenMetric {
        name: "m".into(),
        kind,
        margin,
        required: true,
        pairs: pairs.collect(),
        slices: Vec::new(),
        noise: None,
    }
}

/// Right answers: by both, by the baseline alone, by the candidate alone, of all.
pub(super) fn graded(both: usize, baseline: usize, candidate: usize, all: usize) -> GoldenMetric {
    let case = move |at| match at {
        at if at < both => (1.0, 1.0),
        at if at < both + baseline => (1.0, 0.0),
        at if at < both + baseline + candidate => (0.0, 1.0),
        _ => (0.0, 0.0),
    };
    metric(MetricKind::Score, 0.02, (0..all).map(case))
}

fn judged(metric: &GoldenMetric) -> Judgment {
    judge_golden(std::slice::from_ref(metric), &ask())
}

fn round(value: Option<f64>) -> f64 {
    (value.unwrap() * 1e4).round() / 1e4
}

#[test]
fn two_real_models_differ_by_thirteen_points() {
    let better = judged(&graded(198, 88, 260, 1_319));
    assert_eq!(better.verdict, Verdict::Pass);
    let shown = &better.metrics[0];
    assert_eq!(round(shown.difference), 0.1304);
    assert_eq!((round(shown.baseline), round(shown.candidate)), (0.2168, 0.3472));
    assert_eq!(shown.flips, Some(Flips { better: 260, worse: 88 }));
    assert_eq!(shown.level, 0.9);

    let swapped = judged(&graded(198, 260, 88, 1_319));
    assert_eq!(swapped.verdict, Verdict::Fail);
    assert_eq!(round(swapped.metrics[0].difference), -0.1304);
    let (low, high) = swapped.metrics[0].interval.as_ref().unwrap().ends();
    let (other_low, other_high) = shown.interval.as_ref().unwrap().ends();
    assert!((low + other_high).abs() < 1e-12 && (high + other_low).abs() < 1e-12);
    assert_eq!(swapped.metrics[0].examples.len(), 5);
}

#[test]
fn reasons_carry_the_numbers() {
    let check = |metric: GoldenMetric, expected: &str| {
        assert_eq!(judged(&metric).reasons[0].to_string(), expected);
    };
    check(
        graded(198, 88, 260, 1_319),
        "m: better by 13.04 points, at least 10.8 points (95 %, one look), within the margin of 2 points (1319 cases, McNemar p < 0.0001)",
    );
    check(
        graded(198, 260, 88, 1_319),
        "m: worse by 13.04 points, at least 10.8 points (95 %, one look), more than the margin of 2 points (1319 cases, McNemar p < 0.0001)",
    );
    check(
        graded(10, 1, 1, 40),
        "m: no difference, worse by at most 8.36 points (95 %, one look), not decided against the margin of 2 points (40 cases, McNemar p = 1.0000)",
    );
    check(
        metric(MetricKind::Latency, 0.05, (1..=50).map(|i| (200.0, 230.0 + f64::from(i % 7)))),
        "m: worse by 16.48 %, at least 16.24 % (95 %, one look), more than the margin of 5 % (50 cases)",
    );
}

#[test]
fn an_identical_candidate_passes_from_the_number_on_that_could_have_shown_otherwise() {
    let check = |kind, value: f64, margin, cases, expected| {
        let judgment = judged(&metric(kind, margin, (0..cases).map(|_| (value, value))));
        assert_eq!(judgment.verdict, expected, "{kind} {margin} {cases}");
    };
    use MetricKind::{Disagreement, Event, Harm, Latency, Length, Score};
    for kind in [Event, Score, Harm, Disagreement] {
        check(kind, 1.0, 0.02, 148, Verdict::Inconclusive);
        check(kind, 1.0, 0.02, 149, Verdict::Pass);
        check(kind, 0.0, 0.30, 9, Verdict::Pass);
    }
    check(Score, 0.37, 0.02, 149, Verdict::Pass);
    check(Latency, 210.0, 0.05, 41, Verdict::Inconclusive);
    check(Latency, 210.0, 0.05, 42, Verdict::Pass);
    check(Length, 210.0, 0.05, 42, Verdict::Pass);
}

#[test]
fn one_case_never_passes_and_none_is_invalid() {
    for kind in [MetricKind::Event, MetricKind::Score, MetricKind::Latency, MetricKind::Length] {
        for margin in [0.02, 0.5, 0.99] {
            assert_eq!(judged(&metric(kind, margin, [(1.0, 1.0)])).verdict, Verdict::Inconclusive, "{kind}");
            assert_eq!(judged(&metric(kind, margin, [])).verdict, Verdict::Invalid, "{kind}");
        }
    }
    assert_eq!(judge_golden(&[], &ask()).verdict, Verdict::Invalid);
}

#[test]
fn a_required_metric_without_a_case_is_invalid_whatever_else_passes() {
    let full = metric(MetricKind::Event, 0.02, (0..500).map(|_| (0.0, 0.0)));
    let mut empty = metric(MetricKind::Score, 0.02, []);
    assert_eq!(judge_golden(&[full.clone(), empty.clone()], &ask()).verdict, Verdict::Invalid);
    empty.required = false;
    assert_eq!(judge_golden(&[full, empty], &ask()).verdict, Verdict::Pass);
}

#[test]
fn lost_halves_help_nobody_but_the_baseline() {
    let mut graded = graded(400, 0, 0, 400);
    for lost in &mut graded.pairs[..4] {
        lost.halves.candidate = None;
    }
    let judgment = judged(&graded);
    assert_eq!((judgment.metrics[0].difference, judgment.metrics[0].missing), (Some(-0.01), 4));
    for lost in &mut graded.pairs[..4] {
        lost.halves = Halves { baseline: None, candidate: Some(0.0) };
    }
    assert_eq!(judged(&graded).metrics[0].difference, Some(-0.01));
    for lost in &mut graded.pairs[..9] {
        lost.halves.baseline = None;
    }
    let judgment = judged(&graded);
    assert_eq!(judgment.verdict, Verdict::Invalid);
    assert!(judgment.reasons[0].to_string().contains("9 of 400 cases of m lack a half, more than 2 %"));
}

#[test]
fn what_is_not_a_number_is_a_lost_answer() {
    for value in [f64::NAN, f64::INFINITY, -1.0, 7.5] {
        let mut graded = graded(400, 0, 0, 400);
        graded.pairs[17].halves.candidate = Some(value);
        assert_eq!(judged(&graded).metrics[0].missing, 1, "{value}");
        graded.pairs.iter_mut().for_each(|pair| pair.halves.candidate = Some(value));
        assert_eq!(judged(&graded).verdict, Verdict::Invalid, "{value}");
    }
}

#[test]
fn copies_of_a_case_are_no_further_cases() {
    let mut graded = graded(0, 0, 0, 400);
    graded.pairs.iter_mut().enumerate().for_each(|(at, pair)| pair.cluster = Some(format!("doc-{}", at % 8)));
    assert_eq!(judged(&graded).verdict, Verdict::Inconclusive);
    graded.pairs.iter_mut().for_each(|pair| pair.cluster = None);
    assert_eq!(judged(&graded).verdict, Verdict::Pass);
}

#[test]
fn a_handful_of_scores_that_happen_to_agree_does_not_pass() {
    let lucky = [(0.50, 0.51), (0.40, 0.41), (0.30, 0.3101)];
    assert_eq!(judged(&metric(MetricKind::Score, 0.02, lucky)).verdict, Verdict::Inconclusive);
}

#[test]
fn both_directions_of_a_length_must_pass() {
    let tokens = |factor: f64| (0..60).map(move |at| (100.0, (100.0 + f64::from(at % 5)) * factor));
    let verdicts = |factor| {
        judged(&metric(MetricKind::Length, 0.10, tokens(factor)))
            .metrics
            .iter()
            .map(|m| m.verdict)
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(1.0), [Verdict::Pass, Verdict::Pass]);
    assert_eq!(verdicts(1.3), [Verdict::Fail, Verdict::Pass]);
    assert_eq!(verdicts(0.7), [Verdict::Pass, Verdict::Fail]);
}

#[test]
fn a_ratio_does_not_change_with_its_unit() {
    let latencies =
        |unit: f64| (0..80).map(move |at| (200.0 * unit, (205.0 + f64::from(at * 37 % 50)) * unit));
    let [ms, s] = [1.0, 1e-3].map(|unit| judged(&metric(MetricKind::Latency, 0.05, latencies(unit))));
    assert_eq!(ms.verdict, s.verdict);
    let gap = ms.metrics[0].difference.unwrap() - s.metrics[0].difference.unwrap();
    assert!(gap.abs() < 1e-12);
}

#[test]
fn a_busy_client_judges_no_time_and_nothing_else_changes() {
    let judged = |kind, watched_s, late_ms| {
        let client = Some(ClientTimers {
            watched: Duration::from_secs(watched_s),
            late: Duration::from_millis(late_ms),
        });
        let values = (0..400).map(|at| (100.0 + f64::from(at % 7), 100.0 + f64::from(at % 5)));
        let values = values.map(|(b, c)| if kind == MetricKind::Score { (1.0, 1.0) } else { (b, c) });
        judge_golden(&[metric(kind, 0.1, values)], &GoldenAsk { client, ..ask() }).verdict
    };
    assert_eq!(judged(MetricKind::Latency, 10, 2_400), Verdict::Pass);
    assert_eq!(judged(MetricKind::Latency, 10, 2_600), Verdict::Invalid);
    assert_eq!(judged(MetricKind::Latency, 0, 400), Verdict::Pass, "too short to tell");
    assert_eq!(judged(MetricKind::Score, 10, 9_000), Verdict::Pass, "no time is judged");
}

#[test]
fn three_percent_of_golden_answers_ten_times_slower_are_found() {
    let latencies = |every: usize| {
        let base = |at: usize| 200.0 + (at * 37 % 50) as f64;
        let slow = move |at: usize| if at % every == every / 2 { 10.0 } else { 1.0 };
        (0..300).map(move |at| (base(at), base(at) * slow(at) * (0.97 + (at * 7 % 6) as f64 / 100.0)))
    };
    let judgment = judged(&metric(MetricKind::Latency, 0.20, latencies(33)));
    let verdicts: Vec<_> = judgment.metrics.iter().map(|one| (one.name.as_str(), one.verdict)).collect();
    assert_eq!(verdicts, [("m", Verdict::Pass), ("m:threefold", Verdict::Fail)]);
    assert_eq!(judgment.verdict, Verdict::Fail);
    let tail = &judgment.metrics[1];
    assert_eq!((tail.required, tail.margin, tail.examples.len()), (false, 0.005, 5));
    assert!(
        tail.reason.to_string().starts_with("m:threefold: worse by 3 points, at least 1."),
        "{}",
        tail.reason
    );
    let alike = judged(&metric(MetricKind::Latency, 0.20, latencies(301)));
    assert_eq!(alike.verdict, Verdict::Pass, "{}", alike.reasons[0]);
}

#[test]
fn golden_times_that_the_baseline_lost_prove_no_tail_of_the_candidate() {
    let mut latency = metric(MetricKind::Latency, 0.20, (0..1_000).map(|_| (200.0, 200.0)));
    latency.pairs[..15].iter_mut().for_each(|pair| pair.halves.baseline = None);
    assert_eq!(judged(&latency).metrics[1].verdict, Verdict::Pass);
    latency.pairs[..15]
        .iter_mut()
        .for_each(|pair| pair.halves = Halves { baseline: Some(200.0), candidate: None });
    assert_eq!(judged(&latency).metrics[1].verdict, Verdict::Fail);
}
