//! The Mann-Whitney test, for comparison: it ignores pairing, and so wastes it.

use super::ranks::{RankMethod, exact_p, midranks, tie_term};
use crate::stats::Alternative;
use crate::stats::error::{StatsError, all_finite};
use crate::stats::special::normal_sf;

/// Largest product of sample sizes whose exact distribution is computed; above it the normal one is
/// closer than rounding.
const EXACT_MAX: usize = 10_000;

/// The result of the Mann-Whitney test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannWhitney {
    /// Pairs (x, y) with x above y, ties counting ½.
    pub u: f64,
    /// The standardised U with the method's correction; `None` for the exact method.
    pub z: Option<f64>,
    /// The p-value.
    pub p: f64,
}

/// The Mann-Whitney (Wilcoxon rank-sum) test of two independent samples; `Greater` means x is larger.
///
/// *Promise.* Under H0 "x and y have the same distribution", p ≤ u with probability at most u (exact), or
/// about u (normal). Variance is tie-corrected.
///
/// *Assumes* independent values; pairs from the same prompt are not, so verdicts do not use it. `None`
/// where undefined: when all values are tied, and for the exact method with ties or above 10,000 pairs.
///
/// # Errors
/// When a sample is empty, or a value is not finite.
///
/// Source: Mann & Whitney (1947), Ann. Math. Stat. 18:50.
pub fn mann_whitney(
    x: &[f64],
    y: &[f64],
    method: RankMethod,
    alternative: Alternative,
) -> Result<Option<MannWhitney>, StatsError> {
    all_finite("x", x, 1)?;
    all_finite("y", y, 1)?;
    let all: Vec<f64> = x.iter().chain(y).copied().collect();
    let (m, n) = (x.len() as f64, y.len() as f64);
    let u = midranks(&all)[..x.len()].iter().sum::<f64>() - m * (m + 1.0) / 2.0;
    if method == RankMethod::Exact {
        let possible = x.len().saturating_mul(y.len()) <= EXACT_MAX && tie_term(&all) == 0.0;
        let p = possible.then(|| exact(x.len(), y.len(), u, alternative));
        return Ok(p.map(|p| MannWhitney { u, z: None, p }));
    }
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - tie_term(&all) / (total * (total - 1.0)));
    let distance = u - m * n / 2.0;
    let towards = match alternative {
        Alternative::TwoSided => distance.abs().min(method.correction()).copysign(distance),
        Alternative::Greater => method.correction(),
        Alternative::Less => -method.correction(),
    };
    let z = (distance - towards) / variance.sqrt();
    Ok((variance > 0.0).then(|| MannWhitney { u, z: Some(z), p: alternative.p_value(z, normal_sf) }))
}

fn exact(m: usize, n: usize, u: f64, alternative: Alternative) -> f64 {
    exact_p(&chances_by_u(m, n), (m * n) as f64 - u, u, alternative)
}

/// P(U = u) for u from 0 to mn: the coefficients of the Gaussian binomial, one factor at a time
/// (1 − q^(n+i))/(1 − q^i), each scaled by i/(n + i) so that they stay probabilities.
fn chances_by_u(m: usize, n: usize) -> Vec<f64> {
    let mut chances = vec![0.0; m * n + 1];
    chances[0] = 1.0;
    for i in 1..=m {
        for u in (n + i..chances.len()).rev() {
            chances[u] -= chances[u - n - i];
        }
        for u in i..chances.len() {
            chances[u] += chances[u - i];
        }
        chances.iter_mut().for_each(|chance| *chance *= i as f64 / (n + i) as f64);
    }
    chances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_chances_are_a_symmetric_distribution() {
        for (m, n) in [(1, 1), (3, 5), (20, 30), (100, 100)] {
            let chances = chances_by_u(m, n);
            assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{m} {n}");
            assert!(chances.iter().zip(chances.iter().rev()).all(|(a, b)| (a - b).abs() < 1e-12), "{m} {n}");
        }
    }

    #[test]
    fn what_is_undefined_is_none() {
        for method in [RankMethod::Exact, RankMethod::Normal, RankMethod::NormalCorrected] {
            assert_eq!(mann_whitney(&[1.0; 4], &[1.0; 5], method, Alternative::TwoSided).unwrap(), None);
        }
    }

    #[test]
    fn swapping_the_arms_mirrors_it() {
        let (x, y) = ([1.1, 2.3, 1.9, 3.4], [0.9, 1.6, 2.1]);
        for method in [RankMethod::Exact, RankMethod::Normal, RankMethod::NormalCorrected] {
            let greater = mann_whitney(&x, &y, method, Alternative::Greater).unwrap().unwrap();
            let less = mann_whitney(&y, &x, method, Alternative::Less).unwrap().unwrap();
            assert!((greater.p - less.p).abs() < 1e-12, "{method:?}");
            assert_eq!(greater.u + less.u, 12.0);
        }
    }

    #[test]
    fn nothing_and_not_a_number_are_refused() {
        assert!(mann_whitney(&[], &[1.0], RankMethod::Normal, Alternative::Less).is_err());
        assert!(mann_whitney(&[1.0], &[f64::INFINITY], RankMethod::Normal, Alternative::Less).is_err());
    }
}
