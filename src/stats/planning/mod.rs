//! What evidence can find before any of it is spent: information, power, and pairs needed.
//!
//! Formulas, not simulation. Sequential tests are bounded by their information ([`kl_inf`]) and predicted
//! by the mean path of a wallet ([`wallet_pairs`]); fixed samples by their power.

mod fixed_sample;
mod information;
mod noncentral_t;
mod power;
mod wallet_pairs;

pub use fixed_sample::{
    Discordance, EffectVariance, ErrorRates, detectable_effect, pairs_for_difference, pairs_for_effect,
    pairs_for_noninferiority,
};
pub use information::{KlInf, OutcomeChance, kl_bernoulli, kl_inf, split_information, wald_pairs};
pub use power::{mcnemar_power, t_test_pairs, t_test_power};
pub use wallet_pairs::{RampSplit, WalletPairs, limit_users, ramp_keys, wallet_pairs};
