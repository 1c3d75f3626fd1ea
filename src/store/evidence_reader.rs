//! Evidence from disk, in the order it was judged.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{evidence_rows, parquet};
use crate::evidence::Record;

/// Why evidence cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// A file cannot be written.
    #[error("{}: cannot write evidence: {why}; check that evidence.dir is writable and has space", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What stood in the way.
        why: String,
    },
    /// A directory or file cannot be read, or a file is not whole.
    #[error("{}: cannot read evidence: {why}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The directory does not exist.
    #[error("{}: no such directory of evidence", dir.display())]
    Absent {
        /// The directory.
        dir: PathBuf,
    },
    /// Nothing to read.
    #[error("{}: holds no evidence (expected stage=<n>-<name>/pairs-*.parquet)", dir.display())]
    Nothing {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory holds the evidence of more than one rollout.
    #[error("{}: holds {rollouts} rollouts; name the directory of one of them", dir.display())]
    Several {
        /// The directory.
        dir: PathBuf,
        /// How many.
        rollouts: usize,
    },
    /// Records are missing between two files, or one is there twice.
    #[error("{}: starts at seq {found}, but seq {expected} must come next; a file is missing or there twice", file.display())]
    Gap {
        /// The file after the gap.
        file: PathBuf,
        /// The seq that should come.
        expected: u64,
        /// The seq that comes.
        found: u64,
    },
}

/// The evidence of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredStage {
    /// Position of the stage in the rollout.
    pub ordinal: usize,
    /// Name of the stage.
    pub name: String,
    /// Its records, in order.
    pub records: Vec<Record>,
}

/// All records below `dir` (one rollout's directory, or a directory with one rollout in it), in order.
///
/// # Errors
/// When there is none, a file is damaged, or a file is missing between two others.
pub fn read_evidence(dir: &Path) -> Result<Vec<Record>, EvidenceError> {
    Ok(read_stages(dir)?.into_iter().flat_map(|stage| stage.records).collect())
}

/// The same, stage by stage: where a stage begins, the judge opens one more wallet, so judging again
/// needs to know.
///
/// # Errors
/// See [`read_evidence`].
pub fn read_stages(dir: &Path) -> Result<Vec<StoredStage>, EvidenceError> {
    let dir = one_rollout(dir)?;
    let mut places: Vec<_> =
        entries(&dir)?.into_iter().filter_map(|path| Some((stage_of(&path)?, path))).collect();
    places.sort();
    let mut expected = 1;
    let mut stages = Vec::new();
    for ((ordinal, name), path) in places {
        let records = read_stage(&path, &mut expected)?;
        stages.push(StoredStage { ordinal, name, records });
    }
    if expected == 1 { Err(EvidenceError::Nothing { dir }) } else { Ok(stages) }
}

fn read_stage(dir: &Path, expected: &mut u64) -> Result<Vec<Record>, EvidenceError> {
    let mut files: Vec<_> =
        entries(dir)?.into_iter().filter(|path| path.extension() == Some(OsStr::new("parquet"))).collect();
    // Names carry the first seq in fixed width, so this is the order of judging.
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let records = read_file(&file)?;
        for record in &records {
            if record.seq() != *expected {
                return Err(EvidenceError::Gap { file, expected: *expected, found: record.seq() });
            }
            *expected += 1;
        }
        all.extend(records);
    }
    Ok(all)
}

fn read_file(path: &Path) -> Result<Vec<Record>, EvidenceError> {
    let bad = |why: String| EvidenceError::Read { file: path.to_owned(), why };
    let file = File::open(path).map_err(|error| bad(error.to_string()))?;
    let rows = parquet::read(file).map_err(|why| {
        bad(format!(
            "not a whole Parquet file of ours ({why}); it was cut off or changed after it was written"
        ))
    })?;
    evidence_rows::records(&rows).map_err(bad)
}

/// The directory itself, or the one rollout in it.
fn one_rollout(dir: &Path) -> Result<PathBuf, EvidenceError> {
    let inside: Vec<_> =
        entries(dir)?.into_iter().filter(|path| prefixed(path, "rollout=").is_some()).collect();
    match inside.as_slice() {
        [] => Ok(dir.to_owned()),
        [one] => Ok(one.clone()),
        several => Err(EvidenceError::Several { dir: dir.to_owned(), rollouts: several.len() }),
    }
}

fn stage_of(path: &Path) -> Option<(usize, String)> {
    let (ordinal, name) = prefixed(path, "stage=")?.split_once('-')?;
    Some((ordinal.parse().ok()?, name.to_owned()))
}

fn prefixed<'a>(path: &'a Path, prefix: &str) -> Option<&'a str> {
    path.file_name()?.to_str()?.strip_prefix(prefix)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, EvidenceError> {
    let bad = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => EvidenceError::Absent { dir: dir.to_owned() },
        _ => EvidenceError::Read { file: dir.to_owned(), why: error.to_string() },
    };
    fs::read_dir(dir).map_err(bad)?.map(|entry| entry.map(|entry| entry.path()).map_err(bad)).collect()
}
