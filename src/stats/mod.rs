//! Statistics: e-processes that are valid at every look, tests for one look at a fixed sample, and what
//! either can find.
//!
//! **Live evidence.** A [`Wallet`] bets sixteen constant stakes on paired harm differences; [`Restarts`]
//! mixes wallets that start later, so that a late fault is found; [`RampScore`] turns one sticky key of a
//! traffic split into a bet; [`History`] keeps the differences for confidence sequences. Their states add:
//! log-wealths are integers, so any split of the evidence and any order of merging give the same bits.
//!
//! Every item states its promise, what it assumes, symbols and units, errors, and its source. Logarithms
//! are natural. What is undefined is `None`, what is refused a [`StatsError`]; NaN never comes out.
//!
//! Absent on purpose: arms and releases, margins' defaults, verdicts, IO, clocks, randomness that is not
//! an argument.

mod bets;
mod confidence_sequence;
mod error;
mod history;
mod interval;
mod ramp;
mod restarts;
mod root;
mod wallet;
mod wealth;

pub use bets::{BetGrid, Side};
pub use error::StatsError;
pub use history::History;
pub use interval::Interval;
pub use ramp::RampScore;
pub use restarts::Restarts;
pub use wallet::Wallet;

#[cfg(test)]
mod e_process_tests;
