//! The ramp's unit of evidence: one sticky key on one side of a split with known probability.

use super::bets::Side;
use crate::stats::error::{StatsError, open_unit, unit};

/// What one sticky key says about the difference when only one arm answered it.
///
/// Z = (A/π − (1 − A)/(1 − π)) (Y − ŷ), whose mean is the mean difference of harms, with A ∈ {0, 1}
/// whether the key was assigned to the candidate, π the probability of that, Y its harm at its first
/// finished request in the stage, and ŷ a guess fixed before the key was seen (a running mean of earlier
/// harms): a better guess means less noise, a bad one never a false promise.
///
/// *Assumes* A independent of everything else about the key, with known π, and one score a key: one per
/// request under sticky assignment is not valid.
///
/// Source: Horvitz & Thompson (1952), centred; the bounds of Z are by enumeration of A and Y ∈ [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampScore {
    /// The score, in units of harm.
    pub z: f64,
    /// How far below zero it could have fallen: L = max((1 − ŷ)/(1 − π), ŷ/π), at least 1.
    pub lowest: f64,
    /// How far above zero it could have risen: U = max((1 − ŷ)/π, ŷ/(1 − π)), at least 1.
    pub highest: f64,
}

impl RampScore {
    /// The score of a key assigned to the candidate: `harm` Y and `guess` ŷ in [0, 1], `share` π in (0, 1).
    ///
    /// # Errors
    /// When an input lies outside its range.
    pub fn candidate(harm: f64, guess: f64, share: f64) -> Result<Self, StatsError> {
        let residual = unit("harm", harm)? - unit("guess", guess)?;
        Self::new(residual / open_unit("share", share)?, guess, share)
    }

    /// The score of a key assigned to the baseline.
    ///
    /// # Errors
    /// When an input lies outside its range.
    pub fn baseline(harm: f64, guess: f64, share: f64) -> Result<Self, StatsError> {
        let residual = unit("harm", harm)? - unit("guess", guess)?;
        Self::new(-residual / (1.0 - open_unit("share", share)?), guess, share)
    }

    /// The bound that the wallet of `side` needs: L for abort, U for promote.
    #[must_use]
    pub const fn bound(&self, side: Side) -> f64 {
        match side {
            Side::Abort => self.lowest,
            Side::Promote => self.highest,
        }
    }

    fn new(z: f64, guess: f64, share: f64) -> Result<Self, StatsError> {
        let lowest = ((1.0 - guess) / (1.0 - share)).max(guess / share);
        let highest = ((1.0 - guess) / share).max(guess / (1.0 - share));
        Ok(Self { z, lowest, highest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{BetGrid, Wallet};

    #[test]
    fn scores_average_to_the_difference_and_stay_in_bounds() {
        for (share, guess) in [(0.25, 0.0), (0.01, 0.3), (0.5, 1.0), (0.75, 0.05)] {
            for harm in [0.0, 0.4, 1.0] {
                let on = RampScore::candidate(harm, guess, share).unwrap();
                let off = RampScore::baseline(harm, guess, share).unwrap();
                assert!((share * on.z + (1.0 - share) * off.z).abs() < 1e-12, "same harm, no difference");
                for score in [on, off] {
                    assert!(score.z >= -score.lowest - 1e-12 && score.z <= score.highest + 1e-12);
                    assert!(score.lowest >= 1.0 - 1e-12 && score.highest >= 1.0 - 1e-12);
                    for side in [Side::Abort, Side::Promote] {
                        let mut wallet = Wallet::new(BetGrid::Uniform, side, 0.01).unwrap();
                        wallet.update_ramp(score.z, score.bound(side)).unwrap();
                        assert!(wallet.log_e().is_finite());
                    }
                }
            }
        }
    }

    #[test]
    fn every_factor_averages_to_one_at_the_null_mean() {
        // E factor = 1 + c (E z − m)/(L + m) must be 1 when the candidate's mean harm is m above the
        // baseline's: one key of each kind, averaged over assignment, is enough to see it.
        let (share, guess, base, m) = (0.25, 0.1, 0.2, 0.05);
        let mean_z = share * RampScore::candidate(base + m, guess, share).unwrap().z
            + (1.0 - share) * RampScore::baseline(base, guess, share).unwrap().z;
        assert!((mean_z - m).abs() < 1e-12);
    }

    #[test]
    fn inputs_outside_their_range_are_refused() {
        for (harm, guess, share) in
            [(f64::NAN, 0.1, 0.5), (1.1, 0.1, 0.5), (0.5, -0.1, 0.5), (0.5, 0.1, 0.0), (0.5, 0.1, 1.0)]
        {
            assert!(RampScore::candidate(harm, guess, share).is_err());
            assert!(RampScore::baseline(harm, guess, share).is_err());
        }
    }
}
