//! When requests are due: one after the other as answers come (closed loop), or at moments fixed beforehand (open loop).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

use super::trace::Trace;

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// As independent users come: distances are exponential.
    Poisson,
}

/// An open loop: requests are due whether or not earlier ones were answered. Latencies count from the moment a request
/// was due, so that a stall is felt by everyone who would have come during it (coordinated omission).
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Made up.
    Rate {
        /// Requests a second, all arms together; positive.
        per_s: f64,
        /// How they are spread.
        arrivals: Arrivals,
    },
    /// As they came once.
    Trace(Trace),
}

impl Pace {
    /// When each of `count` requests is due, in ms from the start, ascending.
    pub(super) fn due_ms(&self, count: usize, seed: u64) -> Vec<f64> {
        let (per_s, arrivals) = match self {
            Self::Trace(trace) => return trace.due_ms(count),
            Self::Rate { per_s, arrivals } => (*per_s, *arrivals),
        };
        let mean_ms = 1_000.0 / per_s;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut gap_ms = || match arrivals {
            Arrivals::Constant => mean_ms,
            Arrivals::Poisson => mean_ms * <Exp1 as Distribution<f64>>::sample(&Exp1, &mut random),
        };
        let mut due_ms = 0.0;
        let mut next = || {
            let at = due_ms;
            due_ms += gap_ms();
            at
        };
        (0..count).map(|_| next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(arrivals: Arrivals, count: usize, seed: u64) -> Vec<f64> {
        Pace::Rate { per_s: 50.0, arrivals }.due_ms(count, seed)
    }

    #[test]
    fn constant_arrivals_are_equally_far_apart() {
        assert_eq!(due(Arrivals::Constant, 4, 1), [0.0, 20.0, 40.0, 60.0]);
    }

    #[test]
    fn poisson_arrivals_keep_their_rate_and_their_seed() {
        let times = due(Arrivals::Poisson, 10_001, 1);
        assert_eq!(times, due(Arrivals::Poisson, 10_001, 1));
        assert_ne!(times[1], due(Arrivals::Poisson, 2, 2)[1]);
        let mean = times[10_000] / 10_000.0;
        assert!((mean - 20.0).abs() < 1.0, "mean gap {mean} ms: five standard errors are 1 ms");
        let short = times.windows(2).filter(|two| two[1] - two[0] < 20.0).count() as f64 / 10_000.0;
        let expected = 1.0 - (-1.0_f64).exp();
        assert!((short - expected).abs() < 0.025, "{short} of the gaps are below the mean, not {expected}");
    }
}
