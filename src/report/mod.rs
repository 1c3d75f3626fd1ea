//! What people read: one verdict on every surface, and the page of a whole run.
//!
//! Every surface renders the same record, [`crate::wire::VerdictRecord`], and none of them decides
//! anything: text for a terminal, JSON for programs, markdown for a pull request, JUnit for a CI
//! system, SARIF and [`annotations`] for the lines that ask for something. A property test parses each of them back and holds that no two disagree, with each other
//! or with the exit code.
//!
//! [`Input`] is a whole run as plain data: verdicts, timeline, ledger, latency histograms, flips,
//! examples, cases. [`html`] draws it as one file with nothing to fetch; answers in it are untrusted text and are
//! escaped by the template, and its one script, which searches the cases, is allowed by its digest alone. [`markdown`] is the same for a pull request.
//! A run directory holds an [`Input`] as files ([`write_run`], [`read_run`]), so that a page can be
//! drawn again from files alone.
//!
//! Absent on purpose: judging, clocks, the network.

mod diff;
mod forest;
mod github;
mod golden;
mod histogram;
mod html;
mod input;
mod junit;
mod looks;
mod markdown;
mod number;
mod plot;
mod run;
mod sarif;
mod strata;
mod surface;
mod text;
mod trend;

#[cfg(test)]
mod tests;

pub use github::{annotations, comment, summary};
pub use html::{PageError, html};
pub use input::{CaseRow, Example, Input, LatencyCurve, ScoreCounts, ScoreFlips, TimelineEntry};
pub use looks::{crossing_line, crossings, e_value, margin_lines};
pub use markdown::markdown;
pub use run::{RunError, read_run, read_verdict, write_run};
pub use surface::{
    Style, Surface, render, render_json, render_junit, render_markdown, render_sarif, render_text,
};
pub use trend::{Trend, TrendPoint, TrendRelease, trend_html};
