//! One answered request, reduced to what judgment needs; the text itself does not come this far.

use crate::domain::{Arm, Clocks, MetricName, Outcome, ReleaseId, RequestId, Share};

/// The first 16 bytes of the BLAKE3 of a normalised answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerDigest(pub [u8; 16]);

/// The first 16 bytes of the BLAKE3 of what the client asked, before any template of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptDigest(pub [u8; 16]);

/// What an answer said, as far as anybody asks. To digest question and answer is a third of what a proxied request
/// costs, and of a hundred answers about one is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// No text and no tool call.
    Nothing,
    /// Something that is compared with nothing.
    Something,
    /// Something to compare.
    Digest(AnswerDigest),
}

impl Said {
    /// What to compare; `None` where there is nothing.
    #[must_use]
    pub const fn digest(self) -> Option<AnswerDigest> {
        match self {
            Self::Digest(digest) => Some(digest),
            Self::Nothing | Self::Something => None,
        }
    }
}

/// Why a request was sent to an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// For a client.
    Serving,
    /// A copy to the other arm, for comparison.
    Mirror,
    /// A copy back to the *same* arm: measures how much the baseline differs from itself.
    Null,
}

/// One answer, as seen by whoever asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The client request this answer, or the copy, belongs to.
    pub request: RequestId,
    /// The release that answered.
    pub release: ReleaseId,
    /// The arm whose pool answered.
    pub arm: Arm,
    /// Why the request was sent.
    pub role: Role,
    /// The evidence epoch it was admitted in; evidence of another epoch is never mixed in.
    pub epoch: u64,
    /// The candidate's share of clients when it was admitted.
    pub share: Share,
    /// How the answer ended.
    pub outcome: Outcome,
    /// When what was seen.
    pub clocks: Clocks,
    /// Whether it was streamed; first-token times exist only then.
    pub streamed: bool,
    /// Output tokens from the engine's own usage report; `None` when it sent none.
    pub output_tokens: Option<u32>,
    /// Length of the request's body in bytes, as the client sent it.
    pub request_bytes: u32,
    /// Prompt tokens from the engine's own usage report.
    pub prompt_tokens: Option<u32>,
    /// Those of them that came from the prefix cache; `None` when the engine does not tell.
    pub cached_tokens: Option<u32>,
    /// What was answered.
    pub answer: Said,
    /// Digest of the question; `None` where the answer is compared with nothing.
    pub prompt: Option<PromptDigest>,
    /// Whether the text repeats itself without end, or is not what the request asked for.
    pub degenerate: bool,
    /// Requests this process had in flight to the same endpoint when this one was sent, itself included.
    pub in_flight: u32,
    /// How late timers of this process ran when the request was placed, in ms.
    pub timers_late_ms: f64,
    /// Hash of the sticky key that placed the request.
    pub sticky: u64,
    /// Digest of the credentials that the request came with: whose it is.
    pub tenant: u64,
    /// Scores of live graders on the text, by metric name, in [0, 1].
    pub scores: Vec<(MetricName, f64)>,
}

/// What became of the copies of one mirrored request.
#[derive(Clone, Debug, PartialEq)]
pub struct Copies {
    /// The other arm's answer; `None` when the copy was sent and its answer was lost.
    pub candidate: Option<Observation>,
    /// The same arm's second answer; `None` when no null copy was sent or its answer was lost.
    pub null: Option<Observation>,
}

/// One finished client request with whatever was learned beside it: what the proxy hands over.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The answer the client got.
    pub serving: Observation,
    /// What became of its copies.
    pub copied: Copied,
}

/// Whether a request was copied.
#[derive(Clone, Debug, PartialEq)]
pub enum Copied {
    /// It was not selected.
    No,
    /// It was selected and not copied: no pair, and no arrival either, since who is selected makes none.
    Dropped(Dropped),
    /// It was selected, and a copy was sent.
    Sent(Box<Copies>),
}

/// Why a selected request was not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// There was no room for another copy: chance, as long as it does not depend on what was asked.
    Room,
    /// By rule: its body is longer than a copy may be, or nobody lives in the other slot.
    Rule,
}

impl Copied {
    /// The copies that were sent.
    #[must_use]
    pub fn sent(&self) -> Option<&Copies> {
        match self {
            Self::Sent(copies) => Some(copies),
            Self::No | Self::Dropped(_) => None,
        }
    }
}
