//! `samples.jsonl`: every answer with its scores, one JSON object a line, written when it comes and never changed.
//!
//! It is for people who want to look, and it is what a run that was cut off goes on from: a row says which run it
//! belongs to (suite, seed and arms, as a digest), so that answers of another run are never taken for its own.

mod comparisons;
mod lines;
mod row;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) use comparisons::{ComparisonKey, ComparisonLog};
use lines::Lines;
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
    lines: Lines,
    comparisons: ComparisonLog,
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
        for (name, earlier) in [(NAME, EARLIER), (comparisons::NAME, comparisons::EARLIER)] {
            let path = folder.join(name);
            if path.exists() {
                fs::rename(&path, folder.join(earlier))?;
            }
        }
        Self::open(folder, clock)
    }

    /// The file that an earlier run of these suites left in `folder`, or a new one. A last line that was cut off in writing is taken away,
    /// and [`SampleLog::note`] tells of it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn resume(folder: &Path, suites: Vec<String>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut log = Self::open(folder, clock)?;
        let is_row = |line: &[u8]| serde_json::from_slice::<Row<'_>>(line).is_ok();
        log.note = log.lines.mend(is_row)?.then(|| {
            let file = log.lines.name();
            format!("{file}: the last line was cut off in writing and is dropped; its case is asked again")
        });
        log.comparisons.resume(suites.clone())?;
        log.resumed = Some(suites);
        Ok(log)
    }

    fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (lines, synced) = (Lines::open(folder.join(NAME))?, clock.monotonic());
        let comparisons = ComparisonLog::new(folder);
        Ok(Self { lines, comparisons, clock, synced, resumed: None, note: None, taken: 0 })
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
        let mut reading = Reading::new(self.lines.name(), suites.clone(), suite, key);
        let taken = &mut self.taken;
        self.lines.each(|line| {
            if let Some(kept) = reading.line(line) {
                *taken += 1;
                each(kept);
            }
        })?;
        Ok(Faults(reading.faults).or(())?)
    }

    /// The comparisons that belong to these samples.
    pub(super) const fn comparisons(&mut self) -> &mut ComparisonLog {
        &mut self.comparisons
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
        self.lines.append(&Row::of(suite, &key.0, kept, scores))?;
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
        self.lines.sync()?;
        self.comparisons.sync()?;
        self.synced = self.clock.monotonic();
        Ok(())
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
