//! Special functions beside those of `statrs`: logarithmic incomplete beta, Student's t and the binomial.
//!
//! `statrs` stops its incomplete beta after 140 terms and returns probabilities, not logarithms. With
//! millions of pairs the first loses digits near the mean and the second underflows, so these are ours;
//! gamma and error functions are theirs.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma;

use super::root::bracket;

/// Terms of the continued fraction. It needs about √max(a, b): enough for 10⁹ pairs.
const TERMS_MAX: u32 = 50_000;

/// Arguments from which Stirling's series is exact to double precision.
const STIRLING_FROM: f64 = 15.0;

/// Smallest magnitude in Lentz's recurrence, in place of zero.
const TINY: f64 = 1e-300;

/// P(Z ≤ z) of a standard normal Z.
pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * FRAC_1_SQRT_2)
}

/// P(Z ≥ z) of a standard normal Z, exact far into the tail.
pub(super) fn normal_sf(z: f64) -> f64 {
    normal_cdf(-z)
}

/// The z with P(Z ≤ z) = `p`, for `p` in (0, 1).
pub(super) fn normal_quantile(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

/// ln B(a, b), a, b > 0; without cancellation for large arguments.
///
/// Source: Stirling's series with the remainder δ of DiDonato & Morris (1992), ACM TOMS 18:360 (BCORR).
pub(super) fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let sum = a + b;
    if small >= STIRLING_FROM {
        let powers = small * (small / sum).ln() - large * (small / large).ln_1p();
        return powers + 0.5 * (2.0 * PI * sum / (a * b)).ln() + stirling(a) + stirling(b) - stirling(sum);
    }
    if large >= 1e3 {
        // ln Γ(large) − ln Γ(large + small), term by term.
        let ratio = -small * large.ln() - (sum - 0.5) * (small / large).ln_1p() + small;
        return ln_gamma(small) + ratio + stirling(large) - stirling(sum);
    }
    ln_gamma(a) + ln_gamma(b) - ln_gamma(sum)
}

/// ln Γ(x), x > 0. Near 0 `statrs` reflects through a sine that it cannot resolve; the recurrence can.
fn ln_gamma(x: f64) -> f64 {
    if x < 0.5 { gamma::ln_gamma(1.0 + x) - x.ln() } else { gamma::ln_gamma(x) }
}

/// What Stirling's formula lacks of ln Γ(x); exact to 10⁻¹⁶ from [`STIRLING_FROM`] on.
fn stirling(x: f64) -> f64 {
    let square = x * x;
    let inner =
        1.0 / 1_260.0 - (1.0 / 1_680.0 - (1.0 / 1_188.0 - 691.0 / 360_360.0 / square) / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - inner / square) / square) / x
}

/// (ln I, ln (1 − I)) of the regularised incomplete beta I = I_x(a, b); a, b > 0, x in [0, 1].
///
/// Source: DLMF 8.17.22 (continued fraction), evaluated by Lentz's method.
pub(super) fn ln_beta_reg(a: f64, b: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if x >= 1.0 {
        return (0.0, f64::NEG_INFINITY);
    }
    let front = ln_beta_density(a, b, x);
    if x < (a + 1.0) / (a + b + 2.0) {
        let below = (front - a.ln() + continued_fraction(a, b, x).ln()).min(0.0);
        (below, ln_one_minus_exp(below))
    } else {
        let above = (front - b.ln() + continued_fraction(b, a, 1.0 - x).ln()).min(0.0);
        (ln_one_minus_exp(above), above)
    }
}

/// ln (xᵃ (1 − x)ᵇ/B(a, b)); near x = a/(a + b) large terms cancel, so there they are never formed.
fn ln_beta_density(a: f64, b: f64, x: f64) -> f64 {
    if a.min(b) < STIRLING_FROM {
        return a * x.ln() + b * (-x).ln_1p() - ln_beta(a, b);
    }
    let sum = a + b;
    let off = x * sum - a;
    let powers = a * (off / a).ln_1p() + b * (-off / b).ln_1p();
    powers - 0.5 * (2.0 * PI * sum / (a * b)).ln() - stirling(a) - stirling(b) + stirling(sum)
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    let keep = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..=TERMS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a - 1.0 + 2.0 * m) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 1.0 + 2.0 * m));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / keep(1.0 + term * d);
            c = keep(1.0 + term / c);
            change = d * c;
            h *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    h
}

/// ln (1 − eˣ) for x ≤ 0, exact near both ends.
pub(super) fn ln_one_minus_exp(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// P(X ≤ k) of X ~ Binomial(n, p).
pub(super) fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    ln_beta_reg((n - k) as f64, k as f64 + 1.0, 1.0 - p).0.exp()
}

/// P(X ≥ k) of X ~ Binomial(n, p).
pub(super) fn binomial_at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    ln_beta_reg(k as f64, (n - k) as f64 + 1.0, p).0.exp()
}

/// P(X = k) of X ~ Binomial(n, p), p in (0, 1), k ≤ n.
pub(super) fn binomial_pmf(k: u64, n: u64, p: f64) -> f64 {
    let (k, rest) = (k as f64, (n - k) as f64);
    (k * p.ln() + rest * (-p).ln_1p() - ln_beta(k + 1.0, rest + 1.0) - (n as f64 + 1.0).ln()).exp()
}

/// P(T ≥ t) of Student's T with `degrees` > 0 of freedom.
pub(super) fn t_sf(t: f64, degrees: f64) -> f64 {
    let half = 0.5 * ln_beta_reg(0.5, 0.5 * degrees, t * t / (degrees + t * t)).1.exp();
    if t >= 0.0 { half } else { 1.0 - half }
}

/// The t with P(T ≤ t) = `p`, for `p` in (0, 1).
pub(super) fn t_quantile(p: f64, degrees: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let excess = |t: f64| t_sf(t, degrees).ln() - tail.ln();
    let mut top = 2.0;
    while excess(top) > 0.0 && top < 1e300 {
        top *= 4.0;
    }
    let size = bracket(excess, 0.0, top, 1e-14 * top).map_or(0.0, |(low, high)| 0.5 * (low + high));
    if p < 0.5 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1e-300), "{got} is not {want}");
    }

    #[test]
    fn ln_beta_agrees_across_its_three_ways() {
        // B(m, n) for integers is an exact product; below, at and above the switches.
        for (m, n) in [(2_u32, 3_u32), (14, 40), (15, 40), (16, 17), (3, 999), (3, 1_001), (200, 5_000)] {
            let product: f64 = (1..m).map(|i| (f64::from(i) / f64::from(n + i)).ln()).sum();
            close(ln_beta(f64::from(m), f64::from(n)), product - f64::from(n).ln(), 1e-13);
        }
        close(ln_beta(0.5, 0.5), PI.ln(), 1e-14);
        close(ln_beta(1e-14, 550.0), -(1e-14_f64).ln(), 1e-12);
        close(ln_beta(0.5, 2e3), ln_gamma(0.5) - 0.5 * 2e3_f64.ln() + 0.125 / 2e3, 1e-9);
    }

    #[test]
    fn incomplete_beta_keeps_digits_where_statrs_stops_early() {
        // A median of a symmetric beta is one half, however large its arguments.
        for a in [10.0, 1e4, 1e6, 1e8] {
            let (below, above) = ln_beta_reg(a, a, 0.5);
            close(below.exp(), 0.5, 1e-9);
            close(above.exp(), 0.5, 1e-9);
        }
        close(binomial_cdf(499_999, 1_000_000, 0.5) + 0.5 * binomial_pmf(500_000, 1_000_000, 0.5), 0.5, 1e-9);
    }

    #[test]
    fn tails_do_not_underflow() {
        let (below, above) = ln_beta_reg(1e5, 2e5, 0.9);
        assert!(above < -1e4 && above.is_finite() && below == 0.0);
        let (below, _) = ln_beta_reg(1e5, 2e5, 0.01);
        assert!(below < -1e5 && below.is_finite());
    }

    #[test]
    fn binomial_agrees_with_sums() {
        let n = 23;
        for p in [0.02, 0.3, 0.5, 0.97] {
            let mut sum = 0.0;
            for k in 0..=n {
                assert!((binomial_at_least(k, n, p) - (1.0 - sum)).abs() < 1e-12);
                sum += binomial_pmf(k, n, p);
                close(binomial_cdf(k, n, p), sum, 1e-12);
            }
        }
        assert_eq!(binomial_at_least(24, n, 0.5), 0.0);
    }

    #[test]
    fn students_t_agrees_with_closed_forms_and_with_the_normal() {
        close(t_quantile(0.975, 1.0), (0.475 * PI).tan(), 1e-12);
        close(t_quantile(0.025, 2.0), -0.95 / (2.0 * 0.975 * 0.025_f64).sqrt(), 1e-12);
        close(t_sf(2.0, 1e9), normal_sf(2.0), 1e-7);
        close(t_quantile(0.999, 1e9), normal_quantile(0.999), 1e-7);
        close(t_sf(-1.0, 3.0), 1.0 - t_sf(1.0, 3.0), 1e-14);
        assert_eq!(t_quantile(0.5, 7.0), 0.0);
    }
}
