//! How long one request takes, from its seed and from its neighbours.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::Timing;

/// The times of one request.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    timing: Timing,
    /// Noise of this request, scripted slowness and speed in one.
    factor: f64,
    rng: ChaCha8Rng,
}

/// No wait is longer, whatever the settings multiply to: a number must not become a hang by mistake.
const WAIT_MAX: Duration = Duration::from_secs(3600);

impl Pace {
    pub(super) fn new(timing: Timing, slow_factor: f64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let noise = lognormal(timing.noise, &mut rng);
        Self { timing, factor: noise * slow_factor / timing.speed.max(f64::MIN_POSITIVE), rng }
    }

    /// Until the first token, for so many prompt tokens outside the cache.
    pub(super) fn prefill(&self, uncached_tokens: usize) -> Duration {
        self.scaled(self.timing.prefill_ms + self.timing.prefill_ms_per_token * as_f64(uncached_tokens))
    }

    /// Until the next chunk of so many tokens, with so many requests in flight, this one included.
    pub(super) fn gap(&mut self, tokens: usize, in_flight: usize) -> Duration {
        let neighbours = as_f64(in_flight.saturating_sub(1));
        let gap_ms = self.timing.gap_ms + self.timing.gap_ms_per_neighbour * neighbours;
        if gap_ms <= 0.0 {
            return Duration::ZERO;
        }
        let jitter = lognormal(self.timing.noise / 2.0, &mut self.rng);
        self.scaled(gap_ms * jitter * as_f64(tokens))
    }

    fn scaled(&self, ms: f64) -> Duration {
        Duration::try_from_secs_f64(ms * self.factor / 1_000.0).unwrap_or(WAIT_MAX).min(WAIT_MAX)
    }
}

fn lognormal(sigma: f64, rng: &mut ChaCha8Rng) -> f64 {
    if sigma <= 0.0 {
        return 1.0;
    }
    let normal: f64 = StandardNormal.sample(rng);
    (sigma * normal).exp()
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Timing = Timing {
        prefill_ms: 20.0,
        prefill_ms_per_token: 0.5,
        gap_ms: 10.0,
        gap_ms_per_neighbour: 1.0,
        noise: 0.0,
        cold_requests: 0,
        speed: 1.0,
        tokens_per_chunk: 1,
    };

    #[test]
    fn prefill_grows_with_the_prompt_and_gaps_with_the_neighbours() {
        let mut pace = Pace::new(PLAIN, 1.0, 1);
        assert_eq!(pace.prefill(100), Duration::from_millis(70));
        assert_eq!(pace.gap(1, 1), Duration::from_millis(10));
        assert_eq!(pace.gap(1, 11), Duration::from_millis(20));
        assert_eq!(pace.gap(4, 1), Duration::from_millis(40));
    }

    #[test]
    fn slowness_multiplies_and_speed_divides() {
        let mut pace = Pace::new(Timing { speed: 5.0, ..PLAIN }, 10.0, 1);
        assert_eq!((pace.prefill(0), pace.gap(1, 1)), (Duration::from_millis(40), Duration::from_millis(20)));
        let mut none = Pace::new(Timing::instant(), 10.0, 1);
        assert_eq!((none.prefill(9), none.gap(1, 9)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(Pace::new(Timing { speed: 0.0, ..PLAIN }, 1.0, 1).prefill(0), WAIT_MAX);
    }

    #[test]
    fn noise_is_the_seeds_and_has_median_one() {
        let noisy = Timing { noise: 0.3, ..PLAIN };
        let prefill = |seed| Pace::new(noisy, 1.0, seed).prefill(0);
        assert_eq!(prefill(7), prefill(7));
        let above = (0..1_000).filter(|&seed| prefill(seed) > Duration::from_millis(20)).count();
        assert!((440..560).contains(&above), "{above} of 1,000 above the median");
    }
}
