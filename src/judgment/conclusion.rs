//! From metrics and checks to one verdict and the reasons for it, for every judge alike.

use super::{Check, CheckState, MetricJudgment, Reason, SliceJudgment, Unit, Verdict};

/// An alarm beats a failure, a failure beats every pass, and all that must pass has to.
pub(super) fn overall(metrics: &[MetricJudgment], checks: &[Check]) -> Verdict {
    if checks.iter().any(|check| matches!(check.state, CheckState::Alarm(_))) {
        return Verdict::Invalid;
    }
    let mut gating = metrics.iter().flat_map(failed_slices).filter(|slice| slice.gates);
    if gating.next().is_some() || metrics.iter().any(|metric| metric.verdict == Verdict::Fail) {
        return Verdict::Fail;
    }
    let mut required = metrics.iter().filter(|metric| metric.required).peekable();
    // Where nothing must pass, nothing can: no data and no demand are never a pass.
    if required.peek().is_some() && required.all(|metric| metric.verdict == Verdict::Pass) {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    }
}

fn failed_slices(metric: &MetricJudgment) -> impl Iterator<Item = &SliceJudgment> {
    metric.slices.iter().filter(|slice| slice.verdict == Verdict::Fail)
}

/// The reasons of a verdict, the decisive ones alone: what failed, what is awaited, or what passed. Behind them stand the
/// slices that failed, also where they decide nothing: a loss that is proven is worth a line.
pub(super) fn reasons(verdict: Verdict, metrics: &[MetricJudgment], checks: &[Check]) -> Vec<Reason> {
    if verdict == Verdict::Invalid {
        let alarms = checks.iter().filter_map(|check| match &check.state {
            CheckState::Alarm(text) => Some(Reason::Check { name: check.name, text: text.clone() }),
            _ => None,
        });
        return alarms.collect();
    }
    let decisive = metrics.iter().filter(|metric| match verdict {
        Verdict::Fail => metric.verdict == Verdict::Fail,
        Verdict::Pass => metric.required,
        _ => metric.required && metric.verdict != Verdict::Pass,
    });
    let mut reasons: Vec<_> = decisive.map(|metric| metric.reason.clone()).collect();
    let of_metric = |metric: &MetricJudgment, slice: &SliceJudgment| Reason::Slice {
        metric: metric.name.clone(),
        slice: slice.clone(),
        margin: metric.margin,
        unit: if metric.kind.is_ratio() { Unit::Percent } else { Unit::Points },
    };
    let slices =
        metrics.iter().flat_map(|metric| failed_slices(metric).map(move |slice| of_metric(metric, slice)));
    reasons.extend(slices);
    if reasons.is_empty() {
        reasons.push(Reason::Note("nothing must pass here, and nothing failed".to_owned()));
    }
    reasons
}
