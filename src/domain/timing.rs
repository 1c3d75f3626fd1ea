//! Times as plain data: nothing here reads a clock.

use std::fmt;
use std::time::Duration;

/// A moment in milliseconds since the Unix epoch.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// A moment from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero when a clock went backwards.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The moment `after` later.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// What was seen of one request, in milliseconds since it was intended to start. `None`: never came.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clocks {
    /// The request was on its way to the engine.
    pub sent_ms: f64,
    /// The response head arrived.
    pub headers_ms: Option<f64>,
    /// The first body byte arrived.
    pub first_byte_ms: Option<f64>,
    /// The first whole event arrived; a role-only chunk counts here and only here.
    pub first_event_ms: Option<f64>,
    /// The first non-empty content, reasoning or tool delta arrived.
    pub first_token_ms: Option<f64>,
    /// The last such delta arrived.
    pub last_token_ms: Option<f64>,
    /// The answer ended, in whatever way.
    pub end_ms: f64,
}

impl Clocks {
    /// Time to first token, from the moment the request was sent.
    #[must_use]
    pub fn ttft_ms(&self) -> Option<f64> {
        self.first_token_ms.map(|first| first - self.sent_ms)
    }

    /// Time per output token after the first: `(last − first) / (tokens − 1)`, tokens from usage.
    /// `None` below two tokens: chunks are never called tokens.
    #[must_use]
    pub fn tpot_ms(&self, tokens: u32) -> Option<f64> {
        let (first, last) = (self.first_token_ms?, self.last_token_ms?);
        (tokens >= 2).then(|| (last - first) / f64::from(tokens - 1))
    }

    /// End to end, from the moment the request was sent.
    #[must_use]
    pub fn e2e_ms(&self) -> f64 {
        self.end_ms - self.sent_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_never_tokens_and_the_first_token_is_no_gap() {
        let clocks = Clocks {
            sent_ms: 10.0,
            first_token_ms: Some(210.0),
            last_token_ms: Some(710.0),
            end_ms: 712.0,
            ..Clocks::default()
        };
        // The same bytes in 3 or in 43 chunks: 51 tokens by the engine's own count, 50 gaps, 500 ms.
        assert_eq!(clocks.tpot_ms(51), Some(10.0));
        assert_eq!(clocks.tpot_ms(1), None);
        assert_eq!((clocks.ttft_ms(), clocks.e2e_ms()), (Some(200.0), 702.0));
    }
}
