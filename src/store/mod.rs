//! What must survive: the rollout's journal in SQLite, the evidence in Parquet.
//!
//! Journal first, effect second: one transaction writes the event, the state it led to and the effects
//! it asked for; only then are they started. A restart reads the last state, and whatever effects were
//! not finished are started again under the same id. The database is opened for one process alone, so
//! two controllers cannot share it.
//!
//! What is stored has record types of its own (`goldgate/journal/1`, `goldgate/rollout/1`), so that a
//! change of the core types never changes what is on disk. Every stored state carries the digest of
//! its text: a state that was edited by hand is an error and not a rollout.
//!
//! A file of evidence carries the digest of its bytes in its name: one that was cut off or changed is refused
//! by name before anything of it is decoded. It also says which rollout, releases and policy it is of, so that evidence
//! of something else is refused and never judged as this.
//!
//! Absent on purpose: decisions, and the network. PostgreSQL for several replicas is not built.

mod database;
mod error;
mod evidence_reader;
mod evidence_rows;
mod evidence_totals;
mod evidence_writer;
mod held;
mod journal;
mod origin;
mod parquet;
mod record;
mod schema;
mod timeline;

pub use database::Store;
pub use error::StoreError;
pub use evidence_reader::{
    EvidenceError, EvidenceFiles, Found, StoredStage, is_warm_up, read_evidence, read_stages,
};
pub use evidence_totals::{MetricTotals, Moments, evidence_totals};
pub use evidence_writer::{EvidencePlace, EvidenceWriter};
pub use journal::{Cause, Digests, Step, Stored, Summary};
pub use origin::Origin;
pub use parquet::{TableColumn, table_bytes};
pub use timeline::StoredVerdict;

#[cfg(test)]
mod tests;
