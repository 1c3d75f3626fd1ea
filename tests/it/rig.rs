//! What every whole-program test needs: a folder, processes, engines, clients, an operator, and patience.

mod admin;
mod book;
mod clients;
mod deadline;
mod metrics;
mod process;
mod program;
mod traffic;
mod workspace;

pub(crate) use admin::Admin;
pub(crate) use book::{BLUE, Book, GREEN};
pub(crate) use clients::{Answer, Ask, Clients};
pub(crate) use deadline::{until, within};
pub(crate) use metrics::Metrics;
pub(crate) use process::{Ended, Process, TRUSTED, run, run_within};
pub(crate) use program::Serve;
pub(crate) use traffic::{Heard, Traffic};
pub(crate) use workspace::Workspace;
