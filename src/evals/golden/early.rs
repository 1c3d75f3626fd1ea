//! `--sequential`: cases are judged as they come, and asking ends once they decide.
//!
//! They come in the order that the seed gave, whatever order they are answered in: a case waits for those before it. So the
//! verdict is a function of suite, seed and answers, and not of who was faster.

use std::collections::HashSet;

use super::{Half, UNPARSABLE_MARGIN, scored, timed, unparsable, unread};
use crate::domain::{MetricKind, MetricName, Tail};
use crate::evals::error::EvalError;
use crate::evals::run::Sample;
use crate::evals::suite::{SliceRule, Suite};
use crate::evidence::{Collector, EvidenceDigest, Halves, Pair, Record, Snapshot};
use crate::judgment::{MetricPolicy, Policy, is_decided};

/// Fewer cases decide nothing, however clear they are.
const CASES_MIN: u64 = 20;

/// The cases of one run, judged in their order.
#[derive(Clone, Debug)]
pub struct Early {
    policy: Policy,
    collector: Collector,
    evidence: EvidenceDigest,
    /// Indices of cases in the order in which they are judged; those before `next` are.
    order: Vec<usize>,
    next: usize,
    decided: bool,
    answers: u64,
    tokens: u64,
}

impl Early {
    /// The cases of `suite` in `order`, judged so that a candidate within its margins fails with probability at most
    /// `abort_alpha`.
    ///
    /// # Errors
    /// When cases stand in clusters: then one says something of the next, and only a fixed sample knows how to count them. When
    /// slices gate: their tests are of one look.
    pub(in crate::evals) fn new(
        suite: &Suite,
        order: Vec<usize>,
        abort_alpha: f64,
    ) -> Result<Self, EvalError> {
        if suite.cases.iter().any(|case| case.cluster.is_some()) {
            return Err(EvalError::Clustered { file: suite.file.clone() });
        }
        if suite.slices == SliceRule::Gate {
            return Err(EvalError::SlicesGate { file: suite.file.clone() });
        }
        let policy = Self::policy_of(suite, abort_alpha);
        let collector = Collector::new(&policy.specs())?;
        let evidence = EvidenceDigest::default();
        Ok(Self { policy, collector, evidence, order, next: 0, decided: false, answers: 0, tokens: 0 })
    }

    /// What the cases of `suite` are judged by, one after the other. Answers that a grader may find nothing in have a guard
    /// from the first case on: what is judged is fixed before anything is seen.
    pub(in crate::evals) fn policy_of(suite: &Suite, abort_alpha: f64) -> Policy {
        let rule = |name: MetricName, kind, margin, required| MetricPolicy {
            name,
            kind,
            margin,
            abort_margin: None,
            required,
            tail: (kind == MetricKind::Latency).then_some(Tail::P99),
            max: None,
            resolution_ms: 0.0,
            resolution_of_margin: None,
        };
        let scores = suite.metrics.iter().flat_map(|one| {
            let guard = one.grader.may_find_nothing().then(|| unparsable(&one.name));
            let guard = guard.map(|name| rule(name, MetricKind::Harm, UNPARSABLE_MARGIN, false));
            std::iter::once(rule(one.name.clone(), MetricKind::Score, one.margin, one.required)).chain(guard)
        });
        let timings = suite.latency.named().into_iter();
        let timings =
            timings.map(|(timing, margin)| rule(timing.metric().into(), MetricKind::Latency, margin, false));
        let metrics = scores.chain(timings).collect();
        Policy { abort_alpha, pairs_min: CASES_MIN, metrics, ..Policy::default_live() }
    }

    /// Judges every case whose turn it is and that `answers` has, both arms whole, baseline first. Whether that decides.
    ///
    /// # Errors
    /// When a case cannot be judged.
    pub(in crate::evals) fn fold(
        &mut self,
        suite: &Suite,
        answers: impl Fn(usize) -> Option<[Vec<Sample>; 2]>,
    ) -> Result<bool, EvalError> {
        while !self.decided {
            let Some(case) = self.order.get(self.next).copied() else { break };
            let Some(samples) = answers(case) else { break };
            self.push(suite, case, &samples)?;
            self.next += 1;
            self.decided = is_decided(self.collector.snapshot(), &self.policy);
        }
        Ok(self.decided)
    }

    fn push(&mut self, suite: &Suite, case: usize, samples: &[Vec<Sample>; 2]) -> Result<(), EvalError> {
        let halves = |value: &dyn Fn(&[Sample]) -> Half| Half::pair(value(&samples[0]), value(&samples[1]));
        let mut metrics: Vec<(MetricName, Halves)> = Vec::new();
        for (index, metric) in suite.metrics.iter().enumerate() {
            metrics.extend(halves(&|arm| scored(arm, index)).map(|halves| (metric.name.clone(), halves)));
            if metric.grader.may_find_nothing() {
                let unread = halves(&|arm| unread(arm, index));
                metrics.extend(unread.map(|halves| (unparsable(&metric.name), halves)));
            }
        }
        for (timing, _) in suite.latency.named() {
            metrics.extend(halves(&|arm| timed(arm, timing)).map(|halves| (timing.metric().into(), halves)));
        }
        let seq = self.collector.snapshot().last() + 1;
        let record = Record::Pair(Pair { seq, id: suite.cases[case].id.clone(), metrics });
        self.collector.push(&record)?;
        self.evidence.push(&record);
        for sample in samples.iter().flatten() {
            self.answers += 1;
            self.tokens += u64::from(sample.output_tokens.unwrap_or(0));
        }
        Ok(())
    }

    /// The cases that were judged, by their index.
    pub(super) fn judged(&self) -> HashSet<usize> {
        self.order[..self.next].iter().copied().collect()
    }

    /// The cases that were judged.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        self.collector.snapshot()
    }

    /// What they are judged by.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Their digest.
    pub(super) fn evidence(&self) -> String {
        self.evidence.clone().text_so_far()
    }

    /// Where it stopped, and what that saved.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub(super) fn note(&self) -> String {
        let (judged, all) = (self.next, self.order.len());
        if !self.decided {
            return format!("sequential: not decided by {judged} of {all} cases");
        }
        let saved = (all - judged) as f64;
        let mut note = format!("sequential: decided after {judged} of {all} cases");
        if self.tokens > 0 && saved > 0.0 {
            note += &format!(", about {:.0} output tokens saved", self.tokens as f64 / judged as f64 * saved);
        }
        note
    }
}

#[cfg(test)]
mod tests;
