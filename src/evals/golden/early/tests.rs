//! Runs that stop early: how often they are wrong, how soon they are right, and that they say the same every time.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::domain::{Finish, Outcome};
use crate::evals::latency::Times;
use crate::evals::{Ask, Case, Grader, LatencyMargins, NumberFilter, NumberMatch, Score, Timing};
use crate::judgment::{Judgment, SequentialEvidence, Subject, Verdict, judge_sequential};

const CASES: usize = 300;

fn suite() -> Suite {
    let mut suite = Suite::read("eval-suites/smoke.toml".as_ref()).unwrap();
    let case = |at| Case {
        id: format!("case-{at}"),
        ask: Ask::Prompt("?".to_owned()),
        references: Vec::new(),
        tags: Vec::new(),
        cluster: None,
    };
    suite.cases = (0..CASES).map(case).collect();
    suite.metrics[0].margin = 0.05;
    suite
}

fn sample(is_right: bool) -> Sample {
    Sample {
        outcome: Some(Outcome::Complete(Finish::Stop)),
        scores: vec![Score::Value(f64::from(u8::from(is_right)))],
        times: Times::default(),
        output_tokens: Some(100),
    }
}

/// A run of arms that are right with these probabilities, each case by itself.
fn run(suite: &Suite, right: [f64; 2], seed: u64) -> (Judgment, usize) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let answers: Vec<[Vec<Sample>; 2]> =
        (0..CASES).map(|_| right.map(|share| vec![sample(dice.random_bool(share))])).collect();
    let mut early = Early::new(suite, (0..CASES).collect(), 0.01).unwrap();
    early.fold(suite, |case| answers.get(case).cloned()).unwrap();
    (judged(&early), early.next)
}

fn judged(early: &Early) -> Judgment {
    let (snapshot, policy, note) = (early.snapshot(), early.policy(), early.note());
    let suite = SequentialEvidence { prefix: None, snapshot, policy, client: None, note };
    judge_sequential(&[suite], &Subject::default())
}

/// A look after every case, in 300 runs of 300 cases. Of arms that are alike 1 % may fail, so more than 8 of the 300 come by
/// chance once in a thousand; of those that are worse by the margin 5 % may pass: more than 28.
#[test]
fn arms_that_are_alike_seldom_fail_and_a_loss_at_the_margin_seldom_passes_at_every_look() {
    let suite = suite();
    let count = |right: [f64; 2], verdict| {
        (0..300).filter(|seed| run(&suite, right, *seed).0.verdict == verdict).count()
    };
    let (failed, passed) = (count([0.8, 0.8], Verdict::Fail), count([0.8, 0.75], Verdict::Pass));
    assert!(failed <= 8, "{failed} of 300 runs of one engine against itself failed");
    assert!(passed <= 28, "{passed} of 300 runs of a candidate worse by its margin passed");
}

#[test]
fn a_broken_arm_stops_early_and_the_tokens_it_saved_are_told() {
    let (judgment, cases) = run(&suite(), [0.9, 0.2], 1);
    assert_eq!(judgment.verdict, Verdict::Fail);
    assert!(cases < 40, "{cases} cases");
    let said = judgment.reasons.last().unwrap().to_string();
    let saved = (CASES - cases) * 200;
    assert_eq!(
        said,
        format!("sequential: decided after {cases} of 300 cases, about {saved} output tokens saved")
    );
    assert!(judgment.alpha.is_some());
    assert_eq!(judgment.checks.len(), 2, "{:?}", judgment.checks);
}

#[test]
fn arms_without_a_difference_pass_early() {
    let suite = suite();
    let mut early = Early::new(&suite, (0..CASES).collect(), 0.01).unwrap();
    early.fold(&suite, |_| Some([vec![sample(true)], vec![sample(true)]])).unwrap();
    assert_eq!(judged(&early).verdict, Verdict::Pass);
    assert!(early.next < 100, "{} cases", early.next);
}

/// Cases come in any order, some of them after the last one that counts: nothing of it shows.
#[test]
fn what_is_said_depends_on_the_seed_and_not_on_who_answers_first() {
    let suite = suite();
    let mut dice = ChaCha8Rng::seed_from_u64(3);
    let answers: Vec<[Vec<Sample>; 2]> =
        (0..CASES).map(|_| [0.9, 0.6].map(|share| vec![sample(dice.random_bool(share))])).collect();
    let order: Vec<usize> = (0..CASES).map(|at| at * 7 % CASES).collect();
    let whole = |waves: &[usize]| {
        let mut early = Early::new(&suite, order.clone(), 0.01).unwrap();
        for there in waves {
            early.fold(&suite, |case| answers.get(case).filter(|_| case < *there).cloned()).unwrap();
        }
        (judged(&early), early.evidence())
    };
    let waves: Vec<usize> = (1..=CASES).collect();
    assert_eq!(whole(&[CASES]), whole(&waves));
    assert_eq!(whole(&[CASES]).0.verdict, Verdict::Fail);
}

#[test]
fn nothing_asked_is_no_pass_and_clusters_are_refused() {
    let suite = suite();
    let early = Early::new(&suite, (0..CASES).collect(), 0.01).unwrap();
    assert_eq!(judged(&early).verdict, Verdict::Invalid);
    let mut clustered = suite;
    clustered.cases[7].cluster = Some("document".to_owned());
    let error = Early::new(&clustered, Vec::new(), 0.01).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("clusters"), "{error}");
    clustered.cases[7].cluster = None;
    clustered.slices = SliceRule::Gate;
    let error = Early::new(&clustered, Vec::new(), 0.01).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("slices = \"gate\" fails the verdict"), "{error}");
}

/// A candidate whose answers lose their form: a guard fails it, though the score itself has a wide margin.
#[test]
fn answers_that_nobody_can_read_are_guarded_from_the_first_case_on() {
    let mut suite = suite();
    suite.metrics[0].grader = Grader::Number(NumberMatch::new(NumberFilter::Flexible).unwrap());
    suite.metrics[0].margin = 0.9;
    let mut early = Early::new(&suite, (0..CASES).collect(), 0.01).unwrap();
    let unread = |at: usize| Sample {
        scores: vec![if at.is_multiple_of(4) { Score::Unparsable } else { Score::Value(1.0) }],
        ..sample(true)
    };
    // The wide margin passes before the guard fails: what is required decides, and the guard tells what it saw.
    early.fold(&suite, |case| Some([vec![sample(true)], vec![unread(case)]])).unwrap();
    let judgment = judged(&early);
    let guard = &judgment.metrics[1];
    assert_eq!((guard.name.as_str(), guard.required), ("non_empty@1:unparsable", false));
    assert!(guard.candidate.unwrap() > 0.2 && guard.baseline == Some(0.0), "{guard:?}");
    suite.metrics[0].margin = 0.3;
    let mut early = Early::new(&suite, (0..CASES).collect(), 0.01).unwrap();
    early.fold(&suite, |case| Some([vec![sample(true)], vec![unread(case)]])).unwrap();
    let judgment = judged(&early);
    assert_eq!(judgment.verdict, Verdict::Fail);
    let said = judgment.reasons[0].to_string();
    assert!(said.contains(":unparsable: worse by") && said.contains("over all looks"), "{said}");
    assert!(!said.contains("rollout"), "{said}");
}

#[test]
fn a_tail_of_slow_answers_is_found_before_the_last_case() {
    let mut suite = suite();
    suite.latency = LatencyMargins { ttft: Some(1.0), ..LatencyMargins::default() };
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut timed = |case: usize, arm: usize| {
        let mut sample = sample(dice.random_bool(0.8));
        let slow = if arm == 1 && case % 10 == 3 { 10.0 } else { 1.0 };
        sample.times[Timing::Ttft as usize] = Some(slow * (200.0 + (case * 37 % 50) as f64));
        vec![sample]
    };
    let answers: Vec<_> = (0..CASES).map(|case| [timed(case, 0), timed(case, 1)]).collect();
    let mut early = Early::new(&suite, (0..CASES).collect(), 0.01).unwrap();
    early.fold(&suite, |case| answers.get(case).cloned()).unwrap();
    let judgment = judged(&early);
    let verdict = |name: &str| judgment.metrics.iter().find(|one| one.name == name.into()).unwrap().verdict;
    assert_eq!(judgment.verdict, Verdict::Fail, "{:?}", judgment.reasons);
    assert_eq!((verdict("ttft_ms:threefold"), early.next < CASES), (Verdict::Fail, true));
    assert_ne!(verdict("ttft_ms"), Verdict::Fail, "the body misses it");
}
