//! Evidence that may be looked at after every pair: e-processes, and what is computed from them.
//!
//! Under its null hypothesis an e-process reaches 1/α with probability at most α, at any time, under any
//! stopping rule (Ville 1939). E-values average (not multiply) across metrics, and states add.

mod bernoulli;
mod bets;
mod confidence_sequence;
mod e_values;
mod history;
mod null_drift;
mod ramp;
mod restarts;
mod sample_ratio;
mod wallet;
mod wealth;

pub use bernoulli::{BernoulliLimit, concentration_for, event_rate_sequence};
pub use bets::{BetGrid, Side};
pub use e_values::weighted_mean_log_e;
pub use history::History;
pub use null_drift::NullDrift;
pub use ramp::RampScore;
pub use restarts::Restarts;
pub use sample_ratio::{SAMPLE_RATIO_ALARM, SAMPLE_RATIO_CONCENTRATION, sample_ratio_log_bayes_factor};
pub use wallet::Wallet;

#[cfg(test)]
pub(super) use bernoulli::{log_mixture, one_sided_log_mixture};
pub(super) use bets::BETS;
pub(super) use wealth::log_sum_exp;

#[cfg(test)]
mod e_process_tests;
