//! Samples in, records out.

use super::*;
use crate::domain::{Clocks, Finish, Missing};
use crate::evidence::{AnswerDigest, PromptDigest, Role};

const STOP: Outcome = Outcome::Complete(Finish::Stop);

fn answer(arm: Arm, outcome: Outcome, text: u8) -> Observation {
    Observation {
        request: "r".into(),
        release: "sem:x".into(),
        arm,
        role: Role::Serving,
        epoch: 7,
        outcome,
        clocks: Clocks {
            first_token_ms: Some(20.0),
            last_token_ms: Some(120.0),
            end_ms: 130.0,
            ..Clocks::default()
        },
        streamed: true,
        output_tokens: Some(11),
        prompt_tokens: Some(5),
        answer: outcome.is_complete().then_some(AnswerDigest([text; 16])),
        prompt: PromptDigest([text; 16]),
        degenerate: false,
        in_flight: 3,
        sticky: u64::from(text),
        scores: vec![("good".into(), 1.0)],
    }
}

fn pairing() -> Pairing {
    Pairing::new(PairingOptions { epoch: 7, scores: vec!["good".into()] })
}

fn mirrored(serving: Observation, candidate: Option<Observation>, null: Option<Observation>) -> Sample {
    Sample { serving, copies: Some(Copies { candidate, null }) }
}

/// The metrics of the one pair that `sample` makes, as `name=baseline/candidate`, `-` for a lost half.
fn check(sample: &Sample, expected: &str) {
    let records = pairing().records(sample);
    let [Record::Pair(pair)] = &records[..] else { panic!("not one pair: {records:?}") };
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| value.to_string());
    let text: Vec<_> = pair
        .metrics
        .iter()
        .map(|(name, halves)| format!("{name}={}/{}", shown(halves.baseline), shown(halves.candidate)))
        .collect();
    assert_eq!(text.join(" "), expected);
}

#[test]
fn two_whole_answers_speak_of_everything() {
    let (blue, green) = (answer(Arm::Baseline, STOP, 1), answer(Arm::Candidate, STOP, 2));
    let sample = mirrored(blue.clone(), Some(green), Some(blue));
    check(
        &sample,
        "error=0/0 broken=0/0 sameness=0/0 good=1/1 length=11/11 ttft_ms=20/20 tpot_ms=10/10 e2e_ms=130/130 \
         disagreement=0/1 in_flight=3/3",
    );
}

#[test]
fn a_quick_failure_is_not_a_quick_answer() {
    let (blue, green) = (answer(Arm::Baseline, STOP, 1), answer(Arm::Candidate, Outcome::Errored(500), 1));
    check(&mirrored(blue, Some(green), None), "error=0/1 broken=0/0 sameness=0/0 good=1/0 in_flight=3/3");
}

#[test]
fn a_truncated_answer_is_broken_and_scores_nothing() {
    let green = answer(Arm::Candidate, Outcome::Truncated(Missing::Finish), 1);
    let sample = mirrored(answer(Arm::Baseline, STOP, 1), Some(green), None);
    check(&sample, "error=0/0 broken=0/1 sameness=0/0 good=1/0 in_flight=3/3");
}

#[test]
fn a_lost_copy_is_a_missing_half_in_every_metric() {
    check(
        &mirrored(answer(Arm::Baseline, STOP, 1), None, None),
        "error=0/- broken=0/- sameness=0/- good=1/- length=11/- ttft_ms=20/- tpot_ms=10/- e2e_ms=130/- in_flight=3/-",
    );
}

#[test]
fn the_arms_are_by_role_also_when_the_candidate_served() {
    let mut served = answer(Arm::Candidate, STOP, 1);
    served.output_tokens = Some(21);
    let sample = mirrored(served, Some(answer(Arm::Baseline, Outcome::Errored(503), 1)), None);
    check(&sample, "error=1/0 broken=0/0 sameness=0/0 good=0/1 in_flight=3/3");
}

#[test]
fn a_template_that_lost_its_variables_repeats_itself() {
    let mut pairing = pairing();
    let mut repeats = Vec::new();
    for prompt in 1..=3 {
        let mut green = answer(Arm::Candidate, STOP, 9);
        green.prompt = PromptDigest([prompt; 16]);
        let records = pairing.records(&mirrored(answer(Arm::Baseline, STOP, prompt), Some(green), None));
        let [Record::Pair(pair)] = &records[..] else { panic!("not one pair") };
        repeats.push(pair.metrics[2].1);
    }
    let candidate: Vec<_> = repeats.iter().map(|halves| halves.candidate).collect();
    assert_eq!(candidate, [Some(0.0), Some(1.0), Some(1.0)]);
    assert!(repeats.iter().all(|halves| halves.baseline == Some(0.0)));
}

#[test]
fn per_request_updates_under_sticky_assignment_are_refused() {
    let mut pairing = pairing();
    let sample = |key| Sample { serving: answer(Arm::Candidate, STOP, key), copies: None };
    assert!(pairing.records(&sample(1)).is_empty(), "no split, no arrival");
    pairing.open_stage(Share::from_ppm(250_000));
    let counts: Vec<_> = [1, 1, 2, 1].map(|key| pairing.records(&sample(key)).len()).to_vec();
    assert_eq!(counts, [1, 0, 1, 0]);
    pairing.open_stage(Share::from_ppm(750_000));
    assert_eq!(pairing.records(&sample(1)).len(), 1, "once more in the next stage");
    pairing.open_stage(Share::FULL);
    assert_eq!(pairing.records(&sample(3)).len(), 0, "everything on one arm is no experiment");
}

#[test]
fn clients_that_left_and_other_epochs_are_counted_and_not_judged() {
    let mut pairing = pairing();
    let gone = answer(Arm::Baseline, Outcome::ClientGone, 1);
    let mut stale = answer(Arm::Baseline, STOP, 1);
    stale.epoch = 6;
    assert!(pairing.records(&mirrored(gone, None, None)).is_empty());
    assert!(pairing.records(&mirrored(stale, None, None)).is_empty());
    assert_eq!(pairing.passed_over(), PassedOver { stale: 1, censored: 1 });
}
