//! McNemar's exact test: do the arms' wrong answers differ in number?

use crate::stats::special::{binomial_at_least, binomial_cdf, binomial_pmf};

/// p-values of McNemar's exact test.
///
/// *Promise.* Under H0 "a discordant pair falls either way with probability ½", each exact p-value is
/// at most u with probability at most u. The mid-p value trades that guarantee for power.
///
/// *Assumes* independent pairs with 0/1 outcomes. 1 without discordant pairs: they carry no evidence.
///
/// Source: McNemar (1947), Psychometrika 12:153, as an exact binomial test; mid-p: Fagerland, Lydersen &
/// Laake (2013), BMC Med. Res. Methodol. 13:91.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Against any difference.
    pub two_sided: f64,
    /// Against a worse candidate.
    pub worse: f64,
    /// Against a better candidate.
    pub better: f64,
    /// The two-sided mid-p value.
    pub mid_p: f64,
}

/// McNemar's exact test on the discordant pairs: `worse` failed on the candidate only, `better` on the
/// baseline only.
#[must_use]
pub fn mcnemar(worse: u64, better: u64) -> McNemar {
    let pairs = worse.saturating_add(better);
    let least = worse.min(better);
    let tail = 2.0 * binomial_cdf(least, pairs, 0.5);
    McNemar {
        two_sided: tail.min(1.0),
        worse: binomial_at_least(worse, pairs, 0.5),
        better: binomial_at_least(better, pairs, 0.5),
        mid_p: (tail - binomial_pmf(least, pairs, 0.5)).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_discordant_pair_is_no_evidence() {
        let none = mcnemar(0, 0);
        assert_eq!((none.two_sided, none.worse, none.better), (1.0, 1.0, 1.0));
        assert!((none.mid_p - 1.0).abs() < 1e-12);
    }

    #[test]
    fn swapping_the_arms_mirrors_it() {
        let (one, other) = (mcnemar(260, 88), mcnemar(88, 260));
        assert_eq!((one.worse, one.better, one.two_sided), (other.better, other.worse, other.two_sided));
        assert!(one.worse < 1e-19 && one.better > 0.999);
    }

    #[test]
    fn a_balanced_split_has_p_one() {
        assert_eq!(mcnemar(7, 7).two_sided, 1.0);
        assert!((mcnemar(7, 7).mid_p - 1.0).abs() < 1e-12);
        assert!((mcnemar(500_000, 500_000).two_sided - 1.0).abs() < 1e-9);
    }
}
