//! From two values to a harm difference d in [−1, 1]; positive means that the candidate is worse.

use std::f64::consts::LN_2;

use super::{Aspect, Halves};
use crate::domain::MetricKind;

/// A value's harm in [0, 1]; only for kinds that are not ratios.
#[must_use]
pub(super) fn harm(kind: MetricKind, value: f64) -> f64 {
    match kind {
        MetricKind::Score => 1.0 - value,
        _ => value,
    }
}

/// The harm difference of one pair of point metrics. A lost candidate half is harm 1, a lost baseline
/// half is baseline harm 0: no loss can help the candidate.
#[must_use]
pub fn points(kind: MetricKind, halves: Halves) -> f64 {
    let candidate = halves.candidate.map_or(1.0, |value| harm(kind, value));
    let baseline = halves.baseline.map_or(0.0, |value| harm(kind, value));
    candidate - baseline
}

/// The halves as they are compared: latencies that the clocks cannot tell apart are the same latency. That is up to
/// `resolution_ms`, and never more than `share_max` of the quicker one: it depends on the pair alone and on both arms
/// alike, so swapping them mirrors it, and it hides no difference that a margin would not forgive.
#[must_use]
pub(super) fn resolved(halves: Halves, resolution_ms: f64, share_max: Option<f64>) -> Halves {
    let (Some(baseline), Some(candidate)) = (halves.baseline, halves.candidate) else { return halves };
    let most = share_max.map_or(f64::INFINITY, |share| share * baseline.min(candidate));
    if (candidate - baseline).abs() > resolution_ms.min(most) {
        return halves;
    }
    Halves { candidate: Some(baseline), ..halves }
}

/// The difference of one pair of ratios for one test; `tau` is the running tail threshold. `None`: the
/// test says nothing about this pair (no threshold yet). A lost half is the worst case.
#[must_use]
pub(super) fn ratio(aspect: Aspect, margin: f64, halves: Halves, tau: Option<f64>) -> Option<f64> {
    let (Some(baseline), Some(candidate)) = (halves.baseline, halves.candidate) else {
        return lost(aspect, halves, tau);
    };
    let log_ratio = (candidate / baseline).ln();
    let clipped = |x: f64| x.clamp(-LN_2, LN_2) / LN_2;
    Some(match aspect {
        // Subtract, then clip: clipping first lets a true +5 % pass when pairs are noisy.
        Aspect::Body => clipped(log_ratio - margin.ln_1p()),
        Aspect::Longer => clipped(log_ratio),
        Aspect::Shorter => -clipped(log_ratio),
        Aspect::Beyond(_) => indicator(candidate > tau?) - indicator(baseline > tau?),
        Aspect::Threefold => indicator(candidate > 3.0 * baseline) - indicator(baseline > 3.0 * candidate),
        // A copy on an idle candidate says nothing of what its users would wait for.
        Aspect::Limit(_) => return None,
    })
}

fn lost(aspect: Aspect, halves: Halves, tau: Option<f64>) -> Option<f64> {
    match aspect {
        Aspect::Limit(_) => None,
        Aspect::Beyond(_) => {
            let candidate = halves.candidate.map_or(Some(1.0), |value| Some(indicator(value > tau?)))?;
            let baseline = halves.baseline.map_or(Some(0.0), |value| Some(indicator(value > tau?)))?;
            Some(candidate - baseline)
        }
        // It can only fail, against half a point: what the baseline loses of its own would soon prove that.
        Aspect::Threefold => Some(indicator(halves.baseline.is_some())),
        _ => Some(1.0),
    }
}

fn indicator(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Tail;

    fn halves(baseline: Option<f64>, candidate: Option<f64>) -> Halves {
        Halves { baseline, candidate }
    }

    #[test]
    fn a_lost_baseline_half_never_helps_the_candidate() {
        for kind in [MetricKind::Event, MetricKind::Score, MetricKind::Harm] {
            for candidate in [0.0, 0.5, 1.0] {
                let lost = points(kind, halves(None, Some(candidate)));
                for baseline in [0.0, 0.5, 1.0] {
                    assert!(lost >= points(kind, halves(Some(baseline), Some(candidate))), "{kind}");
                }
            }
            assert_eq!(
                points(kind, halves(Some(1.0), None)),
                if kind == MetricKind::Score { 1.0 } else { 0.0 }
            );
            assert_eq!(points(kind, halves(None, None)), 1.0);
        }
    }

    #[test]
    fn a_latency_is_judged_by_its_ratio_whatever_the_unit() {
        for unit in [1.0, 1e-3, 1e6] {
            let pair = halves(Some(200.0 * unit), Some(220.0 * unit));
            let body = ratio(Aspect::Body, 0.05, pair, None).unwrap();
            assert!((body - (1.1_f64 / 1.05).ln() / LN_2).abs() < 1e-12);
            assert_eq!(ratio(Aspect::Threefold, 0.05, pair, None), Some(0.0));
        }
        assert_eq!(ratio(Aspect::Threefold, 0.05, halves(Some(1.0), Some(3.5)), None), Some(1.0));
        assert_eq!(ratio(Aspect::Threefold, 0.05, halves(Some(3.5), Some(1.0)), None), Some(-1.0));
    }

    #[test]
    fn what_the_baseline_loses_proves_no_tail_of_the_candidate() {
        let threefold =
            |baseline, candidate| ratio(Aspect::Threefold, 0.05, halves(baseline, candidate), None);
        assert_eq!(threefold(Some(1.0), None), Some(1.0));
        assert_eq!((threefold(None, Some(1.0)), threefold(None, None)), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn latencies_that_the_clocks_cannot_tell_apart_are_equal() {
        let check = |candidate, expected| {
            let resolved = resolved(halves(Some(2.0), candidate), 1.0, None);
            assert_eq!(resolved, halves(Some(2.0), expected));
        };
        check(Some(3.0), Some(2.0));
        check(Some(1.0), Some(2.0));
        check(Some(3.1), Some(3.1));
        check(None, None);
    }

    #[test]
    fn a_resolution_is_a_small_part_of_the_latency_whatever_the_unit_and_the_arm() {
        for unit in [1.0, 1e-3, 1e3] {
            let (quick, slow) = (200.0 * unit, 200.9 * unit);
            let same = |one, other| {
                let pair = resolved(halves(Some(one), Some(other)), unit, Some(0.01));
                pair.baseline == pair.candidate
            };
            assert!(same(quick, slow) && same(slow, quick), "{unit}");
            assert!(!same(quick, 1.15 * quick) && !same(1.15 * quick, quick), "{unit}");
        }
        let seconds = resolved(halves(Some(0.200), Some(0.230)), 1.0, Some(0.01));
        assert_eq!(seconds.candidate, Some(0.230), "1 ms in a file of seconds");
    }

    #[test]
    fn a_tail_without_a_threshold_says_nothing() {
        let beyond = Aspect::Beyond(Tail::P99);
        assert_eq!(ratio(beyond, 0.05, halves(Some(1.0), Some(9.0)), None), None);
        assert_eq!(ratio(beyond, 0.05, halves(Some(1.0), Some(9.0)), Some(5.0)), Some(1.0));
        assert_eq!(ratio(beyond, 0.05, halves(None, Some(9.0)), Some(5.0)), Some(1.0));
        assert_eq!(ratio(beyond, 0.05, halves(Some(9.0), None), Some(5.0)), Some(0.0));
    }
}
