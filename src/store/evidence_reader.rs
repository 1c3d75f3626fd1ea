//! Evidence from disk, in the order it was judged.

use std::ffi::OsStr;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::parquet::Columns;
use super::{Origin, evidence_rows};
use crate::evidence::{Names, Record, RecordBatch};

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
    /// A file of another rollout, of other releases, or gathered under another policy.
    #[error(
        "{}: is evidence of {what} {found}, but {expected} is expected here; nothing is judged by the two together", file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What differs: `rollout`, `baseline`, `candidate` or `policy`.
        what: &'static str,
        /// What the file says.
        found: String,
        /// What the files before it say, or whoever asks.
        expected: String,
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

/// Evidence on disk, read a file at a time.
#[derive(Debug)]
pub struct EvidenceFiles {
    dir: PathBuf,
    /// Files and stages in reverse: the next one is the last.
    waiting: Vec<Item>,
    /// The seq that must come next.
    expected: u64,
    names: Names,
    /// What it is of, as far as files or whoever asks have said.
    origin: Origin,
    /// Files that do not say which releases and which policy.
    silent: usize,
}

/// What comes next of a rollout's evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Stage { ordinal: usize, name: String },
    File(PathBuf),
}

/// What [`EvidenceFiles::next`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A stage begins; it may hold nothing.
    Stage {
        /// Position of the stage in the rollout.
        ordinal: usize,
        /// Name of the stage.
        name: String,
    },
    /// The records of one file, in the batch.
    Records,
    /// Nothing more.
    End,
}

impl EvidenceFiles {
    /// The files below `dir` (one rollout's directory, or a directory with one rollout in it).
    ///
    /// # Errors
    /// When it is not there, cannot be listed, or holds several rollouts.
    pub fn of(dir: &Path) -> Result<Self, EvidenceError> {
        let dir = one_rollout(dir)?;
        let mut places: Vec<_> =
            entries(&dir)?.into_iter().filter_map(|path| Some((stage_of(&path)?, path))).collect();
        places.sort();
        let mut waiting = Vec::new();
        for ((ordinal, name), path) in places {
            waiting.push(Item::Stage { ordinal, name });
            let inside = entries(&path)?.into_iter();
            let mut files: Vec<_> =
                inside.filter(|path| path.extension() == Some(OsStr::new("parquet"))).collect();
            // Names carry the first seq in fixed width, so this is the order of judging.
            files.sort();
            waiting.extend(files.into_iter().map(Item::File));
        }
        waiting.reverse();
        let (names, origin) = (Names::default(), Origin::default());
        Ok(Self { dir, waiting, expected: 1, names, origin, silent: 0 })
    }

    /// Refuses files that say they are of something else. What `origin` leaves out is taken from the first file that
    /// says it.
    #[must_use]
    pub fn expecting(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// What it is of, as far as the files that were read say, or whoever asked.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Files, of those that were read, that do not say which releases and which policy: an earlier version wrote them.
    #[must_use]
    pub const fn silent(&self) -> usize {
        self.silent
    }

    /// All records, stage by stage.
    ///
    /// # Errors
    /// See [`EvidenceFiles::next`].
    pub fn stages(mut self) -> Result<Vec<StoredStage>, EvidenceError> {
        let mut stages: Vec<StoredStage> = Vec::new();
        let mut batch = RecordBatch::default();
        loop {
            match self.next(&mut batch)? {
                Found::Stage { ordinal, name } => {
                    stages.push(StoredStage { ordinal, name, records: Vec::new() });
                }
                Found::Records => {
                    stages.iter_mut().last().into_iter().for_each(|s| s.records.extend(batch.take()));
                }
                Found::End => return Ok(stages),
            }
        }
    }

    /// The files, in order.
    pub(super) fn paths(self) -> Vec<PathBuf> {
        let files = self.waiting.into_iter().rev().filter_map(|item| match item {
            Item::File(path) => Some(path),
            Item::Stage { .. } => None,
        });
        files.collect()
    }

    /// Reads on: a stage that begins, or the records of the next file in place of what is in `batch`.
    ///
    /// # Errors
    /// When a file is damaged, missing or of something else, or when all of them together held nothing.
    pub fn next(&mut self, batch: &mut RecordBatch) -> Result<Found, EvidenceError> {
        batch.clear();
        match self.waiting.pop() {
            Some(Item::Stage { ordinal, name }) => Ok(Found::Stage { ordinal, name }),
            Some(Item::File(file)) => {
                let said = read_file(&file, &mut self.names, batch)?;
                self.silent += usize::from(!said.is_told());
                self.origin.agree(&file, said)?;
                self.follow_on(file, batch.records())?;
                Ok(Found::Records)
            }
            None if self.expected == 1 => Err(EvidenceError::Nothing { dir: self.dir.clone() }),
            None => Ok(Found::End),
        }
    }

    fn follow_on(&mut self, file: PathBuf, records: &[Record]) -> Result<(), EvidenceError> {
        for record in records {
            if record.seq() != self.expected {
                return Err(EvidenceError::Gap { file, expected: self.expected, found: record.seq() });
            }
            self.expected += 1;
        }
        Ok(())
    }
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
    EvidenceFiles::of(dir)?.stages()
}

/// Adds the records of a file; gives what it says it is of.
fn read_file(path: &Path, names: &mut Names, into: &mut RecordBatch) -> Result<Origin, EvidenceError> {
    let bad = |why: String| EvidenceError::Read { file: path.to_owned(), why };
    let damaged = |why: &str| damaged(path, why);
    let bytes = whole_file(path)?;
    // A file that something else wrote or named: the library takes some damage for a bug of its own.
    let columns =
        catch_unwind(|| Columns::read(bytes)).unwrap_or_else(|_| Err("it cannot be decoded".into()));
    let columns = columns.map_err(|why| damaged(&why))?;
    evidence_rows::records(columns.count(), columns.rows().map_err(bad)?, names, into).map_err(bad)?;
    Ok(Origin::read(&columns.metadata))
}

fn damaged(path: &Path, why: &str) -> EvidenceError {
    let why =
        format!("not a whole Parquet file of ours ({why}); it was cut off or changed after it was written");
    EvidenceError::Read { file: path.to_owned(), why }
}

/// The bytes of a file that are those its name was given for.
pub(super) fn whole_file(path: &Path) -> Result<Vec<u8>, EvidenceError> {
    let bad = |error: std::io::Error| EvidenceError::Read { file: path.to_owned(), why: error.to_string() };
    let bytes = fs::read(path).map_err(bad)?;
    match named_digest(path) {
        Some(named) if named != bytes_digest(&bytes) => {
            Err(damaged(path, "its bytes are not those its name was given for"))
        }
        _ => Ok(bytes),
    }
}

/// The digest in a name of ours, `pairs-<first seq>-<digest>.parquet`.
fn named_digest(path: &Path) -> Option<&str> {
    let digest = path.file_stem()?.to_str()?.strip_prefix("pairs-")?.split_once('-')?.1;
    (digest.len() == DIGEST_DIGITS).then_some(digest)
}

/// Hex digits of a file's digest in its name: 64 bits find any damage that is not meant.
const DIGEST_DIGITS: usize = 16;

/// What a file of these bytes has in its name, so that damage is found before anything of it is believed.
pub(super) fn bytes_digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..DIGEST_DIGITS].to_owned()
}

/// The directory itself, or the one rollout in it, whose warm-up may lie beside it.
fn one_rollout(dir: &Path) -> Result<PathBuf, EvidenceError> {
    let inside = entries(dir)?.into_iter().filter(|path| prefixed(path, "rollout=").is_some());
    let (warm_ups, rollouts): (Vec<_>, Vec<_>) = inside.partition(|path| has_warm_up(path));
    match if rollouts.is_empty() { warm_ups } else { rollouts }.as_slice() {
        [] => Ok(dir.to_owned()),
        [one] => Ok(one.clone()),
        several => Err(EvidenceError::Several { dir: dir.to_owned(), rollouts: several.len() }),
    }
}

/// Whether the evidence below `dir` is a warm-up's: no other is of the first stage.
#[must_use]
pub fn is_warm_up(dir: &Path) -> bool {
    one_rollout(dir).is_ok_and(|dir| has_warm_up(&dir))
}

fn has_warm_up(dir: &Path) -> bool {
    entries(dir).is_ok_and(|paths| paths.iter().any(|path| stage_of(path).is_some_and(|(at, _)| at == 0)))
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
