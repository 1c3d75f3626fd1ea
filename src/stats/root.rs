//! One bracketed root finder for everything that is found by inversion.

/// Iterations before the bracket is returned as it stands; bisection alone needs 64 for any f64 bracket
/// of the sizes met here.
const ITERATIONS_MAX: usize = 200;

/// A bracket of the root of `f` between `a` and `b`, no wider than `tolerance`, as
/// (end where `f` has the sign of `f(a)`, the other end). `None` when the signs of `f(a)` and `f(b)` do
/// not differ or a value is NaN.
///
/// Source: Chandrupatla (1997), Adv. Eng. Software 28:145, inverse quadratic steps where they are safe
/// and bisection elsewhere.
pub(super) fn bracket(f: impl Fn(f64) -> f64, a: f64, b: f64, tolerance: f64) -> Option<(f64, f64)> {
    let (mut x1, mut f1, mut x2, mut f2) = (b, f(b), a, f(a));
    let start_sign = f2 > 0.0;
    if f1.is_nan() || f2.is_nan() || (f1 > 0.0) == start_sign {
        return None;
    }
    let mut t = 0.5;
    for _ in 0..ITERATIONS_MAX {
        // The newest point is x1, x2 lies across the root, x3 is the point that was replaced.
        let x = t * (x2 - x1) + x1;
        let fx = f(x);
        if fx.is_nan() {
            return None;
        }
        let (x3, f3);
        if (fx > 0.0) == (f1 > 0.0) {
            (x3, f3) = (x1, f1);
        } else {
            (x3, f3) = (x2, f2);
            (x2, f2) = (x1, f1);
        }
        (x1, f1) = (x, fx);
        let width = (x2 - x1).abs();
        if width <= tolerance {
            break;
        }
        t = step(f1, f2, f3, (x1 - x2) / (x3 - x2), (x3 - x1) / (x2 - x1));
        // Never closer to an end than half the tolerance, so that the last step closes the bracket.
        let edge = (0.5 * tolerance / width).min(0.5);
        t = t.clamp(edge, 1.0 - edge);
    }
    Some(if (f1 > 0.0) == start_sign { (x1, x2) } else { (x2, x1) })
}

/// The next point as a fraction of the way from x1 to x2.
fn step(f1: f64, f2: f64, f3: f64, xi: f64, alpha: f64) -> f64 {
    let phi = (f1 - f2) / (f3 - f2);
    if phi.is_finite() && phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
        let t = f1 / (f2 - f1) * f3 / (f2 - f3) + alpha * f1 / (f3 - f1) * f2 / (f3 - f2);
        if t.is_finite() { t } else { 0.5 }
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(f: impl Fn(f64) -> f64, a: f64, b: f64, root: f64) {
        let (same, other) = bracket(&f, a, b, 1e-13).unwrap();
        assert!((same - root).abs() <= 2e-13 && (other - root).abs() <= 2e-13, "{same} {other} {root}");
        assert_eq!(f(same) > 0.0, f(a) > 0.0);
    }

    #[test]
    fn roots_are_bracketed_from_either_side() {
        check(|x| x * x - 2.0, 0.0, 2.0, 2_f64.sqrt());
        check(|x| x * x - 2.0, 2.0, 0.0, 2_f64.sqrt());
        check(|x| x.powi(21), -1.0, 1.1, 0.0);
        check(|x| if x < 0.25 { -1.0 } else { 1.0 }, 0.0, 1.0, 0.25);
        check(|x| (1.0 / x).ln() - 3.0, 1e-300, 1.0, (-3_f64).exp());
    }

    #[test]
    fn no_change_of_sign_and_nan_are_no_root() {
        assert_eq!(bracket(|x| x + 2.0, 0.0, 1.0, 1e-9), None);
        assert_eq!(bracket(|_| f64::NAN, 0.0, 1.0, 1e-9), None);
    }
}
