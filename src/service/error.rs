//! Why the service does not start.

use std::net::SocketAddr;

use crate::admin::AdminError;
use crate::cache::CacheError;
use crate::control::ControlError;
use crate::document::Faults;
use crate::domain::{MetricName, Slot};
use crate::release::ReleaseError;
use crate::store::StoreError;
use crate::upstream::EndpointError;
use crate::wire::LiveGraderError;

/// Why the service does not start. The texts name the place, the rule and a remedy.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A slot's address.
    #[error("slots.{slot}.endpoints: {source}")]
    Endpoint {
        /// The slot.
        slot: Slot,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// A slot's release.
    #[error("slots.{slot}.release: {source}")]
    Release {
        /// The slot.
        slot: Slot,
        /// What is wrong with it.
        source: ReleaseError,
    },
    /// Suites of the gate.
    #[error("rollout.gate: {0}")]
    Suites(Faults),
    /// Tokens and keys whose secret cannot be read.
    #[error(transparent)]
    Tokens(Faults),
    /// A live grader's rule.
    #[error("judge.metrics: {metric}: {source}")]
    Grader {
        /// The metric that it feeds.
        metric: MetricName,
        /// What is wrong with it.
        source: LiveGraderError,
    },
    /// A cache that nothing names.
    #[error(
        "cache.tier is not off, and slots.{slot} has no release: answers are kept by release\n  hint: lock one with \
         `goldgate release lock` and name it in slots.{slot}.release, or set cache.tier = \"off\""
    )]
    CacheWithoutRelease {
        /// The slot without one.
        slot: Slot,
    },
    /// The cache's store.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A port that cannot be had.
    #[error(
        "cannot listen on {address}: {source}\n  hint: another process may have the port; set server.listen or server.admin"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The admin port.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The controller.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl ServiceError {
    /// Whether files that people write are to be mended; else it is the machine.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::Endpoint { .. }
            | Self::Release { .. }
            | Self::Suites(_)
            | Self::Tokens(_)
            | Self::Grader { .. }
            | Self::CacheWithoutRelease { .. }
            | Self::Cache(CacheError::Address(_) | CacheError::Embedder(_))
            | Self::Admin(AdminError::Unprotected { .. }) => true,
            Self::Bind { .. } | Self::Admin(_) | Self::Store(_) | Self::Control(_) | Self::Cache(_) => false,
        }
    }
}
