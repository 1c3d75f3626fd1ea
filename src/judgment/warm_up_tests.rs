//! Warm-ups, simulated: what the baseline once answered well, asked of a candidate that equals it, and of broken ones.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::domain::{Arm, Clocks, Finish, MetricKind, Outcome, RequestId, Share};
use crate::evidence::{
    AnswerDigest, Collector, Copied, Copies, Observation, PromptDigest, Replays, Role, Said, Sample, Usual,
};

/// Requests of one warm-up.
const REQUESTS: u64 = 128;

/// How a release answers.
#[derive(Clone, Copy)]
struct World {
    /// Of its answers, how many are errors, and how many empty.
    errors: f64,
    empty: f64,
    /// How often an answer is not what the release usually says to this prompt.
    moods: f64,
}

fn rules() -> Policy {
    let grader = MetricPolicy {
        name: "good".into(),
        kind: MetricKind::Score,
        margin: 0.02,
        ..Policy::default_live().metrics[0].clone()
    };
    let mut policy = Policy::default_live();
    policy.metrics.push(grader);
    policy.beside_warm_up()
}

impl World {
    fn answer(self, rng: &mut ChaCha8Rng, prompt: u64, arm: Arm) -> Observation {
        let (failed, empty) = (rng.random_bool(self.errors), rng.random_bool(self.empty));
        let mood: u64 = if rng.random_bool(self.moods) { rng.random_range(0..1_000) } else { 0 };
        let said = AnswerDigest(u128::from(1_000 * prompt + mood).to_le_bytes());
        let tokens = 20 + u32::try_from((prompt * 7 + mood) % 180).unwrap();
        Observation {
            request: RequestId::new(format!("r{prompt}")),
            release: "sem:x".into(),
            arm,
            role: Role::Serving,
            epoch: 0,
            share: Share::ZERO,
            outcome: if failed { Outcome::Errored(503) } else { Outcome::Complete(Finish::Stop) },
            clocks: Clocks::default(),
            streamed: true,
            output_tokens: Some(tokens),
            request_bytes: 400,
            prompt_tokens: None,
            cached_tokens: None,
            answer: if failed || empty { Said::Nothing } else { Said::Digest(said) },
            prompt: Some(PromptDigest(u128::from(prompt).to_le_bytes())),
            degenerate: false,
            in_flight: 0,
            timers_late_ms: 0.0,
            sticky: 0,
            tenant: 0,
            scores: vec![("good".into(), f64::from(u8::from((prompt + mood) % 10 > 1)))],
        }
    }

    /// The first answer to a prompt that a cache keeps: what went before failed, and its client asked again.
    fn kept(self, rng: &mut ChaCha8Rng, prompt: u64) -> Observation {
        let mut answers = std::iter::repeat_with(|| self.answer(rng, prompt, Arm::Baseline));
        answers.find(|answer| matches!(answer.answer, Said::Digest(_))).unwrap()
    }

    /// How it failed `answers` clients.
    fn usual(self, rng: &mut ChaCha8Rng, answers: u64) -> Usual {
        let mut usual = Usual::default();
        (0..answers).for_each(|prompt| usual.note(&self.answer(rng, prompt, Arm::Baseline)));
        usual
    }
}

fn replays(seed: u64, world: World, usual: u64, candidate: impl Fn(Observation) -> Observation) -> Replays {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let usual = world.usual(&mut rng, usual);
    let sample = |prompt| {
        let serving = world.kept(&mut rng, prompt);
        let answer = candidate(world.answer(&mut rng, prompt, Arm::Candidate));
        Sample { serving, copied: Copied::Sent(Box::new(Copies { candidate: Some(answer), null: None })) }
    };
    Replays { usual, samples: (0..REQUESTS).map(sample).collect() }
}

fn judged(replays: &Replays) -> Judgment {
    let policy = rules().of_warm_up();
    let mut collector = Collector::new(&policy.specs()).unwrap();
    for record in replays.records(vec!["good".into()], policy.abort_alpha).unwrap() {
        collector.push(&record).unwrap();
    }
    let ask = Ask { question: Question::WarmUp, subject: Subject::default(), must_pass: Vec::new() };
    judge(collector.snapshot(), &policy, &ask)
}

#[test]
fn an_identical_candidate_is_never_stopped_in_its_warm_up() {
    for (errors, empty, moods) in [(0.0, 0.0, 0.0), (0.01, 0.0, 0.3), (0.05, 0.02, 0.0), (0.2, 0.1, 0.1)] {
        let world = World { errors, empty, moods };
        for usual in [0, 40, 400, 4_000] {
            for seed in 0..40 {
                let judgment = judged(&replays(seed, world, usual, |answer| answer));
                assert_eq!(
                    judgment.verdict,
                    Verdict::Inconclusive,
                    "{errors} {empty} {usual} seed {seed}: {judgment:?}"
                );
            }
        }
    }
}

#[test]
fn failures_that_a_baseline_has_as_well_would_stop_it_where_they_were_not_asked_for() {
    let world = World { errors: 0.2, empty: 0.0, moods: 0.0 };
    let mut replays = replays(1, world, 400, |answer| answer);
    assert_eq!(judged(&replays).verdict, Verdict::Inconclusive);
    // What the cached answers alone say of the baseline: that it never fails.
    replays.usual = Usual { answers: 1_000_000, ..Usual::default() };
    assert_eq!(judged(&replays).verdict, Verdict::Fail);
}

#[test]
fn a_broken_candidate_is_stopped_in_its_warm_up_with_the_numbers() {
    let world = World { errors: 0.01, empty: 0.0, moods: 0.0 };
    let failed = |metric: &str, candidate: fn(Observation) -> Observation| {
        let judgment = judged(&replays(3, world, 400, candidate));
        assert_eq!(judgment.verdict, Verdict::Fail, "{metric}: {judgment:?}");
        let reason = judgment.reasons[0].to_string();
        assert!(reason.starts_with(metric) && reason.contains("proven at 0.05 % in the warm-up"), "{reason}");
    };
    failed("error", |answer| Observation { outcome: Outcome::Errored(500), answer: Said::Nothing, ..answer });
    failed("broken", |answer| Observation { answer: Said::Nothing, ..answer });
    failed("sameness", |answer| Observation { answer: Said::Digest(AnswerDigest([7; 16])), ..answer });
    failed("good", |answer| Observation { scores: vec![("good".into(), 0.0)], ..answer });
    failed("length", |answer| Observation { output_tokens: Some(1), ..answer });
}

#[test]
fn a_warm_up_and_what_follows_it_spend_one_budget() {
    let whole = Policy::default_live();
    let beside = whole.clone().beside_warm_up();
    let warm_up = beside.of_warm_up();
    let spent = beside.abort_alpha + 2.0 * warm_up.abort_alpha;
    assert!((spent - whole.abort_alpha).abs() < 1e-15, "{spent}");
    assert_eq!((beside.abort_alpha, warm_up.abort_alpha), (0.009, 0.0005));
    let names: Vec<_> = warm_up.metrics.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["error", "broken", "sameness", "length"]);
}
