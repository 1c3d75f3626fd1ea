//! The records that evidence is made of, and that are stored.

use crate::domain::{Arm, MetricName, Share};

/// One metric of one pair. `None` is a missing half: it is judged as the worst case, never dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halves {
    /// The baseline's value.
    pub baseline: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
}

/// One prompt answered by both arms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pair {
    /// Position in the evidence, from 1, without gaps: the order of judging is the order of storing.
    pub seq: u64,
    /// The request or case the pair belongs to; unique within the evidence.
    pub id: String,
    /// Every metric this pair speaks of. A metric that does not apply (TPOT of a one-token answer) is
    /// absent; one that applies and was lost has a missing half.
    pub metrics: Vec<(MetricName, Halves)>,
}

/// One sticky key's first finished request under a traffic split.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Position in the evidence, shared with pairs.
    pub seq: u64,
    /// The request that was counted for its key.
    pub id: String,
    /// Where the key was assigned.
    pub arm: Arm,
    /// The candidate's share when it was assigned: the known probability π.
    pub share: Share,
    /// Values of the metrics, in their own units.
    pub metrics: Vec<(MetricName, f64)>,
}

/// One entry of the evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Both arms answered one prompt.
    Pair(Pair),
    /// One arm answered one key's first request.
    Arrival(Arrival),
}

impl Record {
    /// Position in the evidence.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Pair(pair) => pair.seq,
            Self::Arrival(arrival) => arrival.seq,
        }
    }

    /// The request or case it belongs to.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Pair(pair) => &pair.id,
            Self::Arrival(arrival) => &arrival.id,
        }
    }
}

impl Pair {
    /// Writes metric `at` over what stands there.
    pub fn put(&mut self, at: usize, name: &MetricName, halves: Halves) {
        match self.metrics.get_mut(at) {
            Some((known, old)) if known == name => *old = halves,
            Some(old) => *old = (name.clone(), halves),
            None => self.metrics.push((name.clone(), halves)),
        }
    }
}

/// The metrics of the latest record by position: records are alike, and share their names.
#[derive(Debug, Default)]
pub struct Names(Vec<MetricName>);

impl Names {
    /// The name `text` of the metric at position `at`, made anew only where the latest record had another one there.
    pub fn at(&mut self, at: usize, text: &str) -> &MetricName {
        let Self(names) = self;
        if names.get(at).is_none_or(|known| known.as_str() != text) {
            names.truncate(at);
            names.push(text.into());
        }
        &names[at.min(names.len() - 1)]
    }
}

/// Records read in one go, whose room is used again for the next ones.
#[derive(Debug, Default)]
pub struct RecordBatch {
    records: Vec<Record>,
    len: usize,
}

impl RecordBatch {
    /// Forgets the records and keeps their room.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// The records, in order.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records[..self.len]
    }

    /// Adds a record.
    pub fn push(&mut self, record: Record) {
        match self.records.get_mut(self.len) {
            Some(old) => *old = record,
            None => self.records.push(record),
        }
        self.len += 1;
    }

    /// Adds the pair that `write` makes of an earlier one, whose id and metrics have room already; `false`: it is none.
    ///
    /// # Errors
    /// Those of `write`; nothing is added then.
    pub fn write_pair<E>(&mut self, write: impl FnOnce(&mut Pair) -> Result<bool, E>) -> Result<(), E> {
        if let Some(Record::Pair(pair)) = self.records.get_mut(self.len) {
            self.len += usize::from(write(pair)?);
            return Ok(());
        }
        let mut pair = Pair::default();
        if write(&mut pair)? {
            self.push(Record::Pair(pair));
        }
        Ok(())
    }

    /// The records, as values of their own.
    pub fn take(&mut self) -> Vec<Record> {
        self.records.truncate(self.len);
        self.len = 0;
        std::mem::take(&mut self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_are_alike_share_their_names() {
        let mut names = Names::default();
        let mut read = |texts: &[&str]| -> Vec<MetricName> {
            texts.iter().enumerate().map(|(at, text)| names.at(at, text).clone()).collect()
        };
        let first = read(&["error", "ttft_ms"]);
        let again = read(&["error", "ttft_ms"]);
        assert!(first.iter().zip(&again).all(|(a, b)| std::ptr::eq(a.as_str(), b.as_str())));
        assert_eq!(
            read(&["ttft_ms", "ttft_ms", "error"]),
            ["ttft_ms", "ttft_ms", "error"].map(MetricName::from)
        );
        assert_eq!(read(&["error"]), [MetricName::from("error")]);
    }
}
