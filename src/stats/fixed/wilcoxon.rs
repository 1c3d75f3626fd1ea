//! Wilcoxon's signed-rank test, for comparison with the t test.

use super::ranks::{RankMethod, exact_p, midranks, tie_term};
use crate::stats::Alternative;
use crate::stats::error::{StatsError, all_finite};
use crate::stats::special::normal_sf;

/// Largest sample whose exact distribution is computed; above it the normal one is close enough.
const EXACT_MAX: usize = 50;

/// The result of Wilcoxon's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wilcoxon {
    /// Sum of the ranks of positive differences.
    pub positive: f64,
    /// Sum of the ranks of negative differences.
    pub negative: f64,
    /// The p-value.
    pub p: f64,
}

/// Wilcoxon's signed-rank test of paired differences.
///
/// *Promise.* Under H0 "differences are symmetric about 0", p ≤ u with probability at most u (exact), or
/// about u (normal). Zeros take part in the ranking and then drop out (Pratt).
///
/// *Assumes* independent differences. It tests symmetry, not the mean: a difference of means with equal
/// medians may be missed, which is why verdicts use t. `None` where undefined: without any non-zero
/// difference, and for the exact method with ties, zeros or more than 50 values.
///
/// # Errors
/// When there is no difference, or one is not finite.
///
/// Source: Wilcoxon (1945), Biometrics Bull. 1:80; zeros: Pratt (1959), JASA 54:655.
pub fn wilcoxon(
    differences: &[f64],
    method: RankMethod,
    alternative: Alternative,
) -> Result<Option<Wilcoxon>, StatsError> {
    all_finite("differences", differences, 1)?;
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = midranks(&sizes);
    let sum =
        |sign: f64| differences.iter().zip(&ranks).filter(|(d, _)| **d * sign > 0.0).map(|(_, r)| r).sum();
    let (positive, negative): (f64, f64) = (sum(1.0), sum(-1.0));
    let p = match method {
        RankMethod::Exact => exact(&sizes, positive, negative, alternative),
        _ => normal(&sizes, positive, method.correction(), alternative),
    };
    Ok(p.map(|p| Wilcoxon { positive, negative, p }))
}

fn normal(sizes: &[f64], positive: f64, correction: f64, alternative: Alternative) -> Option<f64> {
    let n = sizes.len() as f64;
    let nonzero: Vec<f64> = sizes.iter().copied().filter(|&size| size > 0.0).collect();
    let zeros = n - nonzero.len() as f64;
    let triangle = |k: f64| k * (k + 1.0);
    let centre = (triangle(n) - triangle(zeros)) / 4.0;
    let cubes = triangle(n) * (2.0 * n + 1.0) - triangle(zeros) * (2.0 * zeros + 1.0);
    let variance = (cubes - 0.5 * tie_term(&nonzero)) / 24.0;
    let distance = positive - centre;
    let towards = match alternative {
        Alternative::TwoSided => distance.abs().min(correction).copysign(distance),
        Alternative::Greater => correction,
        Alternative::Less => -correction,
    };
    let z = (distance - towards) / variance.sqrt();
    (!nonzero.is_empty()).then(|| alternative.p_value(z, normal_sf))
}

fn exact(sizes: &[f64], positive: f64, negative: f64, alternative: Alternative) -> Option<f64> {
    if sizes.len() > EXACT_MAX || sizes.contains(&0.0) || tie_term(sizes) > 0.0 {
        return None;
    }
    Some(exact_p(&chances_by_rank_sum(sizes.len()), negative, positive, alternative))
}

/// P(W = w) for rank sums w from 0 to n(n + 1)/2, each rank joining with probability ½.
fn chances_by_rank_sum(n: usize) -> Vec<f64> {
    let mut chances = vec![0.0; n * (n + 1) / 2 + 1];
    chances[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..chances.len()).rev() {
            let joined = if sum >= rank { chances[sum - rank] } else { 0.0 };
            chances[sum] = 0.5 * (chances[sum] + joined);
        }
    }
    chances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_is_none() {
        let test = |d: &[f64], method| wilcoxon(d, method, Alternative::TwoSided).unwrap();
        assert_eq!(test(&[0.0, 0.0, -0.0], RankMethod::Normal), None);
        assert_eq!(test(&[0.1, 0.1], RankMethod::Exact), None);
        assert_eq!(test(&[0.1, 0.0], RankMethod::Exact), None);
        assert_eq!(test(&[1.0], RankMethod::Exact).unwrap().p, 1.0);
    }

    #[test]
    fn swapping_the_arms_mirrors_it() {
        let d = [0.31, -0.12, 0.53, 0.24, -0.45];
        let swapped = d.map(|d| -d);
        for method in [RankMethod::Exact, RankMethod::Normal, RankMethod::NormalCorrected] {
            let greater = wilcoxon(&d, method, Alternative::Greater).unwrap().unwrap();
            let less = wilcoxon(&swapped, method, Alternative::Less).unwrap().unwrap();
            assert!((greater.p - less.p).abs() < 1e-12, "{method:?}");
            assert_eq!((greater.positive, greater.negative), (less.negative, less.positive));
        }
    }

    #[test]
    fn nothing_and_not_a_number_are_refused() {
        assert!(wilcoxon(&[], RankMethod::Normal, Alternative::Less).is_err());
        assert!(wilcoxon(&[f64::NAN], RankMethod::Normal, Alternative::Less).is_err());
    }
}
