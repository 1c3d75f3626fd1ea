//! What people read: one verdict on every surface, and the page of a whole run.
//!
//! Every surface renders the same record, [`crate::wire::VerdictRecord`], and none of them decides
//! anything: text for a terminal, JSON for programs, markdown for a pull request, JUnit for a CI
//! system. A property test parses each of them back and holds that no two disagree, with each other
//! or with the exit code.
//!
//! Absent on purpose: judging, clocks, the network.

mod junit;
mod markdown;
mod number;
mod surface;
mod text;

#[cfg(test)]
mod tests;

pub use surface::{Style, render_json, render_junit, render_markdown, render_text};
