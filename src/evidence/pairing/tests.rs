//! Samples in, records out.

use super::*;
use crate::domain::{Clocks, Finish, Missing, RequestId};
use crate::evidence::{AnswerDigest, PromptDigest, Role};

pub(super) const STOP: Outcome = Outcome::Complete(Finish::Stop);

pub(super) fn answer(arm: Arm, outcome: Outcome, text: u8) -> Observation {
    Observation {
        request: "r".into(),
        release: "sem:x".into(),
        arm,
        role: Role::Serving,
        epoch: 7,
        share: Share::from_ppm(250_000),
        outcome,
        clocks: Clocks {
            first_token_ms: Some(20.0),
            last_token_ms: Some(120.0),
            end_ms: 130.0,
            ..Clocks::default()
        },
        streamed: true,
        output_tokens: Some(11),
        request_bytes: 90,
        prompt_tokens: Some(5),
        cached_tokens: Some(1),
        answer: if outcome.is_complete() { Said::Digest(AnswerDigest([text; 16])) } else { Said::Nothing },
        prompt: Some(PromptDigest([text; 16])),
        degenerate: false,
        in_flight: 3,
        timers_late_ms: 1.0,
        sticky: u64::from(text),
        tenant: 1,
        scores: vec![("good".into(), 1.0)],
    }
}

fn pairing() -> Pairing {
    Pairing::new(PairingOptions { scores: vec!["good".into()], ..PairingOptions::of(7) })
}

pub(super) fn mirrored(
    serving: Observation,
    candidate: Option<Observation>,
    null: Option<Observation>,
) -> Sample {
    Sample { serving, copied: Copied::Sent(Box::new(Copies { candidate, null })) }
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
         disagreement=0/1 null_failed=0/0 in_flight=3/3 timers_late_ms=1/1 streamed=1/1 uncached_tokens=4/4 request_bytes=90/90",
    );
}

#[test]
fn a_quick_failure_is_not_a_quick_answer() {
    let (blue, green) = (answer(Arm::Baseline, STOP, 1), answer(Arm::Candidate, Outcome::Errored(500), 1));
    check(
        &mirrored(blue, Some(green), None),
        "error=0/1 broken=0/0 sameness=0/0 good=1/0 in_flight=3/3 timers_late_ms=1/1 streamed=1/1 request_bytes=90/90",
    );
}

#[test]
fn a_truncated_answer_is_broken_and_scores_nothing() {
    let green = answer(Arm::Candidate, Outcome::Truncated(Missing::Finish), 1);
    let sample = mirrored(answer(Arm::Baseline, STOP, 1), Some(green), None);
    check(
        &sample,
        "error=0/0 broken=0/1 sameness=0/0 good=1/0 in_flight=3/3 timers_late_ms=1/1 streamed=1/1 request_bytes=90/90",
    );
}

#[test]
fn a_lost_copy_is_a_missing_half_in_every_metric() {
    check(
        &mirrored(answer(Arm::Baseline, STOP, 1), None, None),
        "error=0/- broken=0/- sameness=0/- good=1/- length=11/- ttft_ms=20/- tpot_ms=10/- e2e_ms=130/- in_flight=3/- timers_late_ms=1/- streamed=1/- uncached_tokens=4/- request_bytes=90/90",
    );
}

#[test]
fn the_arms_are_by_role_also_when_the_candidate_served() {
    let mut served = answer(Arm::Candidate, STOP, 1);
    served.output_tokens = Some(21);
    let sample = mirrored(served, Some(answer(Arm::Baseline, Outcome::Errored(503), 1)), None);
    check(
        &sample,
        "error=1/0 broken=0/0 sameness=0/0 good=0/1 in_flight=3/3 timers_late_ms=1/1 streamed=1/1 request_bytes=90/90",
    );
}

#[test]
fn a_template_that_lost_its_variables_repeats_itself() {
    let mut pairing = pairing();
    let mut repeats = Vec::new();
    for prompt in 1..=3 {
        let mut green = answer(Arm::Candidate, STOP, 9);
        green.prompt = Some(PromptDigest([prompt; 16]));
        let blue = Observation {
            request: prompt.to_string().as_str().into(),
            ..answer(Arm::Baseline, STOP, prompt)
        };
        let records = pairing.records(&mirrored(blue, Some(green), None));
        let [Record::Pair(pair)] = &records[..] else { panic!("not one pair") };
        repeats.push(pair.metrics[2].1);
    }
    let candidate: Vec<_> = repeats.iter().map(|halves| halves.candidate).collect();
    assert_eq!(candidate, [Some(0.0), Some(1.0), Some(1.0)]);
    assert!(repeats.iter().all(|halves| halves.baseline == Some(0.0)));
}

/// A request of its own name on sticky key `key`.
fn served(arm: Arm, name: &str, key: u8) -> Sample {
    Sample { serving: Observation { request: name.into(), ..answer(arm, STOP, key) }, copied: Copied::No }
}

fn quarter() -> StageSplit {
    StageSplit { candidate: Share::from_ppm(250_000), mirrored: Share::ZERO }
}

#[test]
fn per_request_updates_under_sticky_assignment_are_refused() {
    let mut pairing = pairing();
    let mut number = 0;
    let mut records = |pairing: &mut Pairing, percent: u32, key| {
        number += 1;
        let mut sample = served(Arm::Candidate, &number.to_string(), key);
        sample.serving.share = Share::from_ppm(percent * 10_000);
        pairing.records(&sample).len()
    };
    let split =
        |percent: u32| StageSplit { candidate: Share::from_ppm(percent * 10_000), mirrored: Share::ZERO };
    assert_eq!(records(&mut pairing, 0, 1), 0, "no split, no arrival");
    pairing.open_stage(split(25));
    assert_eq!([1, 1, 2, 1].map(|key| records(&mut pairing, 25, key)), [1, 0, 1, 0]);
    pairing.open_stage(split(75));
    assert_eq!(records(&mut pairing, 25, 1), 0, "it was placed under the stage before");
    assert_eq!(records(&mut pairing, 75, 1), 1, "once more in the next stage");
    pairing.open_stage(split(100));
    assert_eq!([3, 3].map(|key| records(&mut pairing, 100, key)), [1, 0], "alone, for absolute limits");
}

#[test]
fn a_mirrored_request_is_a_pair_and_never_an_arrival_too() {
    let mut pairing = pairing();
    pairing.open_stage(quarter());
    let mut sample = served(Arm::Baseline, "a", 1);
    sample.copied =
        Copied::Sent(Box::new(Copies { candidate: Some(answer(Arm::Candidate, STOP, 1)), null: None }));
    assert!(matches!(&pairing.records(&sample)[..], [Record::Pair(_)]));
    assert!(pairing.records(&served(Arm::Baseline, "b", 1)).is_empty(), "its key's first request is gone");
}

#[test]
fn a_clock_that_goes_backwards_makes_no_latency() {
    let mut back = answer(Arm::Baseline, STOP, 1);
    back.clocks = Clocks { sent_ms: 500.0, ..back.clocks };
    let check = |serving: &Observation, expected: &[&str]| {
        let sample = mirrored(serving.clone(), Some(answer(Arm::Candidate, STOP, 2)), None);
        let records = pairing().records(&sample);
        let [Record::Pair(pair)] = &records[..] else { panic!("{records:?}") };
        let times = pair.metrics.iter().map(|(name, _)| name.as_str()).filter(|name| name.ends_with("_ms"));
        assert_eq!(times.collect::<Vec<_>>(), expected);
    };
    check(&answer(Arm::Baseline, STOP, 1), &["ttft_ms", "tpot_ms", "e2e_ms", "timers_late_ms"]);
    check(&back, &["tpot_ms", "timers_late_ms"]);
}

#[test]
fn a_dropped_copy_is_no_pair_and_no_arrival() {
    let mut pairing = pairing();
    pairing.open_stage(quarter());
    let dropped = |name: &str, why| Sample { copied: Copied::Dropped(why), ..served(Arm::Baseline, name, 1) };
    let records = pairing.records(&dropped("a", Dropped::Room));
    let [Record::Pair(pair)] = &records[..] else { panic!("{records:?}") };
    let size = Halves { baseline: Some(90.0), candidate: None };
    assert_eq!(pair.metrics, [(REQUEST_BYTES.into(), size)]);
    assert!(pairing.records(&dropped("b", Dropped::Rule)).is_empty());
    let mut collector = crate::evidence::Collector::new(&[]).unwrap();
    collector.push(&records[0]).unwrap();
    let snapshot = collector.snapshot();
    assert_eq!((snapshot.records(), snapshot.pairs(), snapshot.drops().dropped_copies()), (1, 0, 1));
}

#[test]
fn the_share_of_arrivals_leaves_out_what_was_mirrored() {
    let share = |candidate: &str, mirrored: &str| {
        let (candidate, mirrored) = (candidate.parse().unwrap(), mirrored.parse().unwrap());
        StageSplit { candidate, mirrored }.arrival_share().to_string()
    };
    assert_eq!(share("25%", "0%"), "25%");
    assert_eq!(share("25%", "50%"), "40%");
    assert_eq!(share("0%", "50%"), "0%");
    assert_eq!(share("25%", "100%"), "0%", "no baseline is left: no experiment");
    assert_eq!(share("100%", "100%"), "100%");
}

#[test]
fn a_request_id_counts_once_also_after_a_restart() {
    let mirrored = || {
        let mut sample = served(Arm::Baseline, "a", 1);
        sample.copied =
            Copied::Sent(Box::new(Copies { candidate: Some(answer(Arm::Candidate, STOP, 1)), null: None }));
        sample
    };
    let mut first = pairing();
    let records = first.records(&mirrored());
    assert_eq!((records.len(), first.records(&mirrored()).len()), (1, 0));
    assert_eq!(first.passed_over().repeated, 1);
    let options = PairingOptions::of(7);
    let mut resumed = Pairing::resumed(options, StageSplit::NONE, &records);
    assert!(resumed.records(&mirrored()).is_empty());
    let next = served(Arm::Baseline, "b", 1);
    let next = Sample { copied: mirrored().copied, ..next };
    assert_eq!(resumed.records(&next)[0].seq(), 2);
}

#[test]
fn clients_that_left_and_other_epochs_are_counted_and_not_judged() {
    let mut pairing = pairing();
    let gone = answer(Arm::Baseline, Outcome::ClientGone, 1);
    let mut stale = answer(Arm::Baseline, STOP, 1);
    stale.epoch = 6;
    assert!(pairing.records(&mirrored(gone, None, None)).is_empty());
    assert!(pairing.records(&mirrored(stale, None, None)).is_empty());
    let copy_gone = answer(Arm::Candidate, Outcome::ClientGone, 1);
    assert!(pairing.records(&mirrored(answer(Arm::Baseline, STOP, 1), Some(copy_gone), None)).is_empty());
    assert_eq!(pairing.passed_over(), PassedOver { stale: 1, censored: 2, repeated: 0, capped: 0 });
}

#[test]
fn a_mirror_share_that_grows_counts_no_key_and_leaves_the_ramps_share_alone() {
    let mut pairing = pairing();
    let mut arrives = |split: StageSplit, placed: Share, n: u32| {
        let serving = Observation {
            request: RequestId::new(format!("r{n}")),
            share: placed,
            sticky: u64::from(n),
            ..answer(Arm::Baseline, STOP, 1)
        };
        if n.is_multiple_of(100) {
            pairing.open_stage(split);
        }
        match &pairing.records(&Sample { serving, copied: Copied::No })[..] {
            [Record::Arrival(arrival)] => Some(arrival.share),
            _ => None,
        }
    };
    // Whatever share the mirror stage copies: nobody is split, and a request of it that ends in the ramp was not either.
    let mirror = StageSplit { candidate: Share::ZERO, mirrored: Share::from_ppm(100_000) };
    assert_eq!(arrives(mirror, Share::ZERO, 0), None);
    let ramp = StageSplit { candidate: Share::from_ppm(250_000), mirrored: Share::from_ppm(10_000) };
    assert_eq!(arrives(ramp, Share::ZERO, 100), None);
    assert_eq!(arrives(ramp, Share::from_ppm(250_000), 101), Some(ramp.arrival_share()));
}

/// A pairing in which no tenant may make more than a quarter, past its first hundred pairs and users.
fn capped_pairing() -> Pairing {
    let mut pairing = Pairing::new(PairingOptions { tenant_max: Some(0.25), ..PairingOptions::of(7) });
    pairing.open_stage(quarter());
    for n in 0..100_u64 {
        let pair = copied(tenants(Arm::Baseline, &format!("p{n}"), 10_000 + n, 0));
        let user = tenants(Arm::Candidate, &format!("u{n}"), 20_000 + n, 0);
        assert_eq!([pair, user].map(|sample| pairing.records(&sample).len()), [1, 1]);
    }
    pairing
}

fn tenants(arm: Arm, name: &str, key: u64, tenant: u64) -> Sample {
    let mut sample = served(arm, name, 1);
    (sample.serving.sticky, sample.serving.tenant) = (key, tenant);
    sample
}

fn copied(sample: Sample) -> Sample {
    let copies = Copies { candidate: Some(answer(Arm::Candidate, STOP, 1)), null: None };
    Sample { copied: Copied::Sent(Box::new(copies)), ..sample }
}

#[test]
fn a_capped_pair_uses_its_key_up() {
    let mut pairing = capped_pairing();
    let records = [copied(tenants(Arm::Baseline, "a", 1, 0)), tenants(Arm::Baseline, "b", 1, 0)];
    assert!(records.iter().all(|sample| pairing.records(sample).is_empty()));
    assert_eq!(
        pairing.passed_over().capped,
        1,
        "the second is no first request, and is not even asked about"
    );
}

#[test]
fn one_tenants_users_weigh_no_more_than_its_cap() {
    let mut pairing = capped_pairing();
    let mut counted =
        |n: u64, tenant: u64, arm| !pairing.records(&tenants(arm, &format!("n{n}"), n, tenant)).is_empty();
    let arm = |n: u64| if n % 4 < 2 { Arm::Candidate } else { Arm::Baseline };
    // Tenant 0 made the first hundred; others come, then half and half.
    let one = (0..3_000).filter(|n| n % 2 == 0).filter(|n| counted(*n, 0, arm(*n))).count();
    let others = (0..3_000).filter(|n| n % 2 == 1).filter(|n| counted(*n, 1 + n % 30, arm(*n))).count();
    assert_eq!((one, others), (0, 1_500), "it had made all there was");
    let later = (3_000..6_000).filter(|n| counted(*n, if n % 2 == 0 { 0 } else { 1 + n % 30 }, arm(*n)));
    let of_tenant_0 = later.count() - 1_500;
    assert!(
        (899..=902).contains(&of_tenant_0),
        "a quarter of all that count, its first hundred included: {of_tenant_0}"
    );
}

#[test]
fn who_gives_up_uses_the_key_up_and_the_sample_ratio_sees_it() {
    let mut policy = crate::judgment::Policy::default_live();
    policy.metrics.truncate(1);
    let ratio = |gives_up: bool| {
        let mut pairing = pairing();
        pairing.open_stage(quarter());
        let mut collector = crate::evidence::Collector::new(&policy.specs()).unwrap();
        for key in 0..4_000_u64 {
            let arm = if key % 4 == 0 { Arm::Candidate } else { Arm::Baseline };
            let mut first = tenants(arm, &format!("a{key}"), key, 1);
            if gives_up && arm == Arm::Candidate && key % 3 == 0 {
                first.serving.outcome = Outcome::ClientGone;
            }
            // Whoever gave up comes again, and is answered quickly.
            for sample in [first, tenants(arm, &format!("b{key}"), key, 1)] {
                pairing.records(&sample).iter().for_each(|record| collector.push(record).unwrap());
            }
        }
        let [keys] = collector.snapshot().assigned() else { panic!("one share") };
        let (assigned, all) = (keys.candidate, keys.baseline + keys.candidate);
        crate::stats::sample_ratio_log_bayes_factor(assigned, all, 0.25, 10_000.0).unwrap()
    };
    assert!(ratio(false) < 0.0 && ratio(true) > crate::stats::SAMPLE_RATIO_ALARM, "{}", ratio(true));
}

#[test]
fn a_restart_at_all_users_goes_on_counting_them_and_under_a_split_does_not() {
    let resumed = |candidate: Share| {
        let split = StageSplit { candidate, mirrored: Share::ZERO };
        let mut pairing = Pairing::resumed(PairingOptions::of(7), split, &[]);
        let mut sample = served(Arm::Candidate, "a", 1);
        sample.serving.share = candidate;
        pairing.records(&sample).len()
    };
    assert_eq!((resumed(Share::FULL), resumed(Share::from_ppm(250_000))), (1, 0));
}
