//! `samples.jsonl`: every answer with its scores, one JSON object a line, written when it comes and never changed.
//!
//! It is for people who want to look, and it is what a run that was cut off goes on from: a row says which run it
//! belongs to (suite, seed and arms, as a digest), so that answers of another run are never taken for its own.

mod row;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use row::Row;

use super::error::EvalError;
use super::latency::Times;
use super::order::Turn;
use super::run::Score;
use super::suite::Suite;
use crate::document::{Fault, Faults, parts_digest};
use crate::domain::Arm;
use crate::telemetry::Clock;
use crate::wire::{Answer, Usage};

/// The file in a run's folder.
const NAME: &str = "samples.jsonl";

/// Where the file of an earlier run goes when a new one begins in its folder: answers were paid for.
const EARLIER: &str = "samples.previous.jsonl";

/// Between two times that the disk is waited for: what a power cut may cost is asked again.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The longest line that is read: an answer's text at its longest, with every letter escaped, and as much again.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Which run a row belongs to: the digest of suite, dataset, seed and arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunKey(String);

impl RunKey {
    pub(super) fn of(suite: &Suite, seed: u64, arms: impl Iterator<Item = (Arm, String)>) -> Self {
        let mut arms: Vec<_> = arms.map(|(arm, identity)| format!("{arm} {identity}")).collect();
        arms.sort();
        let seed = seed.to_string();
        let parts = [suite.name.as_str(), &suite.digest, &seed].into_iter();
        let parts: Vec<&[u8]> = parts.chain(arms.iter().map(String::as_str)).map(str::as_bytes).collect();
        Self(format!("run:{}", &parts_digest("goldgate/golden-run/1", &parts).to_hex()[..16]))
    }
}

/// What is kept of one turn.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) turn: Turn,
    /// `None`: lost.
    pub(super) answer: Option<Answer>,
    pub(super) times: Times,
    pub(super) usage: Option<Usage>,
    /// How often the engine refused the request before.
    pub(super) refused: u32,
}

/// The file of samples, open at its end.
#[derive(Debug)]
pub struct SampleLog {
    path: PathBuf,
    file: File,
    clock: Arc<dyn Clock>,
    synced: Duration,
    /// The suites whose rows may stand there already; `None`: it is a new file.
    resumed: Option<Vec<String>>,
    note: Option<String>,
    taken: u64,
}

impl SampleLog {
    /// A new file in `folder`, which is made when it is not there. An earlier one is put aside.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(NAME);
        if path.exists() {
            fs::rename(&path, folder.join(EARLIER))?;
        }
        Self::open(path, clock)
    }

    /// The file that an earlier run of these suites left in `folder`, or a new one. A last line that was cut off in writing is taken away,
    /// and [`SampleLog::note`] tells of it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn resume(folder: &Path, suites: Vec<String>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut log = Self::open(folder.join(NAME), clock)?;
        log.resumed = Some(suites);
        log.mend()?;
        Ok(log)
    }

    fn open(path: PathBuf, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).read(true).open(&path)?;
        let synced = clock.monotonic();
        Ok(Self { path, file, clock, synced, resumed: None, note: None, taken: 0 })
    }

    /// Ends the last line: with its newline where only that is missing, else before it began.
    fn mend(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let tail = self.last_line(length)?;
        if tail.is_empty() {
            return Ok(());
        }
        if serde_json::from_slice::<Row<'_>>(&tail).is_ok() {
            return self.file.write_all(b"\n");
        }
        self.file.set_len(length - tail.len() as u64)?;
        let file = self.path.display();
        self.note = Some(format!(
            "{file}: the last line was cut off in writing and is dropped; its case is asked again"
        ));
        Ok(())
    }

    /// What stands behind the last newline.
    fn last_line(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let begin = length.saturating_sub(LINE_BYTES_MAX);
        self.file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        (&self.file).take(LINE_BYTES_MAX).read_to_end(&mut bytes)?;
        let after = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        Ok(bytes.split_off(after))
    }

    /// What a reader should know of the file that was found.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Answers that were there already.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Hands over every row of the run `key`, in the file's order; none in a new file.
    ///
    /// # Errors
    /// Every line that is no row of this suite; rows that come twice; a file of another run.
    pub(super) fn each(
        &mut self,
        suite: &Suite,
        key: &RunKey,
        mut each: impl FnMut(Kept),
    ) -> Result<(), EvalError> {
        let Some(suites) = &self.resumed else { return Ok(()) };
        let mut reading = Reading::new(self.path.display().to_string(), suites.clone(), suite, key);
        let mut lines = BufReader::new(File::open(&self.path).map_err(|source| self.broken(source))?);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
            if read.map_err(|source| self.broken(source))? == 0 {
                break;
            }
            if let Some(kept) = reading.line(&bytes) {
                self.taken += 1;
                each(kept);
            }
        }
        Ok(Faults(reading.faults).or(())?)
    }

    /// Appends one row in one write, so that no other crash than one of the machine can cut it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(super) fn append(
        &mut self,
        suite: &Suite,
        key: &RunKey,
        kept: &Kept,
        scores: &[Score],
    ) -> Result<(), EvalError> {
        let row = Row::of(suite, &key.0, kept, scores);
        let mut line = serde_json::to_vec(&row).map_err(|error| self.broken(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|source| self.broken(source))?;
        if self.clock.monotonic().saturating_sub(self.synced) >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Waits until the disk has everything.
    ///
    /// # Errors
    /// When it does not take it.
    pub(super) fn sync(&mut self) -> Result<(), EvalError> {
        self.file.sync_data().map_err(|source| self.broken(source))?;
        self.synced = self.clock.monotonic();
        Ok(())
    }

    fn broken(&self, source: io::Error) -> EvalError {
        EvalError::Keep { file: self.path.display().to_string(), source }
    }
}

/// The rows of one run under reading.
struct Reading<'s> {
    file: String,
    line: usize,
    suites: Vec<String>,
    suite: &'s Suite,
    key: &'s RunKey,
    cases: HashMap<&'s str, usize>,
    /// Lines of turns that were read, to tell of a second one.
    seen: HashMap<Turn, usize>,
    faults: Vec<Fault>,
}

impl<'s> Reading<'s> {
    fn new(file: String, suites: Vec<String>, suite: &'s Suite, key: &'s RunKey) -> Self {
        let cases = suite.cases.iter().enumerate().map(|(at, case)| (case.id.as_str(), at)).collect();
        let (seen, faults) = (HashMap::new(), Vec::new());
        Self { file, line: 0, suites, suite, key, cases, seen, faults }
    }

    fn line(&mut self, bytes: &[u8]) -> Option<Kept> {
        self.line += 1;
        let row: Row<'_> = match serde_json::from_slice(bytes) {
            Ok(row) => row,
            Err(error) => {
                let text = error.to_string();
                let rule = text.split(" at line ").next().unwrap_or(&text);
                self.wrong(
                    "",
                    format!("not a sample: {rule}"),
                    "the file was changed or is damaged; use another --out",
                );
                return None;
            }
        };
        let ours = row.suite == self.suite.name;
        if !ours && self.suites.iter().any(|suite| row.suite == *suite) {
            return None; // of another suite of the same gate, which is asked for its own rows
        }
        if !ours || row.run != self.key.0 {
            let rule =
                format!("{:?} is another run: its suite, dataset, seed or arms are not these", row.run);
            self.wrong("run", rule, "give what was given first, or use another --out");
            return None;
        }
        let Some(kept) = self.cases.get(&*row.id).and_then(|case| row.kept(*case, self.suite.repeats)) else {
            self.wrong(
                "",
                "not a sample of this suite".to_owned(),
                "the file was changed; use another --out",
            );
            return None;
        };
        if let Some(first) = self.seen.insert(kept.turn, self.line) {
            let rule =
                format!("{:?} was answered on line {first} already", self.suite.cases[kept.turn.case].id);
            self.wrong("id", rule, "the file was changed; use another --out");
            return None;
        }
        Some(kept)
    }

    fn wrong(&mut self, path: &str, rule: String, hint: &str) {
        let fault = Fault::whole(&self.file, rule, hint);
        self.faults.push(Fault { line: self.line, column: 1, path: path.to_owned(), ..fault });
    }
}

#[cfg(test)]
mod tests;
