//! `comparisons.jsonl`: what the model that grades said, one order of one pair a line, written when it comes and never changed.
//!
//! A row names the answers it is about by their digest: where an answer was lost to a crash and asked for again, the pair is
//! compared again. What is read again is understood again from its text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RunKey;
use super::lines::Lines;
use crate::document::{Fault, Faults};
use crate::domain::Arm;
use crate::evals::error::EvalError;
use crate::evals::model_graded::{Preference, Said, preferred};
use crate::evals::suite::Suite;
use crate::wire::Usage;

/// The file in a run's folder.
pub(super) const NAME: &str = "comparisons.jsonl";

/// Where the file of an earlier run goes.
pub(super) const EARLIER: &str = "comparisons.previous.jsonl";

/// One request to the model that grades: a pair of answers in one order, by one metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::evals) struct ComparisonKey {
    pub(in crate::evals) case: usize,
    pub(in crate::evals) metric: usize,
    /// Which pair of the case's repeats, from 0.
    pub(in crate::evals) pair: u32,
    /// Whose answer is shown first.
    pub(in crate::evals) first: Arm,
    /// Digest of both answers.
    pub(in crate::evals) answers: String,
}

#[derive(Serialize, Deserialize)]
struct Row<'r> {
    #[serde(borrow)]
    suite: Cow<'r, str>,
    #[serde(borrow)]
    id: Cow<'r, str>,
    #[serde(borrow)]
    metric: Cow<'r, str>,
    pair: u32,
    #[serde(with = "crate::wire::words::arm")]
    first: Arm,
    /// For people.
    #[serde(borrow, default)]
    preferred: Option<Cow<'r, str>>,
    #[serde(borrow)]
    output: Cow<'r, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(borrow)]
    answers: Cow<'r, str>,
    #[serde(borrow)]
    run: Cow<'r, str>,
}

/// What was said before, and what was paid for it.
#[derive(Debug, Default)]
pub(in crate::evals) struct Compared {
    /// By request; `None`: it could not be read.
    pub(in crate::evals) preferred: HashMap<ComparisonKey, Option<Preference>>,
    pub(in crate::evals) usage: Vec<Usage>,
}

/// The file of comparisons. It is made with its first row.
#[derive(Debug)]
pub(in crate::evals) struct ComparisonLog {
    path: PathBuf,
    lines: Option<Lines>,
    /// The suites whose rows may stand there already.
    suites: Vec<String>,
}

impl ComparisonLog {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(NAME), lines: None, suites: Vec::new() }
    }

    /// Opens the file that an earlier run of these suites left, if it did.
    pub(super) fn resume(&mut self, suites: Vec<String>) -> io::Result<()> {
        self.suites = suites;
        if self.path.exists() {
            let mut lines = Lines::open(self.path.clone())?;
            lines.mend(|line| serde_json::from_slice::<Row<'_>>(line).is_ok())?;
            self.lines = Some(lines);
        }
        Ok(())
    }

    /// Every comparison of the run `key`.
    ///
    /// # Errors
    /// Every line that is no comparison of this suite; lines that come twice; a file of another run.
    pub(in crate::evals) fn read(&self, suite: &Suite, key: &RunKey) -> Result<Compared, EvalError> {
        let Some(lines) = &self.lines else { return Ok(Compared::default()) };
        let cases = suite.cases.iter().enumerate().map(|(at, case)| (case.id.as_str(), at)).collect();
        let (file, suites) = (lines.name(), self.suites.as_slice());
        let mut reading = Reading { file, suites, suite, cases, key, line: 0, faults: Vec::new() };
        let mut compared = Compared::default();
        lines.each(|line| reading.line(line, &mut compared))?;
        Ok(Faults(reading.faults).or(compared)?)
    }

    /// Appends what was said.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(in crate::evals) fn append(
        &mut self,
        suite: &Suite,
        run: &RunKey,
        key: &ComparisonKey,
        said: &Said,
    ) -> Result<(), EvalError> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            none => {
                let file = self.path.display().to_string();
                let lines = Lines::open(self.path.clone());
                none.insert(lines.map_err(|source| EvalError::Keep { file, source })?)
            }
        };
        lines.append(&Row {
            suite: Cow::from(&suite.name),
            id: Cow::from(&suite.cases[key.case].id),
            metric: suite.metrics[key.metric].name.as_str().into(),
            pair: key.pair,
            first: key.first,
            preferred: preferred(&said.text, key.first).map(|preference| preference.as_str().into()),
            output: Cow::from(&said.text),
            prompt_tokens: said.usage.map(|usage| usage.prompt_tokens),
            output_tokens: said.usage.map(|usage| usage.completion_tokens),
            error: said.error.clone(),
            answers: Cow::from(&key.answers),
            run: Cow::from(&run.0),
        })
    }

    pub(super) fn sync(&self) -> Result<(), EvalError> {
        self.lines.as_ref().map_or(Ok(()), Lines::sync)
    }
}

/// The rows of one run under reading.
struct Reading<'s> {
    file: String,
    suites: &'s [String],
    suite: &'s Suite,
    cases: HashMap<&'s str, usize>,
    key: &'s RunKey,
    line: usize,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn line(&mut self, bytes: &[u8], compared: &mut Compared) {
        self.line += 1;
        let row: Row<'_> = match serde_json::from_slice(bytes) {
            Ok(row) => row,
            Err(error) => return self.wrong(&format!("not a comparison: {error}")),
        };
        if row.suite != self.suite.name && self.suites.iter().any(|suite| row.suite == *suite) {
            return; // of another suite of the same gate
        }
        if row.run != self.key.0 {
            return self.wrong("is of another run: its suite, dataset, seed or arms are not these");
        }
        let Some(key) = self.key_of(&row) else { return self.wrong("not a comparison of this suite") };
        compared.usage.extend(row.output_tokens.map(|completion_tokens| Usage {
            prompt_tokens: row.prompt_tokens.unwrap_or(0),
            completion_tokens,
            cached_tokens: None,
        }));
        if compared.preferred.insert(key, preferred(&row.output, row.first)).is_some() {
            self.wrong("stands there twice");
        }
    }

    fn key_of(&self, row: &Row<'_>) -> Option<ComparisonKey> {
        let case = *self.cases.get(&*row.id)?;
        let metric = self.suite.metrics.iter().position(|metric| metric.name.as_str() == row.metric)?;
        let (pair, first, answers) = (row.pair, row.first, row.answers.clone().into_owned());
        Some(ComparisonKey { case, metric, pair, first, answers })
    }

    fn wrong(&mut self, rule: &str) {
        let fault =
            Fault::whole(&self.file, rule, "the file was changed or is of another run; use another --out");
        self.faults.push(Fault { line: self.line, column: 1, ..fault });
    }
}
