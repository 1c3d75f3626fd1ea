//! What other margins would have said of the evidence on disk: folded again when somebody asks.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Control, ControlError};
use crate::evidence::RecordBatch;
use crate::judgment::{Ask, AtMargins, Judgment, OtherMargins, Policy};
use crate::store::{EvidenceError, EvidenceFiles, Found};

/// Records that are folded again beside clients, a second or two of one core; more of them are for `goldgate judge
/// --what-if`, on another machine.
const RECORDS_MAX: u64 = 50_000;

/// What other margins would have said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Margins {
    /// Records that were judged.
    pub records: u64,
    /// The margins, the narrowest first.
    pub at: Vec<AtMargins>,
}

/// Where the evidence of an epoch lies, and what was said of it last.
#[derive(Debug)]
pub(super) struct Kept {
    dir: PathBuf,
    records: u64,
    policy: Policy,
    judgment: Arc<Judgment>,
}

impl Control {
    /// The evidence that the latest look judged.
    pub(super) fn kept(&self) -> Option<Kept> {
        let (gathering, judgment) = (self.gathering.as_ref()?, self.live_judgment.as_ref()?);
        Some(Kept {
            dir: gathering.writer.as_ref()?.dir(),
            records: gathering.records(),
            policy: self.parts.policy.clone(),
            judgment: Arc::clone(judgment),
        })
    }
}

impl Kept {
    /// Folds it under every margin and asks what the latest look was asked.
    pub(super) fn at_other_margins(self) -> Result<Option<Margins>, ControlError> {
        if self.records > RECORDS_MAX {
            return Ok(None);
        }
        let required = self.judgment.metrics.iter().filter(|metric| metric.required);
        let ask = Ask {
            question: self.judgment.question,
            subject: self.judgment.subject.clone(),
            must_pass: required.map(|metric| metric.name.clone()).collect(),
        };
        let mut margins = OtherMargins::around(&self.policy, &self.judgment)?;
        let mut files = match EvidenceFiles::of(&self.dir) {
            Err(EvidenceError::Absent { .. }) => return Ok(None),
            files => files?,
        };
        let (mut batch, mut records) = (RecordBatch::default(), 0);
        loop {
            match files.next(&mut batch) {
                Ok(Found::Stage { .. }) => margins.open_stage(),
                Ok(Found::Records) => {
                    batch.records().iter().try_for_each(|record| margins.push(record))?;
                    records += batch.records().len() as u64;
                }
                Ok(Found::End) => return Ok(Some(Margins { records, at: margins.judge(&ask) })),
                Err(EvidenceError::Nothing { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
