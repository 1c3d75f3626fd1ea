//! One look at a fixed sample.

use super::{Case, Run};
use crate::stats::{
    Alternative, RankMethod, RepeatedCase, Tango, clopper_pearson, clustered_mean, holm, mann_whitney,
    mcnemar, mean, quantile_ranks, repeated_mean, values_for_upper_limit, wilcoxon, wilson,
};

pub(super) const RUNS: &[(&str, Run)] = &[
    ("mann_whitney_u", rank_sum),
    ("wilcoxon_rank_sum_z(shift)", rank_sum_z),
    ("wilcoxon_signed_rank", signed_rank),
    ("mcnemar", mcnemar_exact),
    ("mcnemar_mid_p", mcnemar_mid_p),
    ("paired_t", paired_t),
    ("paired_t_noninferiority", paired_t_noninferiority),
    ("clustered_se_mean_difference", clustered),
    ("paired_items_k_samples", repeats),
    ("proportion_ci", proportion),
    ("zero_event_upper_bound", zero_events),
    ("tango_score_ci_paired_diff", tango_interval),
    ("tango_score_test", tango_test),
    ("quantile_ci_order_statistics", order_statistics),
    ("min_n_for_finite_upper_limit", values_needed),
    ("p_adjust", holm_adjusted),
];

fn method(case: &Case) -> RankMethod {
    match (case.text("/params/method"), case.value.pointer("/params/continuity").and_then(|c| c.as_bool())) {
        ("exact", _) => RankMethod::Exact,
        (_, Some(true)) => RankMethod::NormalCorrected,
        _ => RankMethod::Normal,
    }
}

fn rank_sum(case: &Case) {
    let (x, y) = (case.numbers("/inputs/x"), case.numbers("/inputs/y"));
    let test = mann_whitney(&x, &y, method(case), Alternative::TwoSided).unwrap().unwrap();
    case.check(test.u, "/expected/U");
    case.check(test.p, "/expected/p");
}

fn rank_sum_z(case: &Case) {
    let (x, y) = (case.numbers("/inputs/x"), case.numbers("/inputs/y"));
    let test = mann_whitney(&x, &y, RankMethod::NormalCorrected, Alternative::TwoSided).unwrap().unwrap();
    case.check(test.z.unwrap(), "/expected/z");
}

fn signed_rank(case: &Case) {
    let test = wilcoxon(&case.numbers("/inputs/d"), method(case), Alternative::TwoSided).unwrap().unwrap();
    case.check(test.positive.min(test.negative), "/expected/statistic");
    case.check(test.p, "/expected/p");
}

fn mcnemar_exact(case: &Case) {
    let count = |table: &str, short: &str| match case.value.pointer(table) {
        Some(count) => count.as_u64().unwrap(),
        None => case.count(short),
    };
    let test = mcnemar(count("/inputs/table/0/1", "/inputs/b"), count("/inputs/table/1/0", "/inputs/c"));
    case.check(test.two_sided, "/expected/p");
}

fn mcnemar_mid_p(case: &Case) {
    case.check(mcnemar(case.count("/inputs/b"), case.count("/inputs/c")).mid_p, "/expected/p");
}

fn differences(case: &Case) -> Vec<f64> {
    let (green, blue) = (case.numbers("/inputs/green"), case.numbers("/inputs/blue"));
    green.iter().zip(blue).map(|(green, blue)| green - blue).collect()
}

fn paired_t(case: &Case) {
    let estimate = mean(&differences(case)).unwrap();
    case.check(estimate.t(0.0).unwrap().unwrap(), "/expected/t");
    case.check(estimate.degrees, "/expected/df");
    case.check(estimate.p_value(0.0, Alternative::TwoSided).unwrap().unwrap(), "/expected/p");
    let interval = estimate.interval(0.95).unwrap().unwrap();
    case.check_all([interval.lower, interval.upper], "/expected/ci95");
}

fn paired_t_noninferiority(case: &Case) {
    let (estimate, null) = (mean(&differences(case)).unwrap(), -case.number("/params/margin"));
    case.check(estimate.t(null).unwrap().unwrap(), "/expected/t");
    case.check(estimate.p_value(null, Alternative::Greater).unwrap().unwrap(), "/expected/p");
    case.check(estimate.interval(0.9).unwrap().unwrap().lower, "/expected/lower95_onesided");
}

fn clustered(case: &Case) {
    let d = case.numbers("/inputs/d");
    let estimate = clustered_mean(&d, &case.counts("/inputs/cluster")).unwrap();
    let error = estimate.standard_error.unwrap();
    case.check(estimate.mean, "/expected/mean");
    case.check(error, "/expected/se_cr1");
    let share = estimate.degrees / (estimate.degrees + 1.0);
    case.check(error * share.sqrt(), "/expected/se_miller_no_correction");
    case.check(mean(&d).unwrap().standard_error.unwrap(), "/expected/se_naive");
}

fn repeats(case: &Case) {
    let rows = |arm: &str| {
        let count = case.at(&format!("/inputs/{arm}")).as_array().unwrap().len();
        (0..count).map(|i| case.numbers(&format!("/inputs/{arm}/{i}"))).collect::<Vec<_>>()
    };
    let (blue, green) = (rows("blue"), rows("green"));
    let cases: Vec<_> =
        blue.iter().zip(&green).map(|(baseline, candidate)| RepeatedCase { baseline, candidate }).collect();
    let repeats = repeated_mean(&cases).unwrap();
    case.check(repeats.difference.mean, "/expected/mean");
    case.check(repeats.difference.standard_error.unwrap(), "/expected/se_total");
    case.check(repeats.within_standard_error.unwrap(), "/expected/se_within_only_fixed_items");
    case.check(repeats.between_variance.unwrap(), "/expected/between_item_var_est");
}

fn proportion(case: &Case) {
    let interval = if case.text("/params/method") == "wilson" { wilson } else { clopper_pearson };
    let level = 1.0 - case.number("/params/alpha");
    let interval = interval(case.count("/inputs/x"), case.count("/inputs/n"), level).unwrap();
    case.check_all([interval.lower, interval.upper], "/expected");
}

fn zero_events(case: &Case) {
    let level = 1.0 - 2.0 * case.number("/params/alpha");
    let interval = clopper_pearson(0, case.count("/inputs/n"), level).unwrap();
    case.check(interval.upper, "/expected/exact");
}

fn tango(case: &Case) -> Tango {
    let [b, c, n] = ["/inputs/b", "/inputs/c", "/inputs/n"].map(|key| case.count(key));
    Tango::new(b, c, n).unwrap()
}

fn tango_interval(case: &Case) {
    let interval = tango(case).interval(1.0 - case.number("/params/alpha")).unwrap();
    case.check(tango(case).difference(), "/expected/estimate");
    case.check(interval.lower, "/expected/lower");
    case.check(interval.upper, "/expected/upper");
}

fn tango_test(case: &Case) {
    let null = case.number("/params/null_diff");
    case.check(tango(case).z(null).unwrap(), "/expected/z");
    case.check(tango(case).p_below(null).unwrap(), "/expected/p");
}

fn order_statistics(case: &Case) {
    let level = 1.0 - case.number("/params/alpha");
    let ranks = quantile_ranks(case.count("/inputs/n"), case.number("/inputs/p"), level).unwrap();
    assert_eq!(ranks.lower, case.at("/expected/lower_rank").as_u64(), "{}", case.id);
    assert_eq!(ranks.upper, case.at("/expected/upper_rank").as_u64(), "{}", case.id);
    case.check(ranks.coverage, "/expected/coverage");
}

fn values_needed(case: &Case) {
    for (alpha, expected) in [(0.05, "/expected/n_a05"), (0.01, "/expected/n_a01")] {
        let needed = |&p: &f64| values_for_upper_limit(p, alpha).unwrap() as f64;
        case.check_all(case.numbers("/inputs/p").iter().map(needed), expected);
    }
}

fn holm_adjusted(case: &Case) {
    assert_eq!(case.text("/params/method"), "holm");
    case.check_all(holm(&case.numbers("/inputs/p")).unwrap(), "/expected/adjusted");
}
