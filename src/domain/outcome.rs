//! How an answer ended, as its reader saw it. HTTP 200 and `[DONE]` prove nothing by themselves.

use std::fmt;

/// Why a complete answer stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// The model ended its answer.
    Stop,
    /// The model asked for tools.
    ToolCalls,
    /// The token limit was reached.
    Length,
}

impl Finish {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Stop, Self::ToolCalls, Self::Length];

    /// The word of the OpenAI API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::ToolCalls => "tool_calls",
            Self::Length => "length",
        }
    }
}

/// What a truncated answer lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Missing {
    /// No `finish_reason` came.
    Finish,
    /// A finish came, but not the terminator (`[DONE]`, last chunk, full length).
    Terminator,
}

/// How one answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Finish and terminator were both seen.
    Complete(Finish),
    /// The engine gave up on the request (`finish_reason: abort`).
    Aborted,
    /// An HTTP error status, or an error object inside a 200; connection failures carry 502.
    Errored(u16),
    /// The bytes ended early.
    Truncated(Missing),
    /// Nothing came for longer than the idle timeout.
    Stalled,
    /// The client left first: censored, evidence of nothing.
    ClientGone,
}

impl Outcome {
    /// Whether the request failed: what the `error` metric counts.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Errored(_))
    }

    /// Whether an answer began and broke: part of what the `broken` metric counts.
    #[must_use]
    pub const fn is_broken(self) -> bool {
        matches!(self, Self::Aborted | Self::Truncated(_) | Self::Stalled)
    }

    /// Whether the client's leaving hides how the answer would have ended.
    #[must_use]
    pub const fn is_censored(self) -> bool {
        matches!(self, Self::ClientGone)
    }

    /// Whether a whole answer was delivered.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Complete(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete(finish) => write!(f, "complete({})", finish.as_str()),
            Self::Aborted => f.write_str("aborted"),
            Self::Errored(code) => write!(f, "errored({code})"),
            Self::Truncated(Missing::Finish) => f.write_str("truncated(no finish)"),
            Self::Truncated(Missing::Terminator) => f.write_str("truncated(no terminator)"),
            Self::Stalled => f.write_str("stalled"),
            Self::ClientGone => f.write_str("client_gone"),
        }
    }
}
