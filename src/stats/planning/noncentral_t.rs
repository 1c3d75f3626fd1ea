//! The noncentral t distribution, which power of the t test needs and `statrs` lacks.

use std::f64::consts::{FRAC_2_PI, PI};

use crate::stats::special::{ln_beta, ln_beta_reg, normal_cdf};

/// Terms of the series; it needs about half the squared noncentrality.
const TERMS_MAX: u32 = 20_000;

/// Above this noncentrality the series underflows; the normal approximation is then within 10⁻⁴ for the
/// degrees of freedom that give such a value, and power is 1 to that digit.
const NONCENTRALITY_MAX: f64 = 37.0;

/// P(T ≤ t) of a noncentral T with `degrees` > 0 of freedom and noncentrality `delta`.
///
/// Source: Lenth (1989), Applied Statistics 38:185, algorithm AS 243; beyond δ = 37 the approximation of
/// Abramowitz & Stegun (1964), 26.7.10.
pub(super) fn noncentral_t_cdf(t: f64, degrees: f64, delta: f64) -> f64 {
    if delta.abs() > NONCENTRALITY_MAX {
        let shift = t * (1.0 - 0.25 / degrees) - delta;
        return normal_cdf(shift / (1.0 + t * t / (2.0 * degrees)).sqrt());
    }
    if t < 0.0 {
        return 1.0 - noncentral_t_cdf(-t, degrees, -delta);
    }
    (normal_cdf(-delta) + series(t, degrees, delta)).clamp(0.0, 1.0)
}

/// P(0 ≤ T ≤ t): Poisson-like weights times incomplete betas.
fn series(t: f64, degrees: f64, delta: f64) -> f64 {
    let x = t * t / (degrees + t * t);
    if x <= 0.0 {
        return 0.0;
    }
    let (mut a, b, half) = (0.5, 0.5 * degrees, 0.5 * delta * delta);
    let mut odd_weight = 0.5 * (-half).exp();
    let mut even_weight = FRAC_2_PI.sqrt() * odd_weight * delta;
    let mut left = -0.5 * (-half).exp_m1();
    let power = b * (-x).ln_1p();
    let mut odd = ln_beta_reg(a, b, x).0.exp();
    let mut odd_step = 2.0 * (power + a * x.ln() - 0.5 * PI.ln() - (ln_beta(0.5, b) - 0.5 * PI.ln())).exp();
    let mut even = -power.exp_m1();
    let mut even_step = b * x * power.exp();
    let mut sum = odd_weight * odd + even_weight * even;
    for i in 1..=TERMS_MAX {
        let i = f64::from(i);
        a += 1.0;
        odd -= odd_step;
        even -= even_step;
        odd_step *= x * (a + b - 1.0) / a;
        even_step *= x * (a + b - 0.5) / (a + 0.5);
        odd_weight *= half / i;
        even_weight *= 2.0 * half / (2.0 * i + 1.0);
        sum += odd_weight * odd + even_weight * even;
        left -= odd_weight;
        if left <= 0.0 || 2.0 * left * (odd - odd_step) < 1e-13 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::special::t_sf;

    #[test]
    fn without_noncentrality_it_is_students() {
        for (t, degrees) in [(0.5, 3.0), (2.0, 9.0), (-1.5, 40.0), (3.0, 1e6)] {
            let difference = noncentral_t_cdf(t, degrees, 0.0) - (1.0 - t_sf(t, degrees));
            assert!(difference.abs() < 1e-11, "{t} {degrees} {difference}");
        }
    }

    #[test]
    fn with_many_degrees_it_is_a_shifted_normal() {
        for (t, delta) in [(1.0, 2.0), (2.0, -1.0), (-1.0, 0.5), (5.0, 4.0)] {
            assert!((noncentral_t_cdf(t, 1e8, delta) - normal_cdf(t - delta)).abs() < 1e-6, "{t} {delta}");
        }
    }

    #[test]
    fn it_falls_with_noncentrality_across_the_switch() {
        let mut last = 1.0;
        for delta in [0.0, 2.0, 20.0, 36.9, 37.1, 60.0, 1e6] {
            let now = noncentral_t_cdf(37.0, 1e4, delta);
            assert!(now <= last + 1e-4 && (0.0..=1.0).contains(&now), "{delta} {now}");
            last = now;
        }
    }
}
