//! What a suite can find, told before the first request is paid for.

mod early;

use std::collections::BTreeSet;
use std::fmt;

pub use early::{EarlyPower, early_power};

use super::suite::{Suite, SuiteMetric};
use crate::domain::MetricName;
use crate::stats::{EffectVariance, ErrorRates, detectable_effect, pairs_for_effect};

/// What one metric of a suite can find with its number of cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Power {
    /// The metric.
    pub metric: MetricName,
    /// Pairs there will be, one a case.
    pub pairs: usize,
    /// Those that say something of their own: a cluster counts as one, because nobody knows beforehand how alike its answers are.
    pub units: usize,
    /// The margin it is judged by.
    pub margin: f64,
    /// The smallest true loss that fails with probability 0.8; `None` when no loss a score can have is large enough.
    pub detectable: Option<f64>,
    /// Units from which an identical release passes with probability 0.8.
    pub units_needed: u64,
    /// The assumed standard deviation of the difference of one pair.
    pub deviation: f64,
}

/// A one-sided test at 5 % is one side of a two-sided one at 10 %.
const RATES: ErrorRates = ErrorRates { alpha: 0.1, power: 0.8 };

/// Assumed deviation where answers are right or wrong: one answer in ten flips between the arms, √0.1.
const DEVIATION_BINARY: f64 = 0.316_227_766_016_837_9;
/// Assumed deviation of graded scores.
const DEVIATION_GRADED: f64 = 0.25;
/// Assumed deviation where answers are compared: one pair in two has a winner, √0.5.
const DEVIATION_COMPARED: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// What each required metric of `suite` can find: a loss beyond the margin by the smallest effect that the test sees, and
/// the pairs from which no loss at all is seen to be within the margin ([`detectable_effect`], [`pairs_for_effect`]). The
/// deviation is not known before the run; what is assumed is said.
#[must_use]
pub fn power(suite: &Suite) -> Vec<Power> {
    suite.metrics.iter().filter(|metric| metric.required).map(|metric| of_metric(suite, metric)).collect()
}

/// The assumed deviation of the difference of one pair.
fn deviation(metric: &SuiteMetric) -> f64 {
    match &metric.grader {
        grader if grader.compares() => DEVIATION_COMPARED,
        grader if grader.is_binary() => DEVIATION_BINARY,
        _ => DEVIATION_GRADED,
    }
}

fn of_metric(suite: &Suite, metric: &SuiteMetric) -> Power {
    let deviation = deviation(metric);
    let between = deviation * deviation;
    // One answer to each prompt; what varies between repeats is part of the assumed deviation.
    let variance =
        EffectVariance { between, candidate: 0.0, baseline: 0.0, candidate_answers: 1, baseline_answers: 1 };
    let (pairs, units) = (suite.cases.len(), units(suite));
    let effect = detectable_effect(variance, units as u64, RATES).ok();
    let needed = pairs_for_effect(variance, metric.margin, RATES).unwrap_or(f64::INFINITY);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and saturates")]
    let units_needed = needed.max(unseen(metric.margin)).ceil() as u64;
    let detectable = effect.map(|effect| metric.margin + effect).filter(|loss| *loss < 1.0);
    let (metric, margin) = (metric.name.clone(), metric.margin);
    Power { metric, pairs, units, margin, detectable, units_needed, deviation }
}

/// Cases that stand alone, and clusters.
fn units(suite: &Suite) -> usize {
    let clusters = suite.cases.iter().filter_map(|case| case.cluster.as_ref());
    let alone = suite.cases.iter().filter(|case| case.cluster.is_none()).count();
    alone + clusters.collect::<BTreeSet<_>>().len()
}

/// Units without any difference after which a share of `margin` that differs is no longer possible at the test's level:
/// (1 − margin)ⁿ = α/2, as Clopper and Pearson have it (1934, Biometrika 26:404).
fn unseen(margin: f64) -> f64 {
    (RATES.alpha / 2.0).ln() / (-margin).ln_1p()
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, pairs, units, margin, units_needed, deviation, .. } = self;
        write!(f, "{metric}: {pairs} pairs")?;
        let unit = if units < pairs { "clusters" } else { "pairs" };
        if units < pairs {
            write!(f, " in {units} clusters")?;
        }
        write!(f, ", margin {:.1} points: ", margin * 100.0)?;
        match self.detectable {
            Some(loss) => write!(f, "a loss of {:.1} points is found, ", loss * 100.0)?,
            None => f.write_str("no loss can be found, ")?,
        }
        write!(f, "an identical release passes from {units_needed} {unit} on (power 80 %, ")?;
        write!(f, "assumed deviation of a pair {deviation:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(suite: &str, expected: &str) {
        let suite = Suite::read(suite.as_ref()).unwrap();
        let power: Vec<String> = power(&suite).iter().map(ToString::to_string).collect();
        assert_eq!(power.len(), 1, "guards are not planned for: {power:?}");
        assert!(power[0].starts_with(expected), "{}", power[0]);
    }

    #[test]
    fn a_suite_says_what_it_can_find_before_it_runs() {
        check(
            "eval-suites/gsm8k.toml",
            "number@gsm8k-flexible: 1319 pairs, margin 2.0 points: a loss of 4.2 points is found, \
             an identical release passes from 1546 pairs on (power 80 %",
        );
        check(
            "eval-suites/smoke.toml",
            "non_empty@1: 40 pairs, margin 30.0 points: a loss of 42.4 points is found, \
             an identical release passes from 9 pairs on (power 80 %",
        );
    }

    #[test]
    fn cases_of_one_cluster_count_as_one() {
        let mut suite = Suite::read("eval-suites/smoke.toml".as_ref()).unwrap();
        for (at, case) in suite.cases.iter_mut().enumerate().take(30) {
            case.cluster = Some((at / 10).to_string());
        }
        let power = &power(&suite)[0];
        assert_eq!((power.pairs, power.units), (40, 13));
        let text = power.to_string();
        assert!(text.contains("40 pairs in 13 clusters, ") && text.contains("from 9 clusters on"), "{text}");
    }

    #[test]
    fn what_passes_is_what_the_interval_of_no_difference_says() {
        for (margin, units) in [(0.02, 149), (0.05, 59), (0.3, 9)] {
            let upper = |units| crate::stats::clopper_pearson(0, units, 0.9).unwrap().upper;
            assert!(upper(units) <= margin && upper(units - 1) > margin, "{margin}: {units}");
            assert_eq!(unseen(margin).ceil(), units as f64);
        }
    }

    #[test]
    fn no_cases_can_find_nothing() {
        let suite = Suite { cases: Vec::new(), ..Suite::read("eval-suites/smoke.toml".as_ref()).unwrap() };
        assert_eq!(power(&suite)[0].detectable, None);
    }
}
