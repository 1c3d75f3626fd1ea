//! The admin port: what operators, CI systems and the dashboard speak to.
//!
//! | path | answers |
//! |---|---|
//! | `POST /api/v1/rollouts`, `GET` | starts a rollout; lists all of them |
//! | `GET /api/v1/rollouts/{id}` | how it stands, what it waits for, and the latest verdict |
//! | `POST /api/v1/rollouts/{id}/promote`, `pause`, `resume`, `abort`, `rollback` | the operator's verbs |
//! | `GET /api/v1/rollouts/{id}/history` | its timeline |
//! | `GET /api/v1/verdicts`, `ledger`, `routes` | verdicts; e-values look by look, and when each reached what decides; the published table |
//! | `GET /api/v1/margins` | what other margins would have said of the evidence on disk |
//! | `GET /api/v1/events` | the timeline as an event stream, resumed by `Last-Event-ID` |
//! | `GET /api/v1/cache`, `DELETE` | hits and misses by release; makes answers unreadable by release, tenant, template, arm, time |
//! | `DELETE /api/v1/cache/entries/{id}`, `POST /api/v1/cache/revoke` | one answer; a whole release for ever |
//! | `/metrics`, `/healthz`, `/readyz`, `/` | Prometheus, liveness, readiness, dashboard |
//!
//! Errors are problem details (RFC 9457). Where tokens are configured, every call but the page and the two
//! health checks needs one; without tokens the port binds to loopback only, and answers only to a loopback
//! name, so that no web page can reach it through a browser.
//!
//! Absent on purpose: decisions, and any way to traffic but the control task's handle.

mod answers;
mod auth;
mod dashboard;
mod error;
mod events;
mod problem;
mod record;
mod rollouts;
mod router;
mod server;

pub use answers::CacheParts;
pub use auth::{Access, Role, Token};
pub use error::AdminError;
pub use record::{
    AlphasRecord, DecisionRecord, MirrorShareRecord, NeedRecord, NoteRecord, RolloutRecord, StageRecord,
    TableRecord,
};
pub use router::{AdminParts, MetricsText};
pub use server::{AdminServer, bind};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
