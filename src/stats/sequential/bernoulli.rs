//! Sequential tests and intervals for the rate of an event: answers that are lost, audits that find something wrong.

use super::bets::Side;
use crate::stats::Interval;
use crate::stats::error::{StatsError, finite, open_unit};
use crate::stats::root::bracket;
use crate::stats::special::{ln_beta, ln_beta_reg};

/// Largest concentration: beyond it the mixture is a point mass to double precision.
const LARGEST_CONCENTRATION: f64 = 1e12;

/// An e-process for the rate of an event against a fixed limit, such as "at most 2 % of the answers are lost".
///
/// *Promise.* Under H0, P(ever E ≥ 1/α) ≤ α, at any look. H0 is "the rate is at most the limit"
/// ([`Side::Abort`]) or "at least" ([`Side::Promote`]).
///
/// *Assumes* 0/1 events, each with conditional probability given the past on H0's side of the limit; any
/// other dependence is allowed.
///
/// *Symbols.* E = ∫ (p/p₀)ˣ ((1−p)/(1−p₀))ⁿ⁻ˣ dπ(p), x events in n trials, p₀ the limit, and π the
/// Beta(c p₀, c (1 − p₀)) of concentration c cut to the rates beyond the limit. The state is (x, n), so
/// merging is exact.
///
/// Source: Robbins (1970), Ann. Math. Stat. 41:1397; Howard et al. (2021), Ann. Stat. 49:1055, prop. 7
/// (one-sided beta-binomial mixture).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BernoulliLimit {
    side: Side,
    limit: f64,
    concentration: f64,
    events: u64,
    trials: u64,
}

impl BernoulliLimit {
    /// An empty test, E = 1. `concentration` as from [`concentration_for`].
    ///
    /// # Errors
    /// When `limit` is not strictly between 0 and 1, or `concentration` not positive.
    pub fn new(side: Side, limit: f64, concentration: f64) -> Result<Self, StatsError> {
        open_unit("limit", limit)?;
        check_concentration(concentration)?;
        Ok(Self { side, limit, concentration, events: 0, trials: 0 })
    }

    /// Adds `events` among `trials` further trials.
    ///
    /// # Errors
    /// When there are more events than trials, or counts overflow; nothing is changed.
    pub fn add(&mut self, events: u64, trials: u64) -> Result<(), StatsError> {
        check_counts(events, trials)?;
        let trials = self.trials.checked_add(trials).ok_or(StatsError::Overflow { name: "trials" })?;
        self.events += events; // no more than trials, so it fits
        self.trials = trials;
        Ok(())
    }

    /// Adds what another state of the same test saw.
    ///
    /// # Errors
    /// When the two test different limits, or counts overflow; nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        let empty = |state: &Self| Self { events: 0, trials: 0, ..*state };
        if empty(self) != empty(other) {
            return Err(StatsError::Mismatch);
        }
        self.add(other.events, other.trials)
    }

    /// ln E now; 0 without trials.
    #[must_use]
    pub fn log_e(&self) -> f64 {
        let (x, n) = (self.events as f64, self.trials as f64);
        one_sided_log_mixture(self.side, x, n, self.limit, self.concentration)
    }

    /// Events seen.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Trials seen.
    #[must_use]
    pub const fn trials(&self) -> u64 {
        self.trials
    }
}

/// The concentration c of the beta mixture that makes its bound tightest near `trials` trials at error
/// rate `alpha`: c = n/(2 ln(1/α) + ln(1 + 2 ln(1/α))) − 1. For a one-sided test pass 2 α.
///
/// # Errors
/// When `trials` is not positive, `alpha` is not in (0, 1), or so few trials leave no positive c.
///
/// Source: Howard et al. (2021), Ann. Stat. 49:1055, §3.5, and its authors' `confseq`.
pub fn concentration_for(trials: f64, alpha: f64) -> Result<f64, StatsError> {
    finite("trials", trials)?;
    let spend = 2.0 * (1.0 / open_unit("alpha", alpha)?).ln();
    check_concentration(trials / (spend + spend.ln_1p()) - 1.0)
}

/// An interval for an event rate that holds at all times at once.
///
/// *Promise.* P(at any look the interval misses the rate) ≤ 1 − `level`.
///
/// *Assumes* 0/1 events with one conditional probability given the past. `concentration` fixed in
/// advance, as from [`concentration_for`]. [0, 1] without trials.
///
/// # Errors
/// When there are more events than trials, `level` is not in (0, 1), or `concentration` not positive.
///
/// Source: inversion of the two-sided beta-binomial mixture, Howard et al. (2021), Ann. Stat. 49:1055,
/// prop. 7; equals `bernoulli_confidence_interval` of `confseq`.
pub fn event_rate_sequence(
    events: u64,
    trials: u64,
    concentration: f64,
    level: f64,
) -> Result<Interval, StatsError> {
    check_counts(events, trials)?;
    check_concentration(concentration)?;
    let threshold = -(1.0 - open_unit("level", level)?).ln();
    let (x, n) = (events as f64, trials as f64);
    let excess = |p: f64| log_mixture(x, n, p, concentration) - threshold;
    let rate = (x / n).clamp(1e-300, 1.0 - 1e-16);
    // Without events no rate is too low, with nothing but events none too high.
    let end = |from: f64, default: f64| {
        let refuted = (x != n * default).then(|| bracket(excess, from, rate, 1e-13)).flatten();
        refuted.map_or(default, |(refuted, _)| refuted)
    };
    Ok(Interval { lower: end(1e-300, 0.0), upper: end(1.0 - 1e-16, 1.0), level })
}

/// ln of the beta-binomial Bayes factor against rate `p`: x events in n trials, Beta(c p, c (1 − p)).
pub(in crate::stats) fn log_mixture(x: f64, n: f64, p: f64, c: f64) -> f64 {
    let (a, b) = (c * p, c * (1.0 - p));
    let null = x * p.ln() + (n - x) * (-p).ln_1p();
    ln_beta(a + x, b + (n - x)) - ln_beta(a, b) - null
}

/// As [`log_mixture`], with the beta cut to the rates above (abort) or below (promote) `p`.
pub(in crate::stats) fn one_sided_log_mixture(side: Side, x: f64, n: f64, p: f64, c: f64) -> f64 {
    let (a, b) = (c * p, c * (1.0 - p));
    let (prior, posterior) = (ln_beta_reg(a, b, p), ln_beta_reg(a + x, b + (n - x), p));
    let kept = match side {
        Side::Abort => posterior.1 - prior.1,
        Side::Promote => posterior.0 - prior.0,
    };
    log_mixture(x, n, p, c) + kept
}

fn check_counts(events: u64, trials: u64) -> Result<(), StatsError> {
    let rule = "at most the number of trials";
    if events > trials {
        return Err(StatsError::OutOfRange { name: "events", rule, value: events as f64 });
    }
    Ok(())
}

fn check_concentration(value: f64) -> Result<f64, StatsError> {
    finite("concentration", value)?;
    if value > 0.0 && value <= LARGEST_CONCENTRATION {
        return Ok(value);
    }
    Err(StatsError::OutOfRange { name: "concentration", rule: "positive and at most 10¹²", value })
}

#[cfg(test)]
mod tests;
