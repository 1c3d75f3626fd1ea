//! Folding records while the next ones are read: one thread each, and the order stays that of the records.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use anyhow::anyhow;

use super::source::Source;
use crate::cli::{Blame, Failure};
use crate::domain::MetricName;
use crate::evidence::{Collector, EvidenceDigest, EvidenceError, IdDigest, RecentIds, Record, RecordBatch};
use crate::judgment::Policy;
use crate::store::{Found, Origin};

/// Batches read ahead of the fold: the reader waits when they are full, so that memory does not grow with the
/// evidence, and so few that the records under way stay in the caches.
const AHEAD: usize = 1;

/// What folding came to.
pub(super) struct Folded {
    pub(super) collector: Collector,
    /// Digest of the records that were folded.
    pub(super) evidence: String,
    /// Whether that is the digest that was looked for.
    pub(super) found: bool,
    /// What the source told beside its records.
    pub(super) told: Told,
}

/// What a source tells beside its records.
#[derive(Default)]
pub(super) struct Told {
    /// The metrics that a file of pairs named, judged or not; nothing is asked of Parquet files.
    pub(super) names: Vec<MetricName>,
    /// What Parquet files are of, as far as they say or the stored verdict does.
    pub(super) origin: Origin,
    /// How many of them do not say it.
    pub(super) silent: usize,
}

/// The look that a stored verdict was given at.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The digest of its records.
    pub(super) evidence: String,
    /// Records after which a look was made; `None`: it may have been after any.
    pub(super) looks: Option<BTreeSet<u64>>,
}

/// Some records, on their way from the reader to the fold.
#[derive(Default)]
struct Batch {
    records: RecordBatch,
    opens_stage: bool,
}

/// Folds `source` under `policy`, all of it or up to the look that is `wanted`.
///
/// # Errors
/// What cannot be read: exit 2. What the policy cannot take: exit 4.
pub(super) fn fold(source: Source, policy: &Policy, wanted: Option<Wanted>) -> Result<Folded, Failure> {
    let reading = Reading { source, ids: RecentIds::default(), digests: Vec::new() };
    let mut folding = Folding {
        collector: Collector::new(&policy.specs()).blame_usage()?,
        digest: EvidenceDigest::default(),
        wanted,
        found: false,
    };
    let told = thread::scope(|scope| {
        let (full, batches) = mpsc::sync_channel(AHEAD);
        let (empty, again) = mpsc::sync_channel(AHEAD + 2);
        let reader = scope.spawn(move || reading.run(&full, &again));
        for batch in batches {
            let batch: Batch = batch?;
            folding.take(&batch)?;
            if folding.found {
                break;
            }
            // Its room is used again, if the reader still reads.
            let _ = empty.try_send(batch);
        }
        reader.join().map_err(|_| Failure::bug(anyhow!("the reader of the evidence broke down")))
    })?;
    let Folding { collector, mut digest, found, .. } = folding;
    Ok(Folded { collector, evidence: digest.text_so_far(), found, told })
}

/// The folding side.
struct Folding {
    collector: Collector,
    digest: EvidenceDigest,
    wanted: Option<Wanted>,
    found: bool,
}

impl Folding {
    /// Folds records, up to the look that is wanted.
    fn take(&mut self, batch: &Batch) -> Result<(), Failure> {
        if batch.opens_stage {
            self.collector.open_stage();
        }
        for record in batch.records.records() {
            self.collector.push_distinct(record).blame_world()?;
            self.digest.push(record);
            self.found = is_look(self.wanted.as_ref(), record.seq(), &mut self.digest);
            if self.found {
                break;
            }
        }
        Ok(())
    }
}

fn is_look(wanted: Option<&Wanted>, seq: u64, digest: &mut EvidenceDigest) -> bool {
    wanted.is_some_and(|wanted| {
        let may = wanted.looks.as_ref().is_none_or(|looks| looks.contains(&seq));
        may && digest.text_so_far() == wanted.evidence
    })
}

/// The reader's side.
struct Reading {
    source: Source,
    /// Of records that were stored; a file of pairs says itself where an id came before.
    ids: RecentIds,
    /// Of the batch that is read.
    digests: Vec<IdDigest>,
}

impl Reading {
    /// Reads to the end, to the first fault, or for as long as somebody folds.
    fn run(mut self, full: &SyncSender<Result<Batch, Failure>>, again: &Receiver<Batch>) -> Told {
        loop {
            let read = self.next(again.try_recv().unwrap_or_default());
            let ends = !matches!(&read, Ok(Some(_)));
            let closed = read.transpose().is_some_and(|read| full.send(read).is_err());
            if ends || closed {
                return self.source.told();
            }
        }
    }

    fn next(&mut self, mut batch: Batch) -> Result<Option<Batch>, Failure> {
        let found = self.source.next(&mut batch.records)?;
        if found == Found::End {
            return Ok(None);
        }
        batch.opens_stage = matches!(found, Found::Stage { .. });
        if self.source.may_repeat() {
            self.first_of_their_ids(batch.records.records())?;
        }
        Ok(Some(batch))
    }

    /// All digests first: the look-ups, far apart in memory, then wait for it several at a time.
    fn first_of_their_ids(&mut self, records: &[Record]) -> Result<(), Failure> {
        self.digests.clear();
        self.digests.extend(records.iter().map(|record| IdDigest::of(record.id())));
        for (record, digest) in records.iter().zip(&self.digests) {
            let again = |_| EvidenceError::Again { seq: record.seq(), id: record.id().to_owned() };
            self.ids.claim(*digest, record.seq()).map_err(again).blame_world()?;
        }
        Ok(())
    }
}
