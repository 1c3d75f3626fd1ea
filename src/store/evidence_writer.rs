//! Evidence on disk, crash-safe: a file is whole or absent.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::evidence_reader::{EvidenceError, bytes_digest};
use super::{Digests, Origin, evidence_rows, parquet};
use crate::domain::RolloutId;
use crate::evidence::Record;

/// Where the records of one stage lie: `rollout=<id>/stage=<n>-<name>`, readable as Hive partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencePlace {
    /// The rollout. Its name must be fit for a directory.
    pub rollout: RolloutId,
    /// How many times the evidence was thrown away: 0 for the first. Later ones lie in
    /// `rollout=<id>.<n>`, so that one directory is always one body of evidence.
    pub resets: u64,
    /// Position of the stage in the rollout.
    pub ordinal: usize,
    /// Name of the stage, without position.
    pub name: &'static str,
}

impl EvidencePlace {
    /// The rollout's own directory under `root`.
    #[must_use]
    pub fn rollout_dir(&self, root: &Path) -> PathBuf {
        root.join(match self.resets {
            0 => format!("rollout={}", self.rollout),
            resets => format!("rollout={}.{resets}", self.rollout),
        })
    }

    /// The place of the evidence of its warm-up: a body of its own, in `rollout=<id>+warm_up`, which is no name of a rollout.
    #[must_use]
    pub fn of_warm_up(self) -> Self {
        Self { rollout: RolloutId::new(format!("{}+warm_up", self.rollout)), ..self }
    }

    fn stage_dir(&self, root: &Path) -> PathBuf {
        self.rollout_dir(root).join(format!("stage={}-{}", self.ordinal, self.name))
    }
}

/// Gathers records and writes them as files of one batch each. It buffers; whoever owns it flushes
/// when [`EvidenceWriter::is_full`], at the end of a stage, and now and then between.
#[derive(Debug)]
pub struct EvidenceWriter {
    root: PathBuf,
    /// What is judged, where it is known.
    digests: Option<Digests>,
    /// The present stage's batch is the last one; those before it wait for a disk that works again.
    batches: Vec<Batch>,
}

#[derive(Debug)]
struct Batch {
    place: EvidencePlace,
    records: Vec<Record>,
}

impl EvidenceWriter {
    /// Records of one file: small enough that a crash loses seconds and not minutes of evidence, large
    /// enough that a day of mirroring is not a hundred thousand files.
    pub const BATCH_RECORDS: usize = 2_000;

    /// A writer below `root`, at `place`.
    #[must_use]
    pub fn new(root: PathBuf, place: EvidencePlace) -> Self {
        Self { root, digests: None, batches: vec![Batch { place, records: Vec::new() }] }
    }

    /// Writes into every file what is judged by it, beside the rollout's name that stands there anyway: evidence of other
    /// releases, or gathered under another policy, is then told from this.
    #[must_use]
    pub fn of(mut self, digests: Digests) -> Self {
        self.digests = Some(digests);
        self
    }

    /// Takes one record. Nothing is refused: a writer that cannot write keeps what it has, and its
    /// owner stops gathering.
    pub fn push(&mut self, record: Record) {
        if let Some(batch) = self.batches.last_mut() {
            batch.records.push(record);
        }
    }

    /// Whether a batch is complete.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting() >= Self::BATCH_RECORDS
    }

    /// Records that are not on disk yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.batches.iter().map(|batch| batch.records.len()).sum()
    }

    /// The rollout's directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.batches.last().map_or_else(|| self.root.clone(), |batch| batch.place.rollout_dir(&self.root))
    }

    /// Moves on to another stage, and writes what the old one gathered.
    ///
    /// # Errors
    /// When it cannot be written. The writer has moved on; the next flush tries again.
    pub fn move_to(&mut self, place: EvidencePlace) -> Result<(), EvidenceError> {
        self.batches.push(Batch { place, records: Vec::new() });
        self.flush()
    }

    /// Writes what is buffered: to a temporary file, to the disk, then under its name.
    ///
    /// # Errors
    /// When it cannot be written; the records stay buffered and the next flush tries again.
    pub fn flush(&mut self) -> Result<(), EvidenceError> {
        while let Some(batch) = self.batches.first_mut() {
            batch.write(&self.root, self.digests.as_ref())?;
            if self.batches.len() == 1 {
                break;
            }
            self.batches.remove(0);
        }
        Ok(())
    }
}

impl Batch {
    fn write(&mut self, root: &Path, digests: Option<&Digests>) -> Result<(), EvidenceError> {
        let dir = self.place.stage_dir(root);
        // A stage without records has its directory too: it opened a wallet like any other.
        fs::create_dir_all(&dir)
            .map_err(|error| EvidenceError::Write { file: dir.clone(), why: error.to_string() })?;
        let Some(first) = self.records.first() else { return Ok(()) };
        let unnamed = dir.join(format!("pairs-{:012}.parquet.tmp", first.seq()));
        let origin = Origin::of(&self.place.rollout, digests);
        self.write_file(&dir, &unnamed, &origin)
            .map_err(|why| EvidenceError::Write { file: unnamed.with_extension(""), why })?;
        self.records.clear();
        Ok(())
    }

    /// Writes to `unnamed` first; the name carries the digest of the bytes.
    fn write_file(&self, dir: &Path, unnamed: &Path, origin: &Origin) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let rows: Vec<_> = self.records.iter().flat_map(evidence_rows::rows).collect();
        let bytes = parquet::bytes(&rows, origin.metadata())?;
        let first = self.records.first().map_or(0, Record::seq);
        let path = dir.join(format!("pairs-{first:012}-{}.parquet", bytes_digest(&bytes)));
        let mut file = File::create(unnamed).map_err(text)?;
        file.write_all(&bytes).map_err(text)?;
        file.sync_all().map_err(text)?;
        fs::rename(unnamed, path).map_err(text)?;
        // The name is durable only when its directory is.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(text)
    }
}
