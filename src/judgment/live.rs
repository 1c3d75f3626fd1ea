//! The judge of live evidence: valid at every look, however often it is asked.

use super::budget::{Family, Stake};
use super::checks;
use super::conclusion::{overall, reasons};
use super::shown::{LEVEL, Shown};
use super::{AlphaLedger, Ask, Flips, Judgment, MetricJudgment, Opinion, Policy, Reason, Verdict};
use crate::domain::{Arm, MetricKind, MetricName};
use crate::evidence::{Aspect, MetricEvidence, Snapshot, Strand};

/// What this evidence says under this policy.
///
/// *Promise.* Whatever the number of looks and whenever they are made: a release within its margins is
/// ever called [`Verdict::Fail`] with probability at most `abort_alpha`, over all metrics and the whole
/// rollout; a required metric that is worse by its margin is ever passed with probability at most
/// `promote_alpha`. Fail beats Pass; a check in alarm beats both.
///
/// *Assumes* that records are judged in an order that does not depend on their outcome, and that
/// policy, metrics and margins were fixed before the first of them.
#[must_use]
pub fn judge(snapshot: &Snapshot, policy: &Policy, ask: &Ask) -> Judgment {
    let family = Family::weigh(snapshot, policy);
    let look = Look { snapshot, policy, ask, family: &family };
    let metrics: Vec<_> = family.stakes.iter().map(|stake| look.metric(stake)).collect();
    let checks = checks::all(snapshot, policy, &metrics, ask.question);
    let verdict = overall(&metrics, &checks);
    let pairs_needed = needed(verdict, &metrics, &look);
    Judgment {
        verdict,
        question: ask.question,
        subject: ask.subject.clone(),
        reasons: reasons(verdict, &metrics, &checks),
        metrics,
        checks,
        alpha: Some(AlphaLedger {
            abort: policy.abort_alpha,
            promote: policy.promote_alpha,
            log_e_abort: family.log_e,
        }),
        pairs_needed,
        pace: None,
    }
}

/// One look at the evidence.
struct Look<'a> {
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    ask: &'a Ask,
    family: &'a Family,
}

impl Look<'_> {
    fn metric(&self, stake: &Stake) -> MetricJudgment {
        let metric = &self.snapshot.metrics()[stake.metric];
        let strand = &metric.strands()[stake.strand];
        let shown = Shown::of(metric, strand);
        let (verdict, reason) = self.weigh(stake, metric, strand, &shown);
        let (better, worse) = metric.flips();
        let right_or_wrong = matches!(metric.spec().kind, MetricKind::Event | MetricKind::Score);
        MetricJudgment {
            name: shown.name,
            kind: shown.kind,
            verdict,
            required: self.must_pass(metric, strand.aspect()),
            pairs: strand.entered(),
            missing: metric.missing(),
            baseline: shown.baseline,
            candidate: shown.candidate,
            difference: shown.difference,
            interval: shown.interval,
            level: LEVEL,
            margin: shown.margin,
            log_e_promote: Some(stake.log_e_promote),
            log_e_abort: Some(stake.log_e_abort),
            weight: Some(stake.weight),
            flips: right_or_wrong.then_some(Flips { better, worse }),
            opinion: match &reason {
                Reason::BeyondMargin { opinion, .. } => *opinion,
                _ => None,
            },
            strata: shown.strata,
            slices: Vec::new(),
            noise: None,
            reason,
            examples: if verdict == Verdict::Fail {
                metric.examples().map(str::to_owned).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Tails are guards always: what must pass is the body.
    fn must_pass(&self, metric: &MetricEvidence, aspect: Aspect) -> bool {
        let body = matches!(aspect, Aspect::Body | Aspect::Longer | Aspect::Shorter);
        body && self.ask.must_pass.contains(&metric.spec().name)
    }

    fn weigh(
        &self,
        stake: &Stake,
        metric: &MetricEvidence,
        strand: &Strand,
        shown: &Shown,
    ) -> (Verdict, Reason) {
        let name = &shown.name;
        if self.family.failed(stake) && strand.entered() > 0 {
            return (Verdict::Fail, self.beyond(strand, shown));
        }
        if self.is_refuted(stake.log_e_promote) && strand.entered() > 0 {
            return (Verdict::Pass, self.within(shown));
        }
        if let Some(reason) = self.within_limit(metric, strand, name) {
            return (Verdict::Pass, reason);
        }
        let reason = if strand.entered() == 0 {
            Reason::NoData { metric: name.clone() }
        } else if let Some(reason) = self.under_other_conditions(metric, strand, name) {
            reason
        } else {
            self.not_enough(stake, shown)
        };
        (Verdict::Inconclusive, reason)
    }

    fn beyond(&self, strand: &Strand, shown: &Shown) -> Reason {
        Reason::BeyondMargin {
            metric: shown.name.clone(),
            worse_by: shown.worse_by,
            worse_by_users: shown.worse_by_users,
            interval: shown.harms(),
            margin: shown.abort_margin,
            unit: shown.unit,
            seen: shown.seen,
            alpha: self.policy.abort_alpha,
            question: self.ask.question,
            opinion: Opinion::of(self.snapshot, strand),
            strata: shown.strata.clone(),
        }
    }

    fn within(&self, shown: &Shown) -> Reason {
        let alpha = self.policy.promote_alpha;
        Reason::WithinMargin {
            metric: shown.name.clone(),
            worst: shown.worst(alpha),
            margin: shown.margin,
            unit: shown.unit,
            seen: shown.seen,
            alpha,
        }
    }

    fn not_enough(&self, stake: &Stake, shown: &Shown) -> Reason {
        Reason::NotEnough {
            metric: shown.name.clone(),
            seen: shown.seen,
            interval: shown.harms(),
            margin: shown.margin,
            unit: shown.unit,
            needed: self.needed(stake),
            pace: None,
            strata: shown.strata.clone(),
        }
    }

    /// Whether "worse by the margin or more" is refuted, on enough evidence.
    fn is_refuted(&self, log_e_promote: f64) -> bool {
        let refuted = log_e_promote >= -self.policy.promote_alpha.ln();
        refuted && self.snapshot.records() >= self.policy.pairs_min
    }

    /// A latency's body that no load lets compare passes by its absolute limit, where one is set and holds.
    fn within_limit(&self, metric: &MetricEvidence, strand: &Strand, name: &MetricName) -> Option<Reason> {
        let tests = metric.strands().iter().filter(|_| strand.aspect() == Aspect::Body);
        let limited = |test: &Strand| match test.aspect() {
            Aspect::Limit(limit) if self.is_refuted(test.log_e_promote()) => Some((limit, test.entered())),
            _ => None,
        };
        let (limit, users) = tests.filter_map(limited).next()?;
        Some(Reason::WithinLimit { metric: name.clone(), limit, users, alpha: self.policy.promote_alpha })
    }

    /// A latency that waits for pairs under like conditions, because most were seen on an idle candidate, with prompts
    /// in the cache, or by a clock that was read late.
    fn under_other_conditions(
        &self,
        metric: &MetricEvidence,
        strand: &Strand,
        name: &MetricName,
    ) -> Option<Reason> {
        if metric.spec().kind != MetricKind::Latency || 2 * strand.for_candidate() >= strand.entered() {
            return None;
        }
        let (late, measured) = (self.snapshot.late(), self.snapshot.pairs() + self.snapshot.arrivals());
        if 2 * late > measured {
            return Some(Reason::LateTimers { metric: name.clone(), late, measured });
        }
        let loads = [Arm::Baseline, Arm::Candidate].map(|arm| self.snapshot.load(arm));
        let prompts = [Arm::Baseline, Arm::Candidate].map(|arm| self.snapshot.uncached_tokens(arm));
        let (what, seen) = match prompts {
            [Some(baseline), Some(candidate)] if !candidate.meets(baseline) => {
                ("prompt tokens to read", prompts)
            }
            _ => ("requests in flight", loads),
        };
        let [baseline, candidate] = seen.map(|range| range.map(|range| (range.low, range.high)));
        Some(Reason::NotComparable { metric: name.clone(), what, baseline: baseline?, candidate: candidate? })
    }

    /// Records still needed to pass if the promote side grows as it did, never fewer than the minimum asks. Records that
    /// do not speak of the metric, or not for the candidate, go on coming as they did, and are counted: so is their time.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate for people, from positive numbers; `as` saturates"
    )]
    fn needed(&self, stake: &Stake) -> Option<u64> {
        let (log_e, records) = (stake.log_e_promote, self.snapshot.records());
        let short_of_min = self.policy.pairs_min.saturating_sub(records);
        let missing = -self.policy.promote_alpha.ln() - log_e;
        if missing <= 0.0 {
            return Some(short_of_min);
        }
        (log_e > 0.0).then(|| ((missing / (log_e / records as f64)).ceil() as u64).max(short_of_min))
    }
}

/// The largest need among what must pass; `None` when one of them shows no trend toward passing.
fn needed(verdict: Verdict, metrics: &[MetricJudgment], look: &Look<'_>) -> Option<u64> {
    if verdict != Verdict::Inconclusive {
        return Some(0);
    }
    let waiting = metrics.iter().zip(&look.family.stakes);
    waiting
        .filter(|(metric, _)| metric.required && metric.verdict != Verdict::Pass)
        .map(|(_, stake)| look.needed(stake))
        .try_fold(0, |most, needed| Some(needed?.max(most)))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod users_tests;
