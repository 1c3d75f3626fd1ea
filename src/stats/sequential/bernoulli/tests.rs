//! The promise at the limit by exact recursion, and the intervals.

use super::*;

/// P(ever E ≥ 1/α within `trials`) at rate p, exactly, by recursion over the number of events.
fn crossing_probability(side: Side, limit: f64, p: f64, alpha: f64, trials: usize) -> f64 {
    let concentration = concentration_for(100.0, 2.0 * alpha).unwrap();
    let crosses = |x: usize, n: usize| {
        one_sided_log_mixture(side, x as f64, n as f64, limit, concentration) >= -alpha.ln()
    };
    let (mut alive, mut crossed) = (vec![1.0], 0.0);
    for n in 1..=trials {
        let mut next = vec![0.0; n + 1];
        for (x, chance) in alive.iter().enumerate() {
            next[x] += chance * (1.0 - p);
            next[x + 1] += chance * p;
        }
        for (x, chance) in next.iter_mut().enumerate().filter(|(_, chance)| **chance > 1e-15) {
            if crosses(x, n) {
                crossed += std::mem::take(chance);
            }
        }
        alive = next;
    }
    crossed
}

#[test]
fn at_the_limit_it_alarms_with_at_most_alpha_at_any_look() {
    for side in [Side::Abort, Side::Promote] {
        let crossed = crossing_probability(side, 0.1, 0.1, 0.05, 150);
        assert!(crossed <= 0.05 && crossed > 0.001, "{side:?} {crossed}");
    }
    assert!(crossing_probability(Side::Abort, 0.1, 0.05, 0.05, 150) < 0.005);
    assert!(crossing_probability(Side::Abort, 0.1, 0.3, 0.05, 150) > 0.98);
}

#[test]
fn a_rate_far_inside_the_limit_leaves_a_finite_log_e() {
    let mut limit = BernoulliLimit::new(Side::Abort, 0.01, 300.0).unwrap();
    limit.add(100, 10_000_000).unwrap();
    // Mixing down to the limit itself, wealth only falls like 1/trials; what must not happen is −∞.
    assert!((-30.0..-5.0).contains(&limit.log_e()), "{}", limit.log_e());
}

#[test]
fn merging_adds_counts() {
    let mut one = BernoulliLimit::new(Side::Abort, 0.01, 300.0).unwrap();
    assert!(one.log_e().abs() < 1e-12);
    let mut other = one;
    one.add(2, 50).unwrap();
    other.add(1, 70).unwrap();
    one.merge(&other).unwrap();
    assert_eq!((one.events(), one.trials()), (3, 120));
    assert!(one.merge(&BernoulliLimit::new(Side::Promote, 0.01, 300.0).unwrap()).is_err());
    assert!(one.add(u64::MAX, u64::MAX).is_err());
    assert!(one.add(2, 1).is_err());
    assert_eq!((one.events(), one.trials()), (3, 120));
}

#[test]
fn intervals_hold_the_rate_and_reach_the_ends() {
    let interval = |x, n| event_rate_sequence(x, n, 50.0, 0.95).unwrap();
    assert_eq!((interval(0, 0).lower, interval(0, 0).upper), (0.0, 1.0));
    assert!(interval(0, 500).lower == 0.0 && interval(0, 500).upper < 0.03);
    assert!(interval(500, 500).upper == 1.0 && interval(500, 500).lower > 0.97, "{:?}", interval(500, 500));
    assert!(interval(30, 100).contains(0.3));
}

#[test]
fn bad_parameters_are_refused() {
    for limit in [0.0, 1.0, f64::NAN] {
        assert!(BernoulliLimit::new(Side::Abort, limit, 10.0).is_err());
    }
    for concentration in [0.0, -1.0, f64::INFINITY] {
        assert!(BernoulliLimit::new(Side::Abort, 0.1, concentration).is_err());
    }
    assert!(event_rate_sequence(3, 2, 10.0, 0.95).is_err());
    assert!(concentration_for(1.0, 0.05).is_err());
}
