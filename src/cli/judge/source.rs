//! Where records come from: a file of pairs, or the Parquet files of a rollout.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use memchr::memchr;

use super::fold::Told;
use crate::cli::{Blame, Failure};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::RecordBatch;
use crate::judgment::Policy;
use crate::store::{EvidenceError, EvidenceFiles, Found, Origin};
use crate::wire::{PairRows, RowFault};

/// Rows of a file of pairs that are handed on at once: so few that those under way stay in a core's own cache.
const ROWS: usize = 256;

/// Bytes read from a file of pairs at once.
const READ_BYTES: usize = 1 << 20;

/// Records, some at a time, in the order of judging.
pub(super) enum Source {
    Files(EvidenceFiles),
    Rows(Box<PairsFile>),
}

impl Source {
    /// The Parquet files below `directory`, which must not say that they are of anything but `origin`.
    pub(super) fn files(directory: &Path, origin: Origin) -> Result<Self, Failure> {
        Ok(Self::Files(EvidenceFiles::of(directory).blame_usage()?.expecting(origin)))
    }

    /// The pairs in `file`, whose values `policy` knows the kinds of.
    pub(super) fn rows(file: &Path, policy: &Policy) -> Result<Self, Failure> {
        Ok(Self::Rows(Box::new(PairsFile::open(file, policy)?)))
    }

    /// Reads on: what a batch is to hold in place of what is in it.
    pub(super) fn next(&mut self, batch: &mut RecordBatch) -> Result<Found, Failure> {
        match self {
            Self::Files(files) => files.next(batch).map_err(|error| match error {
                EvidenceError::Foreign { .. } => Failure::world(error),
                error => Failure::usage(error),
            }),
            Self::Rows(rows) => rows.next(batch),
        }
    }

    /// Whether nobody has looked yet if ids come again.
    pub(super) const fn may_repeat(&self) -> bool {
        matches!(self, Self::Files(_))
    }

    /// What was read beside the records.
    pub(super) fn told(&self) -> Told {
        match self {
            Self::Files(files) => {
                Told { names: Vec::new(), origin: files.origin().clone(), silent: files.silent() }
            }
            Self::Rows(rows) => {
                Told { names: rows.rows.names().iter().cloned().collect(), ..Told::default() }
            }
        }
    }
}

type Kind = Box<dyn Fn(&str) -> Option<MetricKind> + Send>;

/// A file of pairs under reading.
pub(super) struct PairsFile {
    path: PathBuf,
    input: BufReader<File>,
    rows: PairRows<Kind>,
    /// A line whose end was not read yet.
    begun: Vec<u8>,
}

impl PairsFile {
    fn open(path: &Path, policy: &Policy) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| at(path, &error))?;
        let known = policy.clone();
        let kind: Kind = Box::new(move |name| known.metric(&MetricName::from(name)).map(|rule| rule.kind));
        Ok(Self {
            path: path.to_owned(),
            input: BufReader::with_capacity(READ_BYTES, file),
            rows: PairRows::new(kind),
            begun: Vec::new(),
        })
    }

    /// The next rows. A fault ends the file: what is wrong with the rest of it is gathered, and nothing more judged.
    fn next(&mut self, batch: &mut RecordBatch) -> Result<Found, Failure> {
        batch.clear();
        let mut goes_on = true;
        while goes_on && batch.records().len() < ROWS {
            goes_on = self.read_piece(batch).map_err(|error| at(&self.path, &error))?;
        }
        self.rows.settle(batch);
        match self.rows.faults() {
            [] if batch.records().is_empty() => Ok(Found::End),
            faults if !goes_on && !faults.is_empty() => Err(Failure::usage(located(&self.path, faults))),
            _ => Ok(Found::Records),
        }
    }

    /// Reads a line where it lies in the buffer, or as much of it as lies there. `false` at the end.
    fn read_piece(&mut self, batch: &mut RecordBatch) -> std::io::Result<bool> {
        let Self { input, rows, begun, .. } = self;
        let buffered = input.fill_buf()?;
        let end = memchr(b'\n', buffered);
        let text = &buffered[..end.unwrap_or(buffered.len())];
        let taken = text.len() + usize::from(end.is_some());
        if end.is_some() && begun.is_empty() {
            rows.read(text, batch);
        } else {
            begun.extend_from_slice(text);
            if end.is_some() || taken == 0 {
                rows.read(begun, batch);
                begun.clear();
            }
        }
        input.consume(taken);
        Ok(taken > 0)
    }
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(anyhow!("{}: {error}", path.display()))
}

/// Faults as lines that name their file.
pub(in crate::cli) fn located(path: &Path, faults: &[RowFault]) -> anyhow::Error {
    let lines: Vec<_> = faults.iter().map(|fault| format!("{}:{fault}", path.display())).collect();
    anyhow!("{}", lines.join("\n"))
}
