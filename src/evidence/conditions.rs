//! What a pair was measured under besides the candidate: load, prompts in the cache, how late timers ran, and the kind of
//! request.
//!
//! A latency may speak only as far as these allow, and that is decided without its outcome, so that each side's
//! e-process stays one.

use super::load::{Comparable, LoadRange, Loads};
use super::strata::{Kinds, STREAMED, Stratum};
use super::{EvidenceError, Halves};
use crate::domain::{Arm, MetricKind};

/// A pseudo-metric in pairs: requests in flight at each arm's endpoint when the halves were sent. It is
/// the load that latencies are compared at, and never judged itself.
pub const IN_FLIGHT: &str = "in_flight";

/// A pseudo-metric in pairs: prompt tokens that each arm's engine had to read, because its prefix cache did not hold
/// them. A mirrored candidate gets single requests of long conversations and is cold where the baseline is warm.
pub const UNCACHED_TOKENS: &str = "uncached_tokens";

/// A pseudo-metric in records: how late timers of the proxy's process ran when the request was placed, in ms.
pub const TIMERS_LATE_MS: &str = "timers_late_ms";

/// From here on a clock reading says how busy this machine was, and not how fast an engine.
const TIMERS_LATE_MS_MAX: f64 = 5.0;

/// A condition that records carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    InFlight,
    UncachedTokens,
    TimersLate,
    Streamed,
}

impl Condition {
    /// The condition that is recorded under `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            IN_FLIGHT => Some(Self::InFlight),
            UNCACHED_TOKENS => Some(Self::UncachedTokens),
            TIMERS_LATE_MS => Some(Self::TimersLate),
            STREAMED => Some(Self::Streamed),
            _ => None,
        }
    }
}

/// Whether records carry `name` beside the metrics, as a condition that these were measured under.
#[must_use]
pub fn is_condition(name: &str) -> bool {
    Condition::named(name).is_some()
}

/// What one latency's time contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contains {
    /// No time: nothing here limits it.
    Nothing,
    /// The decoding of tokens alone.
    Decoding,
    /// The reading of the prompt as well.
    Prefill,
}

impl Contains {
    /// A time per token begins with the first one; every other latency begins with the prompt.
    pub(super) fn of(kind: MetricKind, name: &str) -> Self {
        match (kind, name) {
            (MetricKind::Latency, "tpot_ms") => Self::Decoding,
            (MetricKind::Latency, _) => Self::Prefill,
            _ => Self::Nothing,
        }
    }
}

/// What the latencies of one record may speak for, and the kind of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conditions {
    loads: Comparable,
    prompts: Comparable,
    /// Whether the clock can be believed.
    clock: Comparable,
    kinds: Kinds,
}

impl Conditions {
    /// Nothing is known that would limit them.
    pub(super) const ALIKE: Self = Self {
        loads: Comparable::BOTH,
        prompts: Comparable::BOTH,
        clock: Comparable::BOTH,
        kinds: [None; 2],
    };

    /// At these requests in flight, baseline first.
    pub(super) fn at_loads([baseline, candidate]: [Option<f64>; 2]) -> Self {
        Self { loads: Comparable::at_loads(baseline, candidate), ..Self::ALIKE }
    }

    /// Takes one condition of the record in.
    pub(super) fn take(&mut self, condition: Condition, halves: Halves) {
        let Halves { baseline, candidate } = halves;
        match condition {
            Condition::InFlight => self.loads = self.loads.and(Comparable::at_loads(baseline, candidate)),
            Condition::UncachedTokens => {
                self.prompts = self.prompts.and(Comparable::at_prompts(baseline, candidate));
            }
            Condition::TimersLate if is_late(halves) => self.clock = Comparable::NEITHER,
            Condition::TimersLate => {}
            Condition::Streamed => self.kinds[0] = baseline.or(candidate).map(Stratum::of_stream),
        }
    }

    /// Takes the length of the request in, in bytes.
    pub(super) fn take_length(&mut self, halves: Halves) {
        self.kinds[1] = halves.baseline.map(Stratum::of_bytes);
    }

    /// The kind of the request, as far as it is known.
    pub(super) const fn kinds(self) -> Kinds {
        self.kinds
    }

    /// What a latency may speak for that contains this.
    pub(super) const fn for_time(self, contains: Contains) -> Comparable {
        match contains {
            Contains::Nothing => Comparable::BOTH,
            Contains::Decoding => self.clock.and(self.loads),
            Contains::Prefill => self.clock.and(self.loads).and(self.prompts),
        }
    }

    /// What a time may speak for that is compared with a limit and with no other arm.
    pub(super) const fn for_limit(self) -> Comparable {
        self.clock
    }
}

fn is_late(halves: Halves) -> bool {
    [halves.baseline, halves.candidate].into_iter().flatten().any(|late_ms| late_ms > TIMERS_LATE_MS_MAX)
}

/// The conditions of all pairs together: what a verdict shows of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Circumstances {
    in_flight: Loads,
    uncached_tokens: Loads,
    late: u64,
}

impl Circumstances {
    pub(super) fn new() -> Result<Self, EvidenceError> {
        let loads = || Loads::new().map_err(|error| EvidenceError::Histogram(error.to_string()));
        Ok(Self { in_flight: loads()?, uncached_tokens: loads()?, late: 0 })
    }

    pub(super) fn record(&mut self, condition: Condition, halves: Halves) {
        let seen = match condition {
            Condition::InFlight => &mut self.in_flight,
            Condition::UncachedTokens => &mut self.uncached_tokens,
            Condition::TimersLate => {
                self.late += u64::from(is_late(halves));
                return;
            }
            Condition::Streamed => return,
        };
        for (arm, value) in [(Arm::Baseline, halves.baseline), (Arm::Candidate, halves.candidate)] {
            value.into_iter().for_each(|value| seen.record(arm, value));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.in_flight.merge(&other.in_flight);
        self.uncached_tokens.merge(&other.uncached_tokens);
        self.late += other.late;
    }

    pub(super) fn in_flight(&self, arm: Arm) -> Option<LoadRange> {
        self.in_flight.range(arm)
    }

    pub(super) fn uncached_tokens(&self, arm: Arm) -> Option<LoadRange> {
        self.uncached_tokens.range(arm)
    }

    pub(super) const fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(taken: &[(&str, f64, f64)], prefill: (bool, bool), decoding: (bool, bool)) {
        let mut conditions = Conditions::ALIKE;
        for (name, baseline, candidate) in taken {
            let halves = Halves { baseline: Some(*baseline), candidate: Some(*candidate) };
            conditions.take(Condition::named(name).unwrap(), halves);
        }
        let may = |contains| {
            let Comparable { promote, abort } = conditions.for_time(contains);
            (promote, abort)
        };
        assert_eq!(may(Contains::Prefill), prefill, "{taken:?}");
        assert_eq!(may(Contains::Decoding), decoding, "{taken:?}");
        assert_eq!(may(Contains::Nothing), (true, true), "{taken:?}");
        let late = taken.iter().any(|(name, late_ms, _)| *name == TIMERS_LATE_MS && *late_ms > 5.0);
        assert_eq!(conditions.for_limit().abort, !late, "{taken:?}");
    }

    #[test]
    fn a_cold_prefix_cache_is_no_slower_release() {
        check(&[(UNCACHED_TOKENS, 100.0, 4_000.0)], (true, false), (true, true));
        check(&[(UNCACHED_TOKENS, 4_000.0, 100.0)], (false, true), (true, true));
        check(&[(UNCACHED_TOKENS, 500.0, 520.0)], (true, true), (true, true));
        check(&[(UNCACHED_TOKENS, 100.0, 4_000.0), (IN_FLIGHT, 40.0, 1.0)], (false, false), (false, true));
    }

    #[test]
    fn late_timers_void_every_time_and_nothing_else() {
        check(&[(TIMERS_LATE_MS, 1.1, 1.1)], (true, true), (true, true));
        check(&[(TIMERS_LATE_MS, 30.0, 30.0), (IN_FLIGHT, 3.0, 3.0)], (false, false), (false, false));
        check(&[(IN_FLIGHT, 3.0, 3.0), (TIMERS_LATE_MS, 30.0, 30.0)], (false, false), (false, false));
    }
}
