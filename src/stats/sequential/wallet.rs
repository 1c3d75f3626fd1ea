//! One e-process: sixteen bets that started with equal stakes.

use super::bets::{BetGrid, Side, Stakes};
use super::wealth::{Wealth, log_mean};
use crate::stats::error::{StatsError, within};

/// An e-process for the mean of paired harm differences, valid at every look.
///
/// *Promise.* Under H0, P(ever E ≥ 1/α) ≤ α, whatever the stopping rule and however often one looks.
///
/// *Assumes* differences d in [−1, 1] (candidate − baseline, positive is worse), each with conditional
/// mean given the past at most m ([`Side::Abort`]) or at least m ([`Side::Promote`]); any other
/// dependence on the past is allowed.
///
/// *Symbols.* E = (1/16) Σₖ Πᵢ factorₖᵢ with factors 1 + cₖ (d − m)/(1 + m) for abort and
/// 1 + cₖ (m − d)/(1 − m) for promote; logarithms are natural.
///
/// *Merging* is exact: log-wealths are integers (see `UNITS_PER_NAT` in `bets`), so merged states equal
/// the state of the union bit for bit, in any order.
///
/// Source: Ville (1939); Waudby-Smith & Ramdas (2024), JRSS-B 86:1, eq. (26) with constant bets.
#[derive(Clone, Debug, PartialEq)]
pub struct Wallet {
    stakes: Stakes,
    wealth: Wealth,
}

impl Wallet {
    /// An empty wallet, E = 1, against the null mean `m`.
    ///
    /// # Errors
    /// When `m` is not strictly between −1 and 1.
    pub fn new(grid: BetGrid, side: Side, m: f64) -> Result<Self, StatsError> {
        Ok(Self { stakes: Stakes::new(grid, side, m)?, wealth: Wealth::default() })
    }

    /// Bets on one pair's difference.
    ///
    /// # Errors
    /// When `d` is not in [−1, 1]; the wallet is unchanged.
    pub fn update(&mut self, d: f64) -> Result<(), StatsError> {
        self.wealth.add_pair(&self.stakes, difference(d)?);
        Ok(())
    }

    /// Bets on one sticky key's ramp score `z`, with `bound` the L (abort) or U (promote) of
    /// [`super::RampScore::bound`]: factor 1 + cₖ (z − m)/(L + m), or 1 + cₖ (m − z)/(U − m).
    ///
    /// # Errors
    /// When `z` lies beyond `bound` on the losing side, or either is not finite; the wallet is unchanged.
    pub fn update_ramp(&mut self, z: f64, bound: f64) -> Result<(), StatsError> {
        self.wealth.add(&self.stakes.of_ramp(z, bound)?);
        Ok(())
    }

    /// ln E now; 0 without evidence.
    #[must_use]
    pub fn log_e(&self) -> f64 {
        log_mean(&self.wealth.nats(&self.stakes))
    }

    /// Pairs and keys bet on.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.wealth.pairs()
    }

    /// The null mean m.
    #[must_use]
    pub fn null_mean(&self) -> f64 {
        self.stakes.m()
    }

    /// Adds the bets of a wallet that saw other pairs.
    ///
    /// # Errors
    /// When the two bet differently; the wallet is unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.stakes != other.stakes {
            return Err(StatsError::Mismatch);
        }
        self.wealth.merge(&other.wealth)
    }
}

/// `d`, if it is a harm difference.
pub(super) fn difference(d: f64) -> Result<f64, StatsError> {
    within("difference", d, -1.0..=1.0, "between -1 and 1")
}
