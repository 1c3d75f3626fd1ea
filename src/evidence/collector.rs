//! Folding records into a snapshot, in their order.

use super::conditions::{Circumstances, Condition, Conditions};
use super::drops::Drops;
use super::recent::{IdDigest, RecentIds};
use super::strand::Pace;
use super::{Arrival, EvidenceError, Halves, LoadRange, MetricEvidence, MetricSpec, Pair, Record};
use crate::domain::{Arm, MetricKind, MetricName, Share};
use crate::stats::{BetGrid, NullDrift};

/// A pseudo-metric in pairs: whether an arm's answer, and the *same* arm's second answer to the same prompt,
/// failed. It shows whether copies fare like originals, and is never judged as a metric.
pub const NULL_FAILED: &str = "null_failed";

/// A pseudo-metric in pairs: length of the client's request in bytes. Its candidate half is missing where the copy was
/// dropped for want of room; such a record is no pair, and says what was lost.
pub const REQUEST_BYTES: &str = "request_bytes";

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
    /// The number of the last record.
    last: u64,
    records: u64,
    pairs: u64,
    arrivals: u64,
    assigned: Vec<Assigned>,
    circumstances: Circumstances,
    null_drift: NullDrift,
    drops: Drops,
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

    /// The number of the last record folded.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
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

    /// Sticky keys among them, also those under a share of 100 %.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Sticky keys by share and arm.
    #[must_use]
    pub fn assigned(&self) -> &[Assigned] {
        &self.assigned
    }

    /// Where an arm's load lay while pairs were made; `None` when no load was seen.
    #[must_use]
    pub fn load(&self, arm: Arm) -> Option<LoadRange> {
        self.circumstances.in_flight(arm)
    }

    /// Where the prompt tokens lay that an arm had to read; `None` where no engine told.
    #[must_use]
    pub fn uncached_tokens(&self, arm: Arm) -> Option<LoadRange> {
        self.circumstances.uncached_tokens(arm)
    }

    /// Pairs and keys whose times say nothing, because timers of the proxy's process ran late when they were sent.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.circumstances.late()
    }

    /// Whether copies fare like the originals they are copies of.
    #[must_use]
    pub const fn null_drift(&self) -> &NullDrift {
        &self.null_drift
    }

    /// Copies that were dropped, against those that were sent.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Forgets the metrics that `keep` does not want, as if no specification had named them.
    pub fn retain(&mut self, keep: impl Fn(&MetricName) -> bool) {
        self.metrics.retain(|metric| keep(&metric.spec().name));
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
        self.last = self.last.max(other.last);
        self.records += other.records;
        self.pairs += other.pairs;
        self.arrivals += other.arrivals;
        for assigned in &other.assigned {
            let mine = self.keys_under(assigned.share);
            mine.baseline += assigned.baseline;
            mine.candidate += assigned.candidate;
        }
        self.circumstances.merge(&other.circumstances);
        self.drops.merge(&other.drops)?;
        Ok(self.null_drift.merge(&other.null_drift)?)
    }

    /// A pseudo-metric: what is needed beside the metrics and never judged as one.
    fn push_beside(&mut self, place: Place, halves: Halves) -> Result<(), EvidenceError> {
        match (place, halves.baseline, halves.candidate) {
            (Place::Condition(condition), ..) => self.circumstances.record(condition, halves),
            (Place::NullFailed, Some(original), Some(copy)) => self.null_drift.update(original - copy)?,
            (Place::RequestBytes, Some(bytes), Some(_)) => self.drops.sent(bytes),
            (Place::RequestBytes, Some(bytes), None) => self.drops.dropped(bytes)?,
            _ => {}
        }
        Ok(())
    }

    fn place(&self, name: &MetricName) -> Place {
        let metric = self.metrics.iter().position(|metric| metric.spec().name == *name);
        match (metric, name.as_str()) {
            (Some(metric), _) => Place::Metric(metric),
            (None, NULL_FAILED) => Place::NullFailed,
            (None, REQUEST_BYTES) => Place::RequestBytes,
            (None, name) => Condition::named(name).map_or(Place::Nothing, Place::Condition),
        }
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
    ids: RecentIds,
    /// Requests in flight at the latest arrival of each arm, baseline first.
    loads_before: [Option<f64>; 2],
    /// Where the names of a record led last time, by position: records are alike.
    places: Vec<(MetricName, Place)>,
    null_failed: MetricName,
    pace: Pace,
}

/// What a name in a record means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The metric at this position in the snapshot.
    Metric(usize),
    Condition(Condition),
    NullFailed,
    RequestBytes,
    /// Nothing that is measured.
    Nothing,
}

impl Collector {
    /// A collector of `specs`, with nothing folded.
    ///
    /// # Errors
    /// When a margin leaves no room for a test.
    pub fn new(specs: &[MetricSpec]) -> Result<Self, EvidenceError> {
        Self::at_pace(specs, Pace::Own)
    }

    /// A collector of one replica among several, whose snapshots are merged: it opens no wallet, moves no tail
    /// threshold and changes no guess by itself, but when it [hears](Self::hear) from all of them. Its records
    /// are some of all, so their numbers rise with gaps.
    ///
    /// # Errors
    /// When a margin leaves no room for a test.
    pub fn of_replica(specs: &[MetricSpec]) -> Result<Self, EvidenceError> {
        Self::at_pace(specs, Pace::Told)
    }

    fn at_pace(specs: &[MetricSpec], pace: Pace) -> Result<Self, EvidenceError> {
        let metrics = specs.iter().cloned().map(|spec| MetricEvidence::new(spec, pace));
        let metrics = metrics.collect::<Result<_, _>>()?;
        let snapshot = Snapshot {
            metrics,
            last: 0,
            records: 0,
            pairs: 0,
            arrivals: 0,
            assigned: Vec::new(),
            circumstances: Circumstances::new()?,
            null_drift: NullDrift::new(BetGrid::Uniform)?,
            drops: Drops::new(pace)?,
        };
        Ok(Self {
            snapshot,
            ids: RecentIds::default(),
            loads_before: [None; 2],
            places: Vec::new(),
            null_failed: NULL_FAILED.into(),
            pace,
        })
    }

    /// Folds one record. Metrics that no specification names are passed over: they may be judged later
    /// under another policy.
    ///
    /// # Errors
    /// When the record is out of order, comes again, or holds a value its metric cannot take; nothing is
    /// folded then.
    pub fn push(&mut self, record: &Record) -> Result<(), EvidenceError> {
        let seq = record.seq();
        let id = IdDigest::of(record.id());
        if self.ids.first(id).is_some() {
            return Err(EvidenceError::Again { seq, id: record.id().to_owned() });
        }
        self.push_distinct(record)?;
        self.ids.claim(id, seq).map_err(|_| EvidenceError::Again { seq, id: record.id().to_owned() })
    }

    /// As [`Collector::push`], where whoever reads the records has seen to it that none of their ids comes again.
    ///
    /// # Errors
    /// As there, but for an id that comes again.
    pub fn push_distinct(&mut self, record: &Record) -> Result<(), EvidenceError> {
        let seq = record.seq();
        let follows = match self.pace {
            Pace::Own => seq == self.snapshot.last + 1,
            Pace::Told => seq > self.snapshot.last,
        };
        if !follows {
            return Err(EvidenceError::Order { seq, last: self.snapshot.last });
        }
        match record {
            Record::Pair(pair) => self.push_pair(pair)?,
            Record::Arrival(arrival) => self.push_arrival(arrival)?,
        }
        self.snapshot.last = seq;
        self.snapshot.records += 1;
        Ok(())
    }

    /// A stage begins: one more abort wallet opens everywhere. Before the first record there is nothing to
    /// carry a debt from, so none does; of replicas, whoever merges knows whether there was one.
    pub fn open_stage(&mut self) {
        if self.pace == Pace::Own && self.snapshot.records == 0 {
            return;
        }
        self.snapshot.metrics.iter_mut().for_each(MetricEvidence::open);
    }

    /// A snapshot of all replicas was taken, this one's among them. From here on every replica bets alike: the same
    /// wallets are open, and the tail threshold, the guess of a ramp and the blocks that are whole are those of `all`.
    ///
    /// # Errors
    /// When `all` does not measure the same metrics; nothing is changed.
    pub fn hear(&mut self, all: &Snapshot) -> Result<(), EvidenceError> {
        let (mine, of_all) = (&mut self.snapshot.metrics, &all.metrics);
        if mine.len() != of_all.len() || mine.iter().zip(of_all).any(|(a, b)| a.spec() != b.spec()) {
            return Err(EvidenceError::Mismatch);
        }
        for (mine, of_all) in mine.iter_mut().zip(of_all) {
            mine.hear(of_all, all.last)?;
        }
        self.snapshot.drops.hear(&all.drops);
        Ok(())
    }

    /// What was folded so far.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What was folded, without the means to fold more.
    #[must_use]
    pub fn into_snapshot(self) -> Snapshot {
        self.snapshot
    }

    fn push_pair(&mut self, pair: &Pair) -> Result<(), EvidenceError> {
        let mut conditions = Conditions::ALIKE;
        for (at, (name, halves)) in pair.metrics.iter().enumerate() {
            let place = self.place(at, name);
            for value in [halves.baseline, halves.candidate].into_iter().flatten() {
                self.admit(place, pair.seq, &pair.id, value)?;
            }
            match place {
                Place::Condition(condition) => conditions.take(condition, *halves),
                Place::RequestBytes => conditions.take_length(*halves),
                Place::Metric(_) | Place::NullFailed | Place::Nothing => {}
            }
        }
        for (at, (_, halves)) in pair.metrics.iter().enumerate() {
            match self.places[at].1 {
                Place::Metric(metric) => {
                    self.snapshot.metrics[metric].push(pair.seq, &pair.id, *halves, conditions)?;
                }
                place => self.snapshot.push_beside(place, *halves)?,
            }
        }
        if !is_dropped(pair) {
            self.snapshot.pairs += 1;
        }
        Ok(())
    }

    fn push_arrival(&mut self, arrival: &Arrival) -> Result<(), EvidenceError> {
        let alone = arrival.share == Share::FULL && arrival.arm == Arm::Candidate;
        if arrival.share == Share::ZERO || (arrival.share == Share::FULL && !alone) {
            let (seq, id, share) = (arrival.seq, arrival.id.clone(), arrival.share);
            return Err(EvidenceError::Share { seq, id, share });
        }
        // Loads seen before this key was placed: what counts may not depend on where it went.
        let mut conditions = Conditions::at_loads(self.loads_before);
        for (at, (name, value)) in arrival.metrics.iter().enumerate() {
            let place = self.place(at, name);
            self.admit(place, arrival.seq, &arrival.id, *value)?;
            if place == Place::Condition(Condition::TimersLate) {
                conditions.take(Condition::TimersLate, of_one(*value));
            }
        }
        for (at, (_, value)) in arrival.metrics.iter().enumerate() {
            match self.places[at].1 {
                Place::Metric(metric) => {
                    self.snapshot.metrics[metric].arrive(arrival, *value, conditions)?;
                }
                Place::Condition(Condition::InFlight) => {
                    self.loads_before[usize::from(arrival.arm == Arm::Candidate)] = Some(*value);
                }
                Place::Condition(Condition::TimersLate) => {
                    self.snapshot.circumstances.record(Condition::TimersLate, of_one(*value));
                }
                Place::Condition(_) | Place::NullFailed | Place::RequestBytes | Place::Nothing => {}
            }
        }
        self.snapshot.arrivals += 1;
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

    /// What `name`, at position `at` of a record, means.
    fn place(&mut self, at: usize, name: &MetricName) -> Place {
        match self.places.get_mut(at) {
            Some((known, place)) if known == name => *place,
            known => {
                let place = self.snapshot.place(name);
                match known {
                    Some(known) => *known = (name.clone(), place),
                    None => self.places.push((name.clone(), place)),
                }
                place
            }
        }
    }

    fn admit(&self, place: Place, seq: u64, id: &str, value: f64) -> Result<(), EvidenceError> {
        let (kind, metric) = match place {
            Place::Metric(metric) => {
                let spec = self.snapshot.metrics[metric].spec();
                (spec.kind, &spec.name)
            }
            // Whether something failed, as a share of it: what drifts is a difference of two such.
            Place::NullFailed => (MetricKind::Harm, &self.null_failed),
            Place::Condition(_) | Place::RequestBytes | Place::Nothing => return Ok(()),
        };
        if kind.admits(value) {
            return Ok(());
        }
        Err(EvidenceError::Value { seq, id: id.to_owned(), metric: metric.clone(), value, kind })
    }
}

/// What one arm's record says of a condition.
const fn of_one(value: f64) -> Halves {
    Halves { baseline: Some(value), candidate: None }
}

/// A record that holds the size of a dropped request, and no values.
fn is_dropped(pair: &Pair) -> bool {
    matches!(&pair.metrics[..], [(name, Halves { candidate: None, .. })] if name.as_str() == REQUEST_BYTES)
}

#[cfg(test)]
mod tests;
