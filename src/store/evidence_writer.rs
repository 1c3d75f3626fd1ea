//! Evidence on disk, crash-safe: a file is whole or absent.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::evidence_reader::EvidenceError;
use super::{evidence_rows, parquet};
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

    fn stage_dir(&self, root: &Path) -> PathBuf {
        self.rollout_dir(root).join(format!("stage={}-{}", self.ordinal, self.name))
    }
}

/// Gathers records and writes them as files of one batch each. It buffers; whoever owns it flushes
/// when [`EvidenceWriter::is_full`], at the end of a stage, and now and then between.
#[derive(Debug)]
pub struct EvidenceWriter {
    root: PathBuf,
    place: EvidencePlace,
    records: Vec<Record>,
}

impl EvidenceWriter {
    /// Records of one file: small enough that a crash loses seconds and not minutes of evidence, large
    /// enough that a day of mirroring is not a hundred thousand files.
    pub const BATCH_RECORDS: usize = 2_000;

    /// A writer below `root`, at `place`.
    #[must_use]
    pub const fn new(root: PathBuf, place: EvidencePlace) -> Self {
        Self { root, place, records: Vec::new() }
    }

    /// Takes one record. Nothing is refused: a writer that cannot write keeps what it has, and its
    /// owner stops gathering.
    pub fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Whether a batch is complete.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.records.len() >= Self::BATCH_RECORDS
    }

    /// Records that are not on disk yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.records.len()
    }

    /// The rollout's directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.place.rollout_dir(&self.root)
    }

    /// Moves on to another stage. What is buffered is written to the old one first.
    ///
    /// # Errors
    /// When it cannot be written; then the place stays.
    pub fn move_to(&mut self, place: EvidencePlace) -> Result<(), EvidenceError> {
        self.flush()?;
        self.place = place;
        Ok(())
    }

    /// Writes what is buffered: to a temporary file, to the disk, then under its name.
    ///
    /// # Errors
    /// When it cannot be written; the records stay buffered and the next flush tries again.
    pub fn flush(&mut self) -> Result<(), EvidenceError> {
        let Some(first) = self.records.first() else { return Ok(()) };
        let dir = self.place.stage_dir(&self.root);
        let path = dir.join(format!("pairs-{:012}.parquet", first.seq()));
        self.write(&dir, &path).map_err(|why| EvidenceError::Write { file: path, why })?;
        self.records.clear();
        Ok(())
    }

    fn write(&self, dir: &Path, path: &Path) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        fs::create_dir_all(dir).map_err(text)?;
        let temporary = path.with_extension("parquet.tmp");
        let file = File::create(&temporary).map_err(text)?;
        let rows: Vec<_> = self.records.iter().flat_map(evidence_rows::rows).collect();
        parquet::write(&file, &rows)?;
        file.sync_all().map_err(text)?;
        fs::rename(&temporary, path).map_err(text)?;
        // The name is durable only when its directory is.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(text)
    }
}
