//! Slices of a fixed sample: cases that share a word. One that fails may be chance where there are many, so their tests
//! to fail share one error rate; none of them has to pass.

use super::differences::Differences;
use super::estimate::estimate;
use super::{GoldenAsk, GoldenMetric};
use crate::evidence::Aspect;
use crate::judgment::{SliceJudgment, Verdict};
use crate::stats::holm;

/// Cases of one metric that share a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldenSlice {
    /// The word.
    pub name: String,
    /// Indices into the metric's pairs.
    pub pairs: Vec<usize>,
    /// Whether its failure fails the verdict; else it is told, and no more.
    pub gates: bool,
}

/// The largest error rate of a test, and the smallest that a p-value is told apart from.
const ALPHA_MAX: f64 = 0.499_999;
const ALPHA_MIN: f64 = 1e-12;

/// Halvings of the logarithm between the two: p is exact to eight digits.
const HALVINGS: usize = 40;

/// What the slices of all metrics say, metric by metric.
///
/// *Promise.* While every slice is within its margin, any of them is called failed with probability at most `alpha`, over
/// all metrics together. Source: Holm (1979), over the p-values of the tests that the metrics themselves are judged by.
pub(super) fn judge_slices(metrics: &[GoldenMetric], ask: &GoldenAsk) -> Vec<Vec<SliceJudgment>> {
    let mut judged: Vec<Vec<SliceJudgment>> = metrics
        .iter()
        .map(|metric| metric.slices.iter().map(|slice| one(metric, slice, ask)).collect())
        .collect();
    let mut family: Vec<&mut SliceJudgment> = judged.iter_mut().flatten().collect();
    let p_values: Vec<f64> = family.iter().map(|slice| slice.p_fail).collect();
    // They are probabilities, every one of them, so none is refused.
    let adjusted = holm(&p_values).unwrap_or_default();
    for (slice, p_fail) in family.iter_mut().zip(adjusted) {
        slice.p_fail = p_fail;
        if p_fail <= ask.alpha {
            slice.verdict = Verdict::Fail;
        }
    }
    judged
}

/// One slice by itself, with its own p-value.
fn one(metric: &GoldenMetric, slice: &GoldenSlice, ask: &GoldenAsk) -> SliceJudgment {
    let differences = Differences::of(metric, Aspect::Body).only(&slice.pairs);
    let ratio = metric.kind.is_ratio();
    let margin = if ratio { metric.margin.ln_1p() } else { metric.margin };
    let towards_good = metric.kind == crate::domain::MetricKind::Score;
    let shown = |d: f64| if ratio { d.exp_m1() } else { d };
    let estimated = estimate(&differences, ask.alpha).ok();
    let passes = estimated.is_some_and(|estimate| estimate.interval.1 < margin);
    SliceJudgment {
        name: slice.name.clone(),
        cases: differences.values.len() as u64,
        difference: estimated
            .map(|estimate| shown(if towards_good { -estimate.mean } else { estimate.mean })),
        interval: estimated.map(|estimate| match estimate.interval {
            (low, high) if towards_good => (shown(-high), shown(-low)),
            (low, high) => (shown(low), shown(high)),
        }),
        p_fail: p_fail(&differences, margin),
        verdict: if passes { Verdict::Pass } else { Verdict::Inconclusive },
        gates: slice.gates,
    }
}

/// The smallest error rate at which "worse by at most the margin" is refuted; 1 where no rate refutes it.
fn p_fail(differences: &Differences, margin: f64) -> f64 {
    let fails = |alpha| estimate(differences, alpha).is_ok_and(|estimate| estimate.interval.0 > margin);
    if !fails(ALPHA_MAX) {
        return 1.0;
    }
    let (mut low, mut high) = (ALPHA_MIN.ln(), ALPHA_MAX.ln());
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if fails(middle.exp()) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high.exp()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, graded};
    use super::*;
    use crate::judgment::judge_golden;

    /// Four hundred cases, right by both arms but for the first `lost` of slice `a`, which has a hundred.
    fn metric(lost: usize, gates: bool) -> GoldenMetric {
        let mut metric = graded(400, 0, 0, 400);
        metric.margin = 0.10;
        metric.pairs[..lost].iter_mut().for_each(|pair| pair.halves.candidate = Some(0.0));
        let slice = |name: &str, pairs: std::ops::Range<usize>| GoldenSlice {
            name: name.to_owned(),
            pairs: pairs.collect(),
            gates,
        };
        metric.slices = vec![slice("a", 0..100), slice("b", 100..250), slice("c", 250..400)];
        metric
    }

    fn judged(lost: usize, gates: bool) -> crate::judgment::Judgment {
        judge_golden(&[metric(lost, gates)], &ask())
    }

    #[test]
    fn a_loss_in_one_slice_is_named_though_the_whole_passes() {
        let judgment = judged(24, false);
        assert_eq!(judgment.verdict, Verdict::Pass);
        let [a, b, c] = &judgment.metrics[0].slices[..] else { panic!("three slices") };
        assert_eq!((a.verdict, b.verdict, c.verdict), (Verdict::Fail, Verdict::Pass, Verdict::Pass));
        assert_eq!((a.cases, a.difference), (100, Some(-0.24)));
        assert!(a.p_fail < 0.01 && b.p_fail == 1.0, "{} {}", a.p_fail, b.p_fail);
        let said = judgment.reasons.last().unwrap().to_string();
        assert!(
            said.starts_with(
                "m in slice \"a\": worse by 24 points, more than the margin of 10 points (100 cases, p ="
            ),
            "{said}"
        );
        assert!(said.ends_with("over all slices); shown, and gates nothing"), "{said}");
    }

    #[test]
    fn a_slice_that_gates_fails_the_verdict() {
        let judgment = judged(24, true);
        assert_eq!(judgment.verdict, Verdict::Fail);
        assert!(judgment.reasons[0].to_string().starts_with("m in slice \"a\""), "{:?}", judgment.reasons);
        assert_eq!(judged(12, true).verdict, Verdict::Pass, "within the noise of its margin");
    }

    #[test]
    fn what_one_slice_alone_would_prove_many_together_need_not() {
        let alone = GoldenMetric { slices: metric(18, false).slices[..1].to_vec(), ..metric(18, false) };
        let alone = judge_slices(&[alone], &ask())[0][0].clone();
        let among = judge_slices(&[metric(18, false)], &ask())[0][0].clone();
        assert!((among.p_fail / alone.p_fail - 3.0).abs() < 1e-6, "{} {}", among.p_fail, alone.p_fail);
        assert!(alone.p_fail < 0.05);
    }

    /// The p-value and the interval are one test: the slice that is the whole fails where the metric does.
    #[test]
    fn the_p_value_is_that_of_the_metrics_own_test() {
        for lost in [30, 40, 50, 52, 54, 60, 80] {
            let mut metric = metric(lost, false);
            metric.slices.truncate(1);
            metric.slices[0].pairs = (0..400).collect();
            let judgment = judge_golden(&[metric], &ask());
            let [whole] = &judgment.metrics[..] else { panic!("one metric") };
            assert_eq!(whole.verdict == Verdict::Fail, whole.slices[0].p_fail <= 0.05, "{lost}");
        }
    }
}
