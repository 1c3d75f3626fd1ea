//! What a mock engine is told before it starts.

use std::sync::Arc;

use super::{Fault, Recorded};

/// One mock engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// The model name it serves; requests for another one are refused with 404.
    pub model: String,
    /// Answers to replay; shared, since two engines may replay the same file.
    pub recorded: Arc<Recorded>,
    /// Everything random comes from here.
    pub seed: u64,
    /// How long things take.
    pub timing: Timing,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// `system_fingerprint` of its answers.
    pub fingerprint: String,
}

impl Options {
    /// An engine for `model` without recorded answers, with default timing and without faults.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            recorded: Arc::default(),
            seed: 1,
            timing: Timing::default(),
            faults: Vec::new(),
            fingerprint: "mock-1".to_owned(),
        }
    }
}

/// How long things take, in milliseconds before `speed` divides them.
///
/// A request waits `prefill_ms + prefill_ms_per_token × uncached prompt tokens` for its first token, then
/// `gap_ms + gap_ms_per_neighbour × (requests in flight − 1)` for each further one. Both are multiplied by
/// log-normal noise of median 1: one draw per request, and a smaller one per token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Before the first token, whatever the prompt.
    pub prefill_ms: f64,
    /// Per prompt token that is not in the prefix cache.
    pub prefill_ms_per_token: f64,
    /// Between two tokens of a request that is alone.
    pub gap_ms: f64,
    /// Added to every gap by each other request in flight.
    pub gap_ms_per_neighbour: f64,
    /// Sigma of the noise per request; per token it is half of this.
    pub noise: f64,
    /// Requests after the start that find the prefix cache empty. Later ones find half of their prompt in it.
    pub cold_requests: u64,
    /// Divides every time: 10 is ten times faster.
    pub speed: f64,
    /// Tokens in one chunk of a stream; at least 1.
    pub tokens_per_chunk: usize,
}

impl Default for Timing {
    /// About a 7B model on one current GPU.
    fn default() -> Self {
        Self {
            prefill_ms: 25.0,
            prefill_ms_per_token: 0.15,
            gap_ms: 9.0,
            gap_ms_per_neighbour: 0.25,
            noise: 0.15,
            cold_requests: 32,
            speed: 1.0,
            tokens_per_chunk: 1,
        }
    }
}

impl Timing {
    /// No delay at all: the engine answers as fast as it can.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            prefill_ms: 0.0,
            prefill_ms_per_token: 0.0,
            gap_ms: 0.0,
            gap_ms_per_neighbour: 0.0,
            noise: 0.0,
            ..Self::default()
        }
    }
}
