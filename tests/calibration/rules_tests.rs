//! The rules of other judges against the reference cases: a comparison with a rule that was built wrongly is none.

use serde_json::Value;

use crate::rules::{
    Diffy, GrowthBook, Kayenta, POINT_PAIRS, PeekingZ, PipeCd, Rule, Said, Seen, asymptotic_half_width,
    hodges_lehmann,
};

fn cases(method: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../reference/stats-cases.json")).expect("JSON");
    let all = all["cases"].as_array().expect("cases").clone();
    let found: Vec<_> = all.into_iter().filter(|case| case["method"] == method).collect();
    assert!(!found.is_empty(), "no case of {method}");
    found
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|one| one.as_f64().expect("a number")).collect()
}

#[track_caller]
fn close(found: f64, expected: &Value, case: &Value) {
    let (expected, rtol) = (expected.as_f64().expect("a number"), case["rtol"].as_f64().expect("rtol"));
    assert!((found - expected).abs() <= rtol * expected.abs(), "{}: {found}, not {expected}", case["id"]);
}

#[test]
fn kayentas_interval_is_kayentas() {
    const Z_95: f64 = 1.959_963_984_540_054;
    for case in cases("kayenta_mann_whitney_ci") {
        let (x, y) = (numbers(&case["inputs"]["experiment"]), numbers(&case["inputs"]["control"]));
        let shift = hodges_lehmann(&x, &y, Z_95);
        for (found, name) in [(shift.lower, "lower"), (shift.estimate, "estimate"), (shift.upper, "upper")] {
            close(found, &case["expected"][name], &case);
        }
    }
}

#[test]
fn the_asymptotic_sequence_is_growthbooks() {
    for case in cases("asymptotic_cs_halfwidth") {
        let (inputs, params) = (&case["inputs"], &case["params"]);
        if params["two_sided"] != true {
            continue;
        }
        let of = |value: &Value| value.as_f64().expect("a number");
        let expected = case["expected"]["halfwidth"].as_array().expect("widths");
        for (n, width) in numbers(&inputs["n"]).into_iter().zip(expected) {
            let found =
                asymptotic_half_width(of(&inputs["s2"]), n, of(&params["alpha"]), of(&params["Nstar"]));
            close(found, width, &case);
        }
    }
}

/// 500 pairs, a look every 50; what was said first.
fn first(rule: &mut dyn Rule, pair: impl Fn(usize) -> (f64, f64)) -> Said {
    for n in 0..500 {
        let (baseline, candidate) = pair(n);
        rule.see(Seen { baseline, candidate, null: baseline });
        if (n + 1) % POINT_PAIRS == 0 {
            let said = rule.look();
            if said != Said::GoOn {
                return said;
            }
        }
    }
    Said::GoOn
}

#[test]
fn every_rule_stops_the_worst_and_none_the_same() {
    let rules: [fn() -> Box<dyn Rule>; 5] = [
        || Box::new(Kayenta::default()),
        || Box::new(PipeCd::default()),
        || Box::new(Diffy::default()),
        || Box::new(PeekingZ::points(0.01)),
        || Box::new(GrowthBook::default()),
    ];
    let some = |n: usize| f64::from(u8::from(n % 100 == 7));
    for (at, rule) in rules.into_iter().enumerate() {
        let undecided = if at == 3 { Said::GoOn } else { Said::Promote };
        assert_eq!(rule().deadline(), undecided, "only a rule with a margin waits");
        assert_eq!(first(rule().as_mut(), |n| (some(n), some(n))), Said::GoOn);
        assert_eq!(first(rule().as_mut(), |n| (some(n), f64::from(u8::from(n % 2 == 0)))), Said::Abort);
    }
    assert_eq!(first(&mut PeekingZ::ratio(0.05), |n| (1.0, 1.0 + 0.01 * (n % 2) as f64)), Said::Promote);
}
