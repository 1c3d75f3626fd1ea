//! What is on disk, as types of its own: a change of the core types cannot change it by accident.

mod effect;
mod event;
mod plan;
mod rollout;
mod table;
mod word;

pub(super) use effect::EffectRecord;
pub(super) use event::event_text;
pub(super) use rollout::RolloutRecord;
pub(super) use table::TableRecord;
pub(super) use word::RecordError;
