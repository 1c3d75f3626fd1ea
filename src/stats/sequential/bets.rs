//! The sixteen constant bets, and what each wins or loses on one pair.

use crate::stats::error::{StatsError, finite, within};
use crate::stats::logarithm::ln;
use std::ops::Bound;

/// Bets in a wallet. Thirty-two are no better, and sixteen make two loads of a wide register.
pub(in crate::stats) const BETS: usize = 16;

/// Fixed-point units of one nat: increments are integers, so that sums are exact in any order.
///
/// Cutting to a unit costs at most 2⁻⁵⁶ nats a pair and forming a factor about 10⁻¹⁶, so that a log-wealth
/// is still within 10⁻⁶ after 10⁹ pairs. `i64` holds increments up to 128 nats (the inputs admit 45), and
/// sums are `i128`.
pub(super) const UNITS_PER_NAT: f64 = (1_u64 << 56) as f64;

/// Largest |z| and span of a ramp score: above it the assignment probability is below 10⁻⁹.
const SCORE_MAX: f64 = 1e9;

/// How the sixteen bets c₀ … c₁₅ are spread over (0, 1). Chosen by the metric's kind, before any data.
///
/// Source: a discrete uniform mixture of constant bets, Waudby-Smith & Ramdas (2024, JRSS-B 86:1, §4.4
/// "diversified"), after the universal portfolio of Cover (1991, Math. Finance 1:1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BetGrid {
    /// cₖ = (k + ½)/16: for pairs that rarely disagree.
    Uniform,
    /// cₖ = ((k + ½)/16)²: more small bets, for pairs that often disagree.
    Quadratic,
}

impl BetGrid {
    /// The bets, ascending, each in (0, 1).
    #[must_use]
    pub fn bets(self) -> [f64; BETS] {
        std::array::from_fn(|k| {
            let c = (k as f64 + 0.5) / BETS as f64;
            match self {
                Self::Uniform => c,
                Self::Quadratic => c * c,
            }
        })
    }
}

/// What a wallet bets against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Against "the mean is at most m": wealth grows when the candidate is worse.
    Abort,
    /// Against "the mean is at least m": wealth grows when the candidate is not worse by m.
    Promote,
}

impl Side {
    /// +1 or −1. A promote wallet at m on d is an abort wallet at −m on −d, bit for bit.
    pub(in crate::stats) const fn sign(self) -> f64 {
        match self {
            Self::Abort => 1.0,
            Self::Promote => -1.0,
        }
    }
}

/// Natural logarithms of the sixteen factors of one pair, in fixed-point units.
pub(super) type Increments = [i64; BETS];

/// A null hypothesis with the bets against it, and the increments of the commonest differences.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stakes {
    grid: BetGrid,
    side: Side,
    /// sign · m: the null mean as the abort side would see it.
    null: f64,
    bets: [f64; BETS],
    /// Increments of d = −1, 0, +1 in nats: event metrics know no others.
    common_nats: [[f64; BETS]; 3],
}

impl Stakes {
    /// Assumes m in (−1, 1).
    pub(super) fn new(grid: BetGrid, side: Side, m: f64) -> Result<Self, StatsError> {
        let open = (Bound::Excluded(-1.0), Bound::Excluded(1.0));
        let null = side.sign() * within("null mean", m, open, "strictly between -1 and 1")?;
        let mut stakes = Self { grid, side, null, bets: grid.bets(), common_nats: [[0.0; BETS]; 3] };
        let in_nats = |units: i64| units as f64 / UNITS_PER_NAT;
        stakes.common_nats = [-1.0, 0.0, 1.0].map(|d| stakes.of_pair(d).map(in_nats));
        Ok(stakes)
    }

    /// The null mean m.
    pub(super) fn m(&self) -> f64 {
        self.side.sign() * self.null
    }

    /// The increments of d = −1, 0, +1, in nats.
    pub(super) const fn common_nats(&self) -> &[[f64; BETS]; 3] {
        &self.common_nats
    }

    /// The increments of a difference d in [−1, 1].
    pub(super) fn of_pair(&self, d: f64) -> Increments {
        self.increments(self.side.sign() * d, 1.0)
    }

    /// The increments of a ramp score; see [`super::RampScore`] for z and its bound.
    pub(super) fn of_ramp(&self, z: f64, bound: f64) -> Result<Increments, StatsError> {
        let score = self.side.sign() * within("ramp score", z, -SCORE_MAX..=SCORE_MAX, "within ±10⁹")?;
        finite("ramp bound", bound)?;
        // A bound computed by other roundings may lie a few ulps inside; a bet stays below 1 all the same.
        let slack = 1e-9 * bound.abs();
        if bound > SCORE_MAX || bound + self.null < 1e-9 || score < -bound - slack {
            let rule = "at least as large as the score can fall, above the null mean, and at most 10⁹";
            return Err(StatsError::OutOfRange { name: "ramp bound", rule, value: bound });
        }
        Ok(self.increments(score.max(-bound), bound))
    }

    /// ln(1 + cₖ (score − null)/(bound + null)) for every bet. With score ≥ −bound no factor is below
    /// 1 − cₖ > 0. `ln` of the sum is off by 10⁻¹⁶ where `ln_1p` would be exact: far below any use.
    fn increments(&self, score: f64, bound: f64) -> Increments {
        let gain = (score - self.null) / (bound + self.null);
        self.bets.map(|c| ln(1.0 + c * gain)).map(to_units)
    }
}

/// Nats to fixed-point units, cut towards zero: at most 45 nats, where 128 fit.
#[expect(clippy::cast_possible_truncation, reason = "meant")]
fn to_units(nats: f64) -> i64 {
    (nats * UNITS_PER_NAT) as i64
}
