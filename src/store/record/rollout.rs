//! A rollout on disk.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::PlanRecord;
use super::word::{self, RecordError, millis};
use crate::domain::{RolloutId, Timestamp};
use crate::judgment::Reason;
use crate::rollout::{Finding, Frozen, Live, Mode, Over, Parts, Rollout, StageClock, StageVerdict, State};
use crate::routing::Salt;

const SCHEMA: &str = "goldgate/rollout/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct RolloutRecord {
    schema: String,
    id: String,
    plan: PlanRecord,
    origin: String,
    salt: String,
    epoch: u64,
    first_epoch: u64,
    /// Absent in rollouts that were stored before the share could change.
    copied_ppm: Option<u32>,
    table_version: u64,
    effects: u64,
    state: StateRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
enum StateRecord {
    Live {
        stage: String,
        spent_ms: u64,
        running_since_ms: Option<u64>,
        finding: FindingRecord,
        mode: ModeRecord,
    },
    Over {
        ending: String,
        from: String,
        at_ms: u64,
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
enum FindingRecord {
    Nothing,
    Ready,
    Judged { epoch: u64, stage: String, verdict: String, reasons: Vec<String> },
    Drained,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
enum ModeRecord {
    Running,
    Held { because: String },
    Paused,
}

impl RolloutRecord {
    /// The text that is stored.
    pub(in crate::store) fn write(rollout: &Rollout) -> String {
        let parts = rollout.parts();
        // Every field by name, so that a new one cannot be forgotten here.
        let Parts { id, plan, origin, salt, epoch, first_epoch, copied, table_version, effects, state } =
            parts;
        let record = Self {
            schema: SCHEMA.to_owned(),
            id: id.as_str().to_owned(),
            plan: plan.into(),
            origin: origin.as_str().to_owned(),
            salt: hex(&salt.0),
            epoch: *epoch,
            first_epoch: *first_epoch,
            copied_ppm: Some(copied.ppm()),
            table_version: *table_version,
            effects: *effects,
            state: state.into(),
        };
        // Maps with text keys and finite numbers always have a JSON form.
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// The rollout that was stored as `text`.
    pub(in crate::store) fn read(text: &str) -> Result<Rollout, RecordError> {
        let record: Self = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))?;
        if record.schema != SCHEMA {
            return Err(RecordError::Schema { found: record.schema, expected: SCHEMA });
        }
        let plan = record.plan.read()?;
        let copied = record.copied_ppm.map_or(Ok(plan.copies.share), word::share)?;
        let parts = Parts {
            id: RolloutId::new(record.id),
            plan,
            origin: word::slot(&record.origin)?,
            salt: salt(&record.salt)?,
            epoch: record.epoch,
            first_epoch: record.first_epoch,
            copied,
            table_version: record.table_version,
            effects: record.effects,
            state: record.state.read()?,
        };
        Ok(Rollout::from_parts(parts)?)
    }
}

impl From<&State> for StateRecord {
    fn from(state: &State) -> Self {
        match state {
            // A state that can be written is not frozen, so that is not written.
            State::Live(Live { stage, clock, finding, mode, frozen: _ }) => Self::Live {
                stage: stage.to_string(),
                spent_ms: millis(clock.spent),
                running_since_ms: clock.running_since.map(Timestamp::as_millis),
                finding: finding.into(),
                mode: (*mode).into(),
            },
            State::Over(Over { ending, from, at, why }) => Self::Over {
                ending: ending.as_str().to_owned(),
                from: from.to_string(),
                at_ms: at.as_millis(),
                why: why.clone(),
            },
        }
    }
}

impl StateRecord {
    fn read(&self) -> Result<State, RecordError> {
        Ok(match self {
            Self::Live { stage, spent_ms, running_since_ms, finding, mode } => State::Live(Live {
                stage: word::stage(stage)?,
                clock: StageClock {
                    spent: Duration::from_millis(*spent_ms),
                    running_since: running_since_ms.map(Timestamp::from_millis),
                },
                finding: finding.read()?,
                mode: mode.read()?,
                frozen: Frozen::No,
            }),
            Self::Over { ending, from, at_ms, why } => State::Over(Over {
                ending: word::ending(ending)?,
                from: word::stage(from)?,
                at: Timestamp::from_millis(*at_ms),
                why: why.clone(),
            }),
        })
    }
}

impl From<&Finding> for FindingRecord {
    fn from(finding: &Finding) -> Self {
        match finding {
            Finding::Nothing => Self::Nothing,
            Finding::Ready => Self::Ready,
            Finding::Drained => Self::Drained,
            Finding::Judged(StageVerdict { epoch, stage, verdict, reasons }) => Self::Judged {
                epoch: *epoch,
                stage: stage.to_string(),
                verdict: verdict.as_str().to_owned(),
                reasons: reasons.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

impl FindingRecord {
    fn read(&self) -> Result<Finding, RecordError> {
        Ok(match self {
            Self::Nothing => Finding::Nothing,
            Self::Ready => Finding::Ready,
            Self::Drained => Finding::Drained,
            Self::Judged { epoch, stage, verdict, reasons } => Finding::Judged(StageVerdict {
                epoch: *epoch,
                stage: word::stage(stage)?,
                verdict: word::verdict(verdict)?,
                reasons: reasons.iter().cloned().map(Reason::Note).collect(),
            }),
        })
    }
}

impl From<Mode> for ModeRecord {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Running => Self::Running,
            Mode::Paused => Self::Paused,
            Mode::Held(hold) => Self::Held { because: hold.as_str().to_owned() },
        }
    }
}

impl ModeRecord {
    fn read(&self) -> Result<Mode, RecordError> {
        Ok(match self {
            Self::Running => Mode::Running,
            Self::Paused => Mode::Paused,
            Self::Held { because } => Mode::Held(word::hold(because)?),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn salt(text: &str) -> Result<Salt, RecordError> {
    blake3::Hash::from_hex(text)
        .map(|hash| Salt(*hash.as_bytes()))
        .map_err(|_| RecordError::Word { what: "a salt", found: text.to_owned() })
}
