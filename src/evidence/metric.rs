//! One metric's evidence: its strands, its means, its missing halves and the pairs that speak loudest.

use super::conditions::{Conditions, Contains};
use super::harm::{harm, points, ratio, resolved};
use super::load::Comparable;
use super::strand::Pace;
use super::sums::{LatencyHistogram, Sum};
use super::{Arrival, Aspect, EvidenceError, Halves, MetricSpec, Strand};
use crate::domain::{Arm, MetricKind, Share};
use crate::stats::RampScore;

/// Example ids kept: enough to look at, too few to weigh.
const EXAMPLES_MAX: usize = 5;

/// Baseline latencies seen before a tail threshold is trusted enough to be worth betting on. Any number
/// would be valid, because the threshold comes from earlier observations only.
const THRESHOLD_AFTER: u64 = 100;

/// A tail threshold is read anew once the baseline's latencies are this many times more: reading it costs a
/// walk over the histogram, and a threshold from a little earlier is as valid.
const THRESHOLD_GROWTH: f64 = 1.03;

/// The harm guessed for the first key of a ramp, before any harm was seen.
const FIRST_GUESS: f64 = 0.0;

/// Everything learned of one metric.
///
/// What is summed merges exactly. What is read *while* summing (the tail threshold, the guess of a ramp, the start of
/// a wallet) would depend on which replica saw what, so replicas are told it at snapshots of all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricEvidence {
    spec: MetricSpec,
    contains: Contains,
    strands: Vec<Strand>,
    pairs: u64,
    arrivals: u64,
    missing: u64,
    /// Those of them that lack the baseline's half.
    lost_baseline: u64,
    better: u64,
    worse: u64,
    /// Values of the two arms; logarithms for ratio kinds.
    baseline: Sum,
    candidate: Sum,
    /// Harm of arrivals of either arm: the guess ŷ.
    arrival_harm: Sum,
    latencies: Option<[LatencyHistogram; 2]>,
    tau: Threshold,
    pace: Pace,
    /// The guess that a replica was told.
    guess: Option<f64>,
    /// Worst pairs and users: d (a user's harm), then number and id; worst first, earliest first among equals.
    examples: Vec<(f64, u64, String)>,
}

/// The tail threshold that bets use.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Threshold {
    value_ms: Option<f64>,
    /// Baseline latencies at which it is read next.
    next_at: u64,
}

impl MetricEvidence {
    pub(super) fn new(spec: MetricSpec, pace: Pace) -> Result<Self, EvidenceError> {
        let strands = spec.aspects().into_iter().map(|aspect| Strand::new(&spec, aspect, pace));
        let strands = strands.collect::<Result<_, _>>()?;
        let histogram =
            || LatencyHistogram::new().map_err(|error| EvidenceError::Histogram(error.to_string()));
        let latencies = match spec.kind {
            MetricKind::Latency => Some([histogram()?, histogram()?]),
            _ => None,
        };
        Ok(Self {
            contains: Contains::of(spec.kind, spec.name.as_str()),
            spec,
            strands,
            latencies,
            tau: Threshold { value_ms: None, next_at: THRESHOLD_AFTER },
            pace,
            guess: None,
            pairs: 0,
            arrivals: 0,
            missing: 0,
            lost_baseline: 0,
            better: 0,
            worse: 0,
            baseline: Sum::default(),
            candidate: Sum::default(),
            arrival_harm: Sum::default(),
            examples: Vec::new(),
        })
    }

    /// Folds one pair. The threshold is read before the pair's own latencies are added.
    pub(super) fn push(
        &mut self,
        seq: u64,
        id: &str,
        halves: Halves,
        conditions: Conditions,
    ) -> Result<(), EvidenceError> {
        let at = conditions.for_time(self.contains);
        let compared = resolved(halves, self.spec.resolution_ms, self.spec.resolution_share);
        let mut worst: Option<f64> = None;
        for strand in &mut self.strands {
            let d = |margin| match self.spec.kind.is_ratio() {
                true => ratio(strand.aspect(), margin, compared, self.tau.value_ms),
                false => Some(points(self.spec.kind, halves)),
            };
            // The two sides differ only where the margin is taken off inside d, and is not the same.
            let Some(promote) = d(self.spec.margin) else { continue };
            let same = self.spec.margin == self.spec.abort_margin;
            let Some(abort) = (if same { Some(promote) } else { d(self.spec.abort_margin) }) else {
                continue;
            };
            strand.push(promote, abort, at, conditions.kinds())?;
            strand.push_block(seq, abort, at)?;
            worst = Some(worst.map_or(abort, |worst| worst.max(abort)));
        }
        self.count(halves);
        self.remember(worst.unwrap_or(0.0), seq, id);
        Ok(())
    }

    /// Folds one sticky key's value under a split. A body of latencies needs pairs and takes none. Where nobody is
    /// left on the baseline there is nothing to compare with, and only an absolute limit still speaks.
    pub(super) fn arrive(
        &mut self,
        arrival: &Arrival,
        value: f64,
        conditions: Conditions,
    ) -> Result<(), EvidenceError> {
        self.arrivals += 1;
        let Arrival { seq, id, arm, share, .. } = arrival;
        let mut harm = self.weigh_limit(*arm, value, conditions.for_limit())?;
        if *share < Share::FULL {
            let at = conditions.for_time(self.contains);
            harm = harm.max(self.weigh_split(*arm, share.fraction(), value, at)?);
        }
        self.value(*arm, value);
        if *arm == Arm::Candidate {
            self.remember(harm, *seq, id);
        }
        Ok(())
    }

    /// The harm of having been over the limit.
    fn weigh_limit(&mut self, arm: Arm, value: f64, at: Comparable) -> Result<f64, EvidenceError> {
        let mut over = false;
        for strand in &mut self.strands {
            if let (Aspect::Limit(limit), Arm::Candidate) = (strand.aspect(), arm) {
                over = value > limit.ms;
                strand.push_limit(over, at)?;
            }
        }
        Ok(f64::from(u8::from(over)))
    }

    /// The key's own harm.
    fn weigh_split(
        &mut self,
        arm: Arm,
        share: f64,
        value: f64,
        at: Comparable,
    ) -> Result<f64, EvidenceError> {
        let tau = self.tau.value_ms;
        let kind = self.spec.kind;
        let y = match kind {
            MetricKind::Latency => tau.map(|tau| f64::from(u8::from(value > tau))),
            MetricKind::Length | MetricKind::Disagreement => None,
            _ => Some(harm(kind, value)),
        };
        let guess = match self.pace {
            Pace::Own => self.arrival_harm.mean(),
            Pace::Told => self.guess,
        };
        let guess = guess.unwrap_or(FIRST_GUESS).clamp(0.0, 1.0);
        if let Some(y) = y {
            let score = match arm {
                Arm::Candidate => RampScore::candidate(y, guess, share)?,
                Arm::Baseline => RampScore::baseline(y, guess, share)?,
            };
            let takes = |aspect| match kind {
                MetricKind::Latency => matches!(aspect, Aspect::Beyond(_)),
                _ => aspect == Aspect::Body,
            };
            for strand in self.strands.iter_mut().filter(|strand| takes(strand.aspect())) {
                strand.push_ramp(score, at)?;
            }
            self.arrival_harm.add(y);
        }
        Ok(y.unwrap_or(0.0))
    }

    pub(super) fn open(&mut self) {
        self.strands.iter_mut().for_each(Strand::open);
    }

    /// Takes over what only all replicas together can say: wallets, tail threshold and guess.
    pub(super) fn hear(&mut self, all: &Self, last: u64) -> Result<(), EvidenceError> {
        for (mine, of_all) in self.strands.iter_mut().zip(&all.strands) {
            mine.hear(of_all, last)?;
        }
        self.tau.value_ms = all.threshold_ms();
        self.guess = all.arrival_harm.mean();
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), EvidenceError> {
        if self.spec != other.spec || self.pace != other.pace {
            return Err(EvidenceError::Mismatch);
        }
        for (mine, theirs) in self.strands.iter_mut().zip(&other.strands) {
            mine.merge(theirs)?;
        }
        self.pairs += other.pairs;
        self.arrivals += other.arrivals;
        self.missing += other.missing;
        self.lost_baseline += other.lost_baseline;
        self.better += other.better;
        self.worse += other.worse;
        self.baseline.merge(&other.baseline);
        self.candidate.merge(&other.candidate);
        self.arrival_harm.merge(&other.arrival_harm);
        if let (Some(mine), Some(theirs)) = (&mut self.latencies, &other.latencies) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(theirs));
        }
        self.tau =
            Threshold { value_ms: self.threshold_ms(), next_at: self.tau.next_at.max(other.tau.next_at) };
        for (d, seq, id) in &other.examples {
            self.remember(*d, *seq, id);
        }
        Ok(())
    }

    fn count(&mut self, halves: Halves) {
        self.pairs += 1;
        self.missing += u64::from(halves.baseline.is_none() || halves.candidate.is_none());
        self.lost_baseline += u64::from(halves.baseline.is_none());
        if let Some(value) = halves.baseline {
            self.value(Arm::Baseline, value);
        }
        if let Some(value) = halves.candidate {
            self.value(Arm::Candidate, value);
        }
        if !self.spec.kind.is_ratio() {
            let d = points(self.spec.kind, halves);
            self.better += u64::from(d < 0.0);
            self.worse += u64::from(d > 0.0);
        }
    }

    fn value(&mut self, arm: Arm, value: f64) {
        let shown = if self.spec.kind.is_ratio() { value.ln() } else { value };
        match arm {
            Arm::Baseline => self.baseline.add(shown),
            Arm::Candidate => self.candidate.add(shown),
        }
        if let Some(latencies) = &mut self.latencies {
            latencies[index(arm)].record(value);
            let seen = latencies[0].count();
            if self.pace == Pace::Own && seen >= self.tau.next_at {
                self.tau = Threshold { value_ms: self.threshold_ms(), next_at: grown(seen) };
            }
        }
    }

    fn remember(&mut self, d: f64, seq: u64, id: &str) {
        if d <= 0.0 {
            return;
        }
        let at = self
            .examples
            .partition_point(|(known, earlier, _)| *known > d || (*known == d && *earlier < seq));
        if at < EXAMPLES_MAX {
            self.examples.insert(at, (d, seq, id.to_owned()));
            self.examples.truncate(EXAMPLES_MAX);
        }
    }

    /// The baseline's tail quantile in milliseconds over all that was folded so far.
    #[must_use]
    pub fn threshold_ms(&self) -> Option<f64> {
        let baseline = &self.latencies.as_ref()?[0];
        (baseline.count() >= THRESHOLD_AFTER)
            .then(|| baseline.quantile_ms(self.spec.tail?.quantile()))
            .flatten()
    }

    /// What is measured.
    #[must_use]
    pub const fn spec(&self) -> &MetricSpec {
        &self.spec
    }

    /// The tests, body first.
    #[must_use]
    pub fn strands(&self) -> &[Strand] {
        &self.strands
    }

    /// Pairs that spoke of this metric, missing halves included.
    #[must_use]
    pub const fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Sticky keys that spoke of this metric.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Pairs with a missing half.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// Pairs whose baseline half is missing: their harm is not all the candidate's own.
    #[must_use]
    pub const fn lost_baseline(&self) -> u64 {
        self.lost_baseline
    }

    /// Pairs in which the candidate did (better, worse); zero for ratio kinds.
    #[must_use]
    pub const fn flips(&self) -> (u64, u64) {
        (self.better, self.worse)
    }

    /// The mean of an arm's values in the metric's unit; geometric for ratio kinds.
    #[must_use]
    pub fn mean(&self, arm: Arm) -> Option<f64> {
        let sum = match arm {
            Arm::Baseline => &self.baseline,
            Arm::Candidate => &self.candidate,
        };
        sum.mean().map(|mean| if self.spec.kind.is_ratio() { mean.exp() } else { mean })
    }

    /// An arm's latencies.
    #[must_use]
    pub fn latencies(&self, arm: Arm) -> Option<&LatencyHistogram> {
        self.latencies.as_ref().map(|both| &both[index(arm)])
    }

    /// Ids of the worst pairs and of the users who fared worst on the candidate, worst first.
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(|(_, _, id)| id.as_str())
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count"
)]
fn grown(count: u64) -> u64 {
    ((count as f64 * THRESHOLD_GROWTH) as u64).max(count + 1)
}

const fn index(arm: Arm) -> usize {
    match arm {
        Arm::Baseline => 0,
        Arm::Candidate => 1,
    }
}
