//! An effect on disk. Only those are read back that a crash can leave half done.

use serde::{Deserialize, Serialize};

use super::word::{RecordError, millis};
use crate::rollout::EffectKind;

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::store) enum EffectRecord {
    Prepare { epoch: u64 },
    RunGate { epoch: u64 },
    Publish { version: u64 },
    OpenStage { stage: String },
    ResetEvidence { epoch: u64 },
    Drain { limit_ms: u64 },
    Notify { stage: String },
}

impl EffectRecord {
    pub(in crate::store) fn write(kind: &EffectKind) -> String {
        let record = match kind {
            EffectKind::Prepare { epoch } => Self::Prepare { epoch: *epoch },
            EffectKind::RunGate { epoch } => Self::RunGate { epoch: *epoch },
            EffectKind::Publish(table) => Self::Publish { version: table.version },
            EffectKind::OpenStage { stage } => Self::OpenStage { stage: stage.to_string() },
            EffectKind::ResetEvidence { epoch } => Self::ResetEvidence { epoch: *epoch },
            EffectKind::Drain { limit } => Self::Drain { limit_ms: millis(*limit) },
            EffectKind::Notify { stage, .. } => Self::Notify { stage: stage.to_string() },
        };
        // Plain words and numbers always have a JSON form.
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// Whether the effect runs beside the rollout and reports back. The others are done by whoever
    /// reads the state: its table is published, its evidence taken up again, its drain watched.
    pub(in crate::store) const fn reports_back(kind: &EffectKind) -> bool {
        matches!(kind, EffectKind::Prepare { .. } | EffectKind::RunGate { .. })
    }

    /// The kind of an effect that reports back; `None` for any other.
    pub(in crate::store) fn read(text: &str) -> Result<Option<EffectKind>, RecordError> {
        let record: Self = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))?;
        Ok(match record {
            Self::Prepare { epoch } => Some(EffectKind::Prepare { epoch }),
            Self::RunGate { epoch } => Some(EffectKind::RunGate { epoch }),
            Self::Drain { .. }
            | Self::Publish { .. }
            | Self::OpenStage { .. }
            | Self::ResetEvidence { .. }
            | Self::Notify { .. } => None,
        })
    }
}
