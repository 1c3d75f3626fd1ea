//! From metrics and checks to one verdict and the reasons for it, for every judge alike.

use super::{Check, CheckState, MetricJudgment, Reason, Verdict};

/// An alarm beats a failure, a failure beats every pass, and all that must pass has to.
pub(super) fn overall(metrics: &[MetricJudgment], checks: &[Check]) -> Verdict {
    if checks.iter().any(|check| matches!(check.state, CheckState::Alarm(_))) {
        return Verdict::Invalid;
    }
    if metrics.iter().any(|metric| metric.verdict == Verdict::Fail) {
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

/// The reasons of a verdict, the decisive ones alone: what failed, what is awaited, or what passed.
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
    if reasons.is_empty() {
        reasons.push(Reason::Note("nothing must pass here, and nothing failed".to_owned()));
    }
    reasons
}
