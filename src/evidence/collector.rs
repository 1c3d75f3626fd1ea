//! Folding records into a snapshot, in their order.

use super::load::{Comparable, Loads};
use super::recent::RecentIds;
use super::{Arrival, EvidenceError, Halves, LoadRange, MetricEvidence, MetricSpec, Pair, Record};
use crate::domain::{Arm, MetricName, Share};
use crate::stats::{BetGrid, NullDrift};

/// A pseudo-metric in pairs: requests in flight at each arm's endpoint when the halves were sent. It is
/// the load that latencies are compared at, and never judged itself.
pub const IN_FLIGHT: &str = "in_flight";

/// A pseudo-metric in pairs: whether an arm's answer, and the *same* arm's second answer to the same prompt,
/// failed. It shows whether copies fare like originals, and is never judged as a metric.
pub const NULL_FAILED: &str = "null_failed";

/// Sticky keys under one share, by the arm they went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The candidate's share.
    pub share: Share,
    /// Keys on the baseline.
    pub baseline: u64,
    /// Keys on the candidate.
    pub candidate: u64,
}

/// Everything a judge looks at. Snapshots of several proxies merge by addition.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    metrics: Vec<MetricEvidence>,
    records: u64,
    pairs: u64,
    assigned: Vec<Assigned>,
    loads: Loads,
    null_drift: NullDrift,
}

impl Snapshot {
    /// The metrics, in the order of their specifications.
    #[must_use]
    pub fn metrics(&self) -> &[MetricEvidence] {
        &self.metrics
    }

    /// One metric.
    #[must_use]
    pub fn metric(&self, name: &MetricName) -> Option<&MetricEvidence> {
        self.metrics.iter().find(|metric| metric.spec().name == *name)
    }

    /// Records folded.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Pairs among them.
    #[must_use]
    pub const fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Sticky keys by share and arm.
    #[must_use]
    pub fn assigned(&self) -> &[Assigned] {
        &self.assigned
    }

    /// Where an arm's load lay while pairs were made; `None` when no load was seen.
    #[must_use]
    pub fn load(&self, arm: Arm) -> Option<LoadRange> {
        self.loads.range(arm)
    }

    /// Whether copies fare like the originals they are copies of.
    #[must_use]
    pub const fn null_drift(&self) -> &NullDrift {
        &self.null_drift
    }

    /// Adds what another process saw.
    ///
    /// # Errors
    /// When the two do not measure the same metrics.
    pub fn merge(&mut self, other: &Self) -> Result<(), EvidenceError> {
        if self.metrics.len() != other.metrics.len() {
            return Err(EvidenceError::Mismatch);
        }
        for (mine, theirs) in self.metrics.iter_mut().zip(&other.metrics) {
            mine.merge(theirs)?;
        }
        self.records += other.records;
        self.pairs += other.pairs;
        for assigned in &other.assigned {
            let mine = self.keys_under(assigned.share);
            mine.baseline += assigned.baseline;
            mine.candidate += assigned.candidate;
        }
        self.loads.merge(&other.loads);
        Ok(self.null_drift.merge(&other.null_drift)?)
    }

    /// A pseudo-metric: what is needed beside the metrics and never judged as one.
    fn push_beside(&mut self, name: &MetricName, halves: Halves) -> Result<(), EvidenceError> {
        match (name.as_str(), halves.baseline, halves.candidate) {
            (IN_FLIGHT, baseline, candidate) => {
                for (arm, load) in [(Arm::Baseline, baseline), (Arm::Candidate, candidate)] {
                    load.into_iter().for_each(|load| self.loads.record(arm, load));
                }
            }
            (NULL_FAILED, Some(original), Some(copy)) => self.null_drift.update(original - copy)?,
            _ => {}
        }
        Ok(())
    }

    fn keys_under(&mut self, share: Share) -> &mut Assigned {
        let at = match self.assigned.binary_search_by_key(&share, |assigned| assigned.share) {
            Ok(at) => at,
            Err(at) => {
                self.assigned.insert(at, Assigned { share, baseline: 0, candidate: 0 });
                at
            }
        };
        &mut self.assigned[at]
    }
}

/// Folds records, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Collector {
    snapshot: Snapshot,
    last: u64,
    ids: RecentIds,
    /// Requests in flight at the latest arrival of each arm, baseline first.
    loads_before: [Option<f64>; 2],
}

impl Collector {
    /// A collector of `specs`, with nothing folded.
    ///
    /// # Errors
    /// When a margin leaves no room for a test.
    pub fn new(specs: &[MetricSpec]) -> Result<Self, EvidenceError> {
        let metrics = specs.iter().cloned().map(MetricEvidence::new).collect::<Result<_, _>>()?;
        let loads = Loads::new().map_err(|error| EvidenceError::Histogram(error.to_string()))?;
        let null_drift = NullDrift::new(BetGrid::Uniform)?;
        let snapshot = Snapshot { metrics, records: 0, pairs: 0, assigned: Vec::new(), loads, null_drift };
        Ok(Self { snapshot, last: 0, ids: RecentIds::default(), loads_before: [None; 2] })
    }

    /// Folds one record. Metrics that no specification names are passed over: they may be judged later
    /// under another policy.
    ///
    /// # Errors
    /// When the record is out of order, comes again, or holds a value its metric cannot take; nothing is
    /// folded then.
    pub fn push(&mut self, record: &Record) -> Result<(), EvidenceError> {
        let (seq, id) = (record.seq(), record.id());
        if seq != self.last + 1 {
            return Err(EvidenceError::Order { seq, last: self.last });
        }
        if self.ids.knows(id) {
            return Err(EvidenceError::Again { seq, id: id.to_owned() });
        }
        match record {
            Record::Pair(pair) => self.push_pair(pair)?,
            Record::Arrival(arrival) => self.push_arrival(arrival)?,
        }
        self.ids.remember(id);
        self.last = seq;
        self.snapshot.records += 1;
        Ok(())
    }

    /// A stage begins: one more abort wallet opens everywhere. Before the first record there is nothing to
    /// carry a debt from, so none does.
    pub fn open_stage(&mut self) {
        if self.snapshot.records == 0 {
            return;
        }
        self.snapshot.metrics.iter_mut().for_each(MetricEvidence::open);
    }

    /// What was folded so far.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn push_pair(&mut self, pair: &Pair) -> Result<(), EvidenceError> {
        for (name, halves) in &pair.metrics {
            for value in [halves.baseline, halves.candidate].into_iter().flatten() {
                self.admit(pair.seq, &pair.id, name, value)?;
            }
        }
        let loads =
            pair.metrics.iter().find(|(name, _)| name.as_str() == IN_FLIGHT).map(|(_, halves)| *halves);
        let loads =
            loads.map_or(Comparable::BOTH, |halves| Comparable::at(halves.baseline, halves.candidate));
        for (name, halves) in &pair.metrics {
            if let Some(metric) = self.metric(name) {
                metric.push(pair.seq, &pair.id, *halves, loads)?;
            } else {
                self.snapshot.push_beside(name, *halves)?;
            }
        }
        self.snapshot.pairs += 1;
        Ok(())
    }

    fn push_arrival(&mut self, arrival: &Arrival) -> Result<(), EvidenceError> {
        let alone = arrival.share == Share::FULL && arrival.arm == Arm::Candidate;
        if arrival.share == Share::ZERO || (arrival.share == Share::FULL && !alone) {
            let (seq, id, share) = (arrival.seq, arrival.id.clone(), arrival.share);
            return Err(EvidenceError::Share { seq, id, share });
        }
        for (name, value) in &arrival.metrics {
            self.admit(arrival.seq, &arrival.id, name, *value)?;
        }
        // Loads seen before this key was placed: what counts may not depend on where it went.
        let loads = Comparable::at(self.loads_before[0], self.loads_before[1]);
        for (name, value) in &arrival.metrics {
            if let Some(metric) = self.metric(name) {
                metric.arrive(arrival.arm, arrival.share, *value, loads)?;
            } else if name.as_str() == IN_FLIGHT {
                self.loads_before[usize::from(arrival.arm == Arm::Candidate)] = Some(*value);
            }
        }
        if alone {
            return Ok(());
        }
        let keys = self.snapshot.keys_under(arrival.share);
        match arrival.arm {
            Arm::Baseline => keys.baseline += 1,
            Arm::Candidate => keys.candidate += 1,
        }
        Ok(())
    }

    fn metric(&mut self, name: &MetricName) -> Option<&mut MetricEvidence> {
        self.snapshot.metrics.iter_mut().find(|metric| metric.spec().name == *name)
    }

    fn admit(&self, seq: u64, id: &str, name: &MetricName, value: f64) -> Result<(), EvidenceError> {
        match self.snapshot.metric(name) {
            Some(metric) if !metric.spec().kind.admits(value) => Err(EvidenceError::Value {
                seq,
                id: id.to_owned(),
                metric: name.clone(),
                value,
                kind: metric.spec().kind,
            }),
            _ => Ok(()),
        }
    }
}
