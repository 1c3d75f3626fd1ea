//! Counted values and their bins: what a history keeps, and what it refuses.

use super::*;

fn of(values: impl IntoIterator<Item = f64>) -> History {
    let mut history = History::new();
    values.into_iter().for_each(|d| history.update(d).unwrap());
    history
}

fn ramp(n: u32) -> impl Iterator<Item = f64> + Clone {
    (0..n).map(move |i| f64::from(i * 29 % 997) / 500.0 - 0.995)
}

#[test]
fn nothing_seen_has_no_mean() {
    assert_eq!(History::new().mean(), None);
}

#[test]
fn minus_zero_is_zero() {
    assert_eq!(of([0.0, -0.0]), of([-0.0, 0.0]));
    assert_eq!(of([0.0, -0.0]).weighted(), vec![(0.0, 2.0)]);
}

#[test]
fn bins_keep_number_and_mean() {
    let history = of(ramp(900));
    assert!(!history.is_exact());
    let exact = ramp(900).sum::<f64>() / 900.0;
    assert!((history.mean().unwrap() - exact).abs() < 1e-10);
    let weight: f64 = history.weighted().iter().map(|(_, weight)| weight).sum();
    assert!((weight - 900.0).abs() < 1e-9);
}

#[test]
fn ends_and_halves_are_knots() {
    let coarse = [-1.0, -0.5, 0.0, 0.5, 1.0];
    let mut history = of(ramp(100));
    history.merge(&of(coarse)).unwrap();
    let mut expected = of(coarse);
    expected.merge(&of(ramp(100))).unwrap();
    assert_eq!(history, expected);
    assert_eq!(history.pairs(), 105);
}

#[test]
fn the_form_depends_on_the_set_of_values_alone() {
    let all: Vec<f64> = ramp(70).collect();
    for at in [0, 1, 35, 64, 65, 70] {
        let mut split = of(all[at..].iter().copied());
        split.merge(&of(all[..at].iter().copied())).unwrap();
        assert_eq!(split, of(all.iter().copied()), "split at {at}");
    }
}

#[test]
fn values_outside_are_refused_and_change_nothing() {
    let mut history = of([0.5]);
    for d in [f64::NAN, f64::INFINITY, 1.000_000_1, -2.0] {
        assert!(history.update(d).is_err());
    }
    assert_eq!(history, of([0.5]));
}
