//! Answers as the proxy would have observed them.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Pareto, StandardNormal};

use crate::domain::{Arm, Clocks, Finish, MetricName, Outcome, ReleaseId, RequestId, Share};
use crate::evidence::{AnswerDigest, Observation, PromptDigest, Role, Said};

/// Standard deviations of logarithms: time to first token among prompts, and between two answers to one of them (0.21
/// between the halves of a pair).
const TTFT_SPREAD: f64 = 0.8;
const TTFT_NOISE: f64 = 0.15;

/// Times to first token that are stretched besides, by a Pareto factor of infinite variance.
const STRAGGLERS: f64 = 0.02;
const STRAGGLER_TAIL: f64 = 1.5;

/// Standard deviations of logarithms: time per output token, and tokens among prompts and between two answers.
const TPOT_NOISE: f64 = 0.1;
const TOKENS_SPREAD: f64 = 0.6;
const TOKENS_NOISE: f64 = 0.1;

/// Standard deviation of the logarithm of a request's length.
const BYTES_SPREAD: f64 = 0.5;

/// Medians.
const TTFT_MS: f64 = 200.0;
const TPOT_MS: f64 = 20.0;
const TOKENS: f64 = 120.0;
const BYTES: f64 = 600.0;

/// Answers that are worded as most are; the others are like no other answer. Of two answers 31 % differ.
pub(super) const USUAL_WORDING: f64 = 0.83;

/// Answers that a grader finds good.
const GOOD: f64 = 0.95;

/// Requests in flight, on either arm, where the world has no others.
const IN_FLIGHT: u32 = 4;

/// One request as it is before anybody answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prompt {
    pub(super) number: u64,
    pub(super) ttft_ms: f64,
    pub(super) tokens: f64,
    /// Length of the request in bytes.
    pub(super) bytes: f64,
    /// Hash of the sticky key, and the candidate's share of the clients when it was placed.
    pub(super) sticky: u64,
    pub(super) share: Share,
}

/// How one arm fares with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    /// Chance of an error.
    pub(super) failing: f64,
    /// Factor on the time to first token.
    pub(super) slowness: f64,
    /// Requests in flight at its endpoint, this one included.
    pub(super) in_flight: u32,
    /// Chance that the answer is worded as most are.
    pub(super) usual: f64,
    /// Factor on its length.
    pub(super) longer: f64,
    /// Chance that it is the one answer that it gives to any prompt.
    pub(super) repeating: f64,
}

impl Fate {
    /// Fails with this chance, and is as fast and as busy as usual.
    pub(super) const fn failing(failing: f64) -> Self {
        Self {
            failing,
            slowness: 1.0,
            in_flight: IN_FLIGHT,
            usual: USUAL_WORDING,
            longer: 1.0,
            repeating: 0.0,
        }
    }
}

/// Writes answers.
#[derive(Debug)]
pub(super) struct Answers {
    releases: [ReleaseId; 2],
    scores: Vec<MetricName>,
}

impl Answers {
    /// Answers with a score of each of these graders.
    pub(super) fn new(scores: Vec<MetricName>) -> Self {
        Self { releases: ["rel:baseline".into(), "rel:candidate".into()], scores }
    }

    pub(super) fn scores(&self) -> &[MetricName] {
        &self.scores
    }

    /// The next prompt.
    pub(super) fn prompt(number: u64, rng: &mut ChaCha8Rng) -> Prompt {
        let ttft_ms = TTFT_MS * spread(TTFT_SPREAD, rng);
        let tokens = TOKENS * spread(TOKENS_SPREAD, rng);
        let bytes = BYTES * spread(BYTES_SPREAD, rng);
        Prompt { number, ttft_ms, tokens, bytes, sticky: number, share: Share::ZERO }
    }

    /// What an arm answers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand bytes")]
    pub(super) fn answer(
        &self,
        (arm, role): (Arm, Role),
        prompt: &Prompt,
        fate: Fate,
        rng: &mut ChaCha8Rng,
    ) -> Observation {
        let failed = rng.random::<f64>() < fate.failing;
        let (clocks, output_tokens) = times(prompt, fate, rng);
        let graded = self.scores.iter().map(|name| (name.clone(), flag(rng.random::<f64>() < GOOD)));
        let scores = graded.collect();
        Observation {
            request: RequestId::new(format!("sim-{}", prompt.number)),
            release: self.releases[usize::from(arm == Arm::Candidate)].clone(),
            arm,
            role,
            epoch: 0,
            share: prompt.share,
            outcome: if failed { Outcome::Errored(500) } else { Outcome::Complete(Finish::Stop) },
            clocks,
            streamed: true,
            output_tokens: Some(output_tokens),
            request_bytes: prompt.bytes as u32,
            prompt_tokens: None,
            cached_tokens: None,
            answer: Said::Digest(wording(prompt, fate, rng)),
            prompt: Some(PromptDigest(digest(prompt.number, 0))),
            degenerate: false,
            in_flight: fate.in_flight,
            timers_late_ms: 0.0,
            sticky: prompt.sticky,
            tenant: 0,
            scores,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred tokens")]
fn times(prompt: &Prompt, fate: Fate, rng: &mut ChaCha8Rng) -> (Clocks, u32) {
    let mut ttft_ms = prompt.ttft_ms * fate.slowness * spread(TTFT_NOISE, rng);
    if rng.random::<f64>() < STRAGGLERS {
        // Both parameters are constants above 0; no straggler would be as valid.
        ttft_ms *= Pareto::new(1.0, STRAGGLER_TAIL).map_or(1.0, |pareto| pareto.sample(rng));
    }
    let tokens = (prompt.tokens * fate.longer * spread(TOKENS_NOISE, rng)).max(2.0) as u32;
    let end_ms = ttft_ms + TPOT_MS * spread(TPOT_NOISE, rng) * f64::from(tokens - 1);
    let clocks = Clocks {
        sent_ms: 0.0,
        headers_ms: Some(ttft_ms),
        first_byte_ms: Some(ttft_ms),
        first_event_ms: Some(ttft_ms),
        first_token_ms: Some(ttft_ms),
        last_token_ms: Some(end_ms),
        end_ms,
    };
    (clocks, tokens)
}

fn wording(prompt: &Prompt, fate: Fate, rng: &mut ChaCha8Rng) -> AnswerDigest {
    let usual = rng.random::<f64>() < fate.usual;
    // Where nothing repeats itself nothing is drawn.
    if fate.repeating > 0.0 && rng.random::<f64>() < fate.repeating {
        return AnswerDigest(digest(u64::MAX, 0));
    }
    AnswerDigest(digest(prompt.number, if usual { 0 } else { rng.random() }))
}

fn digest(number: u64, variant: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&variant.to_le_bytes());
    bytes
}

/// A factor whose logarithm is normal.
fn spread(deviation: f64, rng: &mut impl Rng) -> f64 {
    let z: f64 = StandardNormal.sample(rng);
    (deviation * z).exp()
}

fn flag(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}
