//! A run directory: everything the page needs, as files.
//!
//! | file | holds |
//! |---|---|
//! | `run.json` | title, outcome, policy, flips, latency histograms, examples |
//! | `verdict.json` | the verdict that decided, byte for byte as every surface shows it |
//! | `verdicts.jsonl` | the last verdict of each stage, in order |
//! | `timeline.jsonl` | what happened when |
//! | `ledger.jsonl` | the e-values, look by look |
//! | `evidence/` | the pairs themselves, written by the store |
//!
//! A directory with nothing but `verdict.json` still makes a page.

mod record;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

use super::Input;
use crate::wire::{VerdictError, VerdictRecord};
use record::{LedgerRecord, RunRecord, TimelineRecord};

/// Bytes of one file that are read; a longer one is refused, because a page of it could not be opened.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A run directory that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Too large to be a file of a run.
    #[error("{}: {bytes} bytes, but at most 268435456 are read", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A line that is not what its file holds.
    #[error("{}:{line}: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A verdict that is none.
    #[error("{}: {source}", path.display())]
    Verdict {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: VerdictError,
    },
    /// A record whose numbers make no sense.
    #[error("{}: {what}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Thing, rule and value.
        what: String,
    },
}

/// Writes `input` into `directory`, which is made when it is not there.
///
/// # Errors
/// When the file system says no.
pub fn write_run(directory: &Path, input: &Input) -> Result<(), RunError> {
    std::fs::create_dir_all(directory).map_err(|source| io_error(directory, source))?;
    let timeline: Vec<_> = input.timeline.iter().map(TimelineRecord::from).collect();
    let ledger: Vec<_> = input.ledger.iter().map(LedgerRecord::from).collect();
    write(&directory.join("run.json"), &document(&RunRecord::from(input)))?;
    write(&directory.join("verdicts.jsonl"), &lines(&input.verdicts))?;
    write(&directory.join("timeline.jsonl"), &lines(&timeline))?;
    write(&directory.join("ledger.jsonl"), &lines(&ledger))?;
    input.decisive().map_or(Ok(()), |record| write(&directory.join("verdict.json"), &record.to_json_bytes()))
}

/// Reads what [`write_run`] wrote, or a page's worth from a lone `verdict.json`.
///
/// # Errors
/// The first file that is missing or malformed, with its line.
pub fn read_run(directory: &Path) -> Result<Input, RunError> {
    let path = directory.join("run.json");
    let Some(bytes) = read(&path)? else { return read_verdict(&directory.join("verdict.json")) };
    let run: RunRecord = serde_json::from_slice(&bytes).map_err(|source| RunError::Line {
        path: path.clone(),
        line: source.line(),
        source,
    })?;
    let mut input = run.into_input().map_err(|what| RunError::Value { path, what })?;
    input.verdicts = read_lines(&directory.join("verdicts.jsonl"))?;
    let timeline: Vec<TimelineRecord> = read_lines(&directory.join("timeline.jsonl"))?;
    let ledger: Vec<LedgerRecord> = read_lines(&directory.join("ledger.jsonl"))?;
    input.timeline = timeline.into_iter().map(Into::into).collect();
    input.ledger = ledger.into_iter().map(Into::into).collect();
    Ok(input)
}

/// A page about the one verdict in the file at `path`.
///
/// # Errors
/// The file is missing, or is no verdict.
pub fn read_verdict(path: &Path) -> Result<Input, RunError> {
    let missing = || io_error(path, io::Error::from(io::ErrorKind::NotFound));
    let bytes = read(path)?.ok_or_else(missing)?;
    let record = VerdictRecord::from_json_bytes(&bytes)
        .map_err(|source| RunError::Verdict { path: path.to_owned(), source })?;
    let title = format!("{} over {}", record.candidate, record.baseline);
    Ok(Input::of_verdict(title, record))
}

fn io_error(path: &Path, source: io::Error) -> RunError {
    RunError::Io { path: path.to_owned(), source }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    std::fs::write(path, bytes).map_err(|source| io_error(path, source))
}

/// The whole file; `None` when it is not there.
fn read(path: &Path) -> Result<Option<Vec<u8>>, RunError> {
    let bytes = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(|source| io_error(path, source))?.len(),
    };
    if bytes > FILE_BYTES_MAX {
        return Err(RunError::TooLong { path: path.to_owned(), bytes });
    }
    std::fs::read(path).map(Some).map_err(|source| io_error(path, source))
}

/// One record a line; a file that is not there holds none.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RunError> {
    let bytes = read(path)?.unwrap_or_default();
    let rows = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, row)| !row.trim_ascii().is_empty());
    let parsed = rows.map(|(index, row)| {
        serde_json::from_slice(row).map_err(|source| RunError::Line {
            path: path.to_owned(),
            line: index + 1,
            source,
        })
    });
    parsed.collect()
}

/// Records with text keys and a `Vec` to write into: making JSON of them cannot fail.
fn document<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec_pretty(record).unwrap_or_default()
}

fn lines<T: Serialize>(records: &[T]) -> Vec<u8> {
    let rows = records.iter().map(|record| serde_json::to_vec(record).unwrap_or_default());
    rows.flat_map(|row| row.into_iter().chain([b'\n'])).collect()
}
