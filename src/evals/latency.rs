//! How fast an arm was: HDR histograms for people, one value a case for the judge.

use hdrhistogram::Histogram;

use super::run::Sample;
use crate::wire::Answer;

/// An hour: what lasts longer is counted as that.
const MICROS_MAX: u64 = 3_600_000_000;
/// Three significant digits: every quantile is within 0.1 %.
const DIGITS: u8 = 3;

/// What is timed of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Time to first token, in ms.
    Ttft,
    /// Time per output token after the first, in ms.
    Tpot,
    /// End to end, in ms.
    E2e,
    /// End-to-end time per output token, in ms: the inverse of tokens per second, so that lower is better.
    TokenMs,
}

impl Timing {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::Ttft, Self::Tpot, Self::E2e, Self::TokenMs];

    /// The name of its metric; the unit is in it.
    #[must_use]
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Ttft => "ttft_ms",
            Self::Tpot => "tpot_ms",
            Self::E2e => "e2e_ms",
            Self::TokenMs => "token_ms",
        }
    }

    /// Its value for one whole answer, in ms from the moment the request was *due*: a client that was late to send
    /// must not make an engine look fast (coordinated omission). `None` when the answer has no such time, and always for one
    /// that failed: a failure is not a fast answer.
    #[must_use]
    pub fn of(self, answer: &Answer) -> Option<f64> {
        if !answer.outcome.is_complete() {
            return None;
        }
        let (clocks, tokens) = (&answer.clocks, answer.usage.map(|usage| usage.completion_tokens));
        let end_ms = (clocks.end_ms > 0.0).then_some(clocks.end_ms);
        let value = match self {
            Self::Ttft => clocks.first_token_ms,
            Self::Tpot => tokens.and_then(|tokens| clocks.tpot_ms(tokens)),
            Self::E2e => end_ms,
            Self::TokenMs => end_ms.zip(tokens.filter(|n| *n > 0)).map(|(ms, tokens)| ms / f64::from(tokens)),
        };
        value.filter(|ms| *ms > 0.0 && ms.is_finite())
    }
}

/// The times of one answer in ms, whole microseconds, in the order of [`Timing::ALL`]; `None` as in [`Timing::of`].
pub type Times = [Option<f64>; 4];

/// The times of `answer`. What a clock says below a microsecond is noise; without it, a time that was written down and read
/// again is the same.
pub(super) fn times(answer: &Answer) -> Times {
    Timing::ALL.map(|timing| timing.of(answer).map(whole_micros))
}

pub(super) fn whole_micros(ms: f64) -> f64 {
    ((ms * 1_000.0).round() / 1_000.0).max(0.001)
}

/// The histogram of one timing, in µs.
#[derive(Clone, Debug)]
pub struct TimingHistogram {
    /// What was timed.
    pub timing: Timing,
    /// Microseconds; empty when nothing was timed.
    pub micros: Histogram<u64>,
}

impl TimingHistogram {
    /// The value in ms that a share `quantile` of the answers stay below; `None` when nothing was timed.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "at most an hour of µs, far below 2^53")]
        let micros = self.micros.value_at_quantile(quantile) as f64;
        (!self.micros.is_empty()).then_some(micros / 1_000.0)
    }
}

/// The histograms of one arm. Empty only if the histogram crate refused its constants, which a test rules out.
pub(super) fn histograms<'s>(samples: impl Iterator<Item = &'s Sample> + Clone) -> Vec<TimingHistogram> {
    let histogram = |(at, timing): (usize, Timing)| {
        let mut micros = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS).ok()?;
        for ms in samples.clone().filter_map(|sample| sample.times[at]) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates at both ends"
            )]
            micros.saturating_record((ms * 1_000.0).round() as u64);
        }
        Some(TimingHistogram { timing, micros })
    };
    Timing::ALL.into_iter().enumerate().filter_map(histogram).collect()
}
