//! Tango's score test and interval for a paired difference of rates.

use crate::stats::Interval;
use crate::stats::error::{StatsError, open_unit, within};
use crate::stats::root::bracket;
use crate::stats::special::{normal_cdf, normal_quantile, normal_sf};

/// Width of the final bracket, in units of the difference.
const TOLERANCE: f64 = 1e-13;

/// The paired difference of failure rates, candidate − baseline, of 0/1 outcomes.
///
/// *Promise.* Intervals cover with about their level, one-sided tests reject a true null about as often
/// as their α: approximate, and close from a few discordant pairs on; with none it still has a width.
///
/// *Assumes* independent pairs.
///
/// *Symbols.* b, c the pairs that failed on the candidate only and on the baseline only, n all pairs,
/// z(D) = (b − c − nD)/√(n(2q + D(1 − D))), q the rate of "c" pairs estimated under difference D.
///
/// Source: Tango (1998), Stat. Med. 17:891, eqs. (10)–(12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tango {
    worse: u64,
    better: u64,
    pairs: u64,
}

impl Tango {
    /// `worse` pairs failed on the candidate only, `better` on the baseline only, of `pairs` in all.
    ///
    /// # Errors
    /// When there is no pair, or more discordant pairs than pairs.
    pub fn new(worse: u64, better: u64, pairs: u64) -> Result<Self, StatsError> {
        if pairs == 0 {
            return Err(StatsError::TooFew { name: "pairs", len: 0, min: 1 });
        }
        let discordant =
            worse.checked_add(better).ok_or(StatsError::Overflow { name: "discordant pairs" })?;
        if discordant > pairs {
            let rule = "at most the number of pairs";
            return Err(StatsError::OutOfRange { name: "discordant pairs", rule, value: discordant as f64 });
        }
        Ok(Self { worse, better, pairs })
    }

    /// The estimate (b − c)/n.
    #[must_use]
    pub fn difference(&self) -> f64 {
        (self.worse as f64 - self.better as f64) / self.pairs as f64
    }

    /// The score z at a hypothetical difference `null`: positive when the data are worse than that.
    ///
    /// # Errors
    /// When `null` is not strictly between −1 and 1.
    pub fn z(&self, null: f64) -> Result<f64, StatsError> {
        let open = (std::ops::Bound::Excluded(-1.0), std::ops::Bound::Excluded(1.0));
        Ok(self.score(within("null difference", null, open, "strictly between -1 and 1")?))
    }

    /// p-value for "the difference is below `margin`", against H0 "at least `margin`".
    ///
    /// # Errors
    /// When `margin` is not strictly between −1 and 1.
    pub fn p_below(&self, margin: f64) -> Result<f64, StatsError> {
        self.z(margin).map(normal_cdf)
    }

    /// p-value for "the difference is above `margin`", against H0 "at most `margin`".
    ///
    /// # Errors
    /// When `margin` is not strictly between −1 and 1.
    pub fn p_above(&self, margin: f64) -> Result<f64, StatsError> {
        self.z(margin).map(normal_sf)
    }

    /// All differences with |z| ≤ the normal quantile of `level`; each end by itself is a one-sided limit
    /// at (1 + `level`)/2.
    ///
    /// # Errors
    /// When `level` is not strictly between 0 and 1.
    pub fn interval(&self, level: f64) -> Result<Interval, StatsError> {
        let quantile = normal_quantile(0.5 * (1.0 + open_unit("level", level)?));
        let centre = self.difference();
        // z falls from +∞ at −1 to −∞ at 1; at an end that the estimate itself reaches there is no root.
        let end = |edge: f64| {
            let excess = |d: f64| self.score(d).abs() - quantile;
            bracket(excess, edge * (1.0 - 1e-15), centre, TOLERANCE).map_or(edge, |(refuted, _)| refuted)
        };
        Ok(Interval { lower: end(-1.0), upper: end(1.0), level })
    }

    fn score(&self, null: f64) -> f64 {
        // With the arms swapped the score changes its sign; a non-negative null loses no digits in q.
        if null < 0.0 {
            return -Self { worse: self.better, better: self.worse, pairs: self.pairs }.score(-null);
        }
        let (b, c, n) = (self.worse as f64, self.better as f64, self.pairs as f64);
        let minus_product = c * null * (1.0 - null);
        let linear = (2.0 * n - b + c) * null - b - c;
        let root = linear.mul_add(linear, 8.0 * n * minus_product).sqrt();
        let q =
            if linear > 0.0 { 2.0 * minus_product / (root + linear) } else { (root - linear) / (4.0 * n) };
        let surplus = b - c - n * null;
        let variance = n * (2.0 * q + null * (1.0 - null));
        if surplus == 0.0 { 0.0 } else { surplus / variance.sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tango(worse: u64, better: u64, pairs: u64) -> Tango {
        Tango::new(worse, better, pairs).unwrap()
    }

    #[test]
    fn no_discordant_pair_still_has_a_width() {
        // The upper limit solves n D/(1 − D) = z², the score limit of a rate of zero.
        let interval = tango(0, 0, 300).interval(0.90).unwrap();
        let z2 = normal_quantile(0.95).powi(2);
        assert!((interval.upper - z2 / (300.0 + z2)).abs() < 1e-12, "{interval:?}");
        assert!((interval.lower + interval.upper).abs() < 1e-12);
    }

    #[test]
    fn swapping_the_arms_mirrors_it() {
        let (one, other) = (tango(12, 2, 50), tango(2, 12, 50));
        assert_eq!(one.z(0.07).unwrap(), -other.z(-0.07).unwrap());
        let (a, b) = (one.interval(0.95).unwrap(), other.interval(0.95).unwrap());
        assert!((a.lower + b.upper).abs() < 1e-12 && (a.upper + b.lower).abs() < 1e-12);
    }

    #[test]
    fn ends_of_the_scale_are_reached_and_never_nan() {
        for (worse, better) in [(20, 0), (0, 20), (10, 10)] {
            let interval = tango(worse, better, 20).interval(0.95).unwrap();
            assert!(interval.contains(tango(worse, better, 20).difference()), "{interval:?}");
            assert!(interval.lower >= -1.0 && interval.upper <= 1.0);
            assert!(tango(worse, better, 20).z(0.0).unwrap().is_finite());
        }
        assert_eq!(tango(20, 0, 20).interval(0.95).unwrap().upper, 1.0);
    }

    #[test]
    fn tests_agree_with_the_interval() {
        let interval = tango(6, 2, 300).interval(0.90).unwrap();
        assert!((tango(6, 2, 300).p_below(interval.upper).unwrap() - 0.05).abs() < 1e-9);
        assert!((tango(6, 2, 300).p_above(interval.lower).unwrap() - 0.05).abs() < 1e-9);
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert!(Tango::new(0, 0, 0).is_err());
        assert!(Tango::new(2, 2, 3).is_err());
        assert!(Tango::new(u64::MAX, 1, 3).is_err());
        assert!(tango(1, 1, 9).z(f64::NAN).is_err() && tango(1, 1, 9).z(1.0).is_err());
        assert!(tango(1, 1, 9).interval(1.0).is_err());
    }
}
