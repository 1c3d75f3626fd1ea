//! Statistics: what evidence says about a difference, and what it could find.
//!
//! Three parts, one folder each:
//! * **sequential**: evidence that may be looked at after every pair. A [`Wallet`] bets sixteen constant
//!   stakes on paired harm differences; [`Restarts`] mixes wallets that start later, so that a late fault
//!   is found; [`RampScore`] turns one sticky key of a traffic split into a bet; [`History`] keeps the
//!   differences for confidence sequences; [`BernoulliLimit`], [`NullDrift`] and
//!   [`sample_ratio_log_bayes_factor`] guard limits and trust. States add: log-wealths are integers, so any
//!   split of the evidence and any order of merging give the same bits.
//! * **fixed**: one look at a declared number of cases. [`Tango`] for right-or-wrong, [`mean`] and
//!   [`clustered_mean`] for scores, [`holm`] over slices; rank tests for comparison.
//! * **planning**: information bounds, power, pairs needed.
//!
//! Every item states its promise, what it assumes, symbols and units, errors, and its source. Logarithms
//! are natural. What is undefined is `None`, what is refused a [`StatsError`]; NaN never comes out.
//!
//! Absent on purpose: arms and releases, default margins, verdicts, IO, clocks, and randomness without a
//! seed.

mod alternative;
mod error;
mod fixed;
mod interval;
mod logarithm;
mod nearest;
mod planning;
mod root;
mod sequential;
mod special;

pub use alternative::Alternative;
pub use error::StatsError;
pub use fixed::{
    Bootstrap, MannWhitney, McNemar, MeanEstimate, QuantileRanks, RankMethod, RepeatedCase, Repeats, Tango,
    Wilcoxon, bootstrap_interval, clopper_pearson, clustered_mean, holm, mann_whitney, mcnemar, mean,
    quantile_ranks, repeated_mean, values_for_upper_limit, wilcoxon, wilson,
};
pub use interval::Interval;
pub(crate) use nearest::nearest;
pub use planning::{
    Discordance, EffectVariance, ErrorRates, KlInf, OutcomeChance, RampSplit, WalletPairs, detectable_effect,
    kl_bernoulli, kl_inf, limit_users, mcnemar_power, pairs_for_difference, pairs_for_effect,
    pairs_for_noninferiority, ramp_keys, split_information, t_test_pairs, t_test_power, wald_pairs,
    wallet_pairs,
};
pub use sequential::{
    BernoulliLimit, BetGrid, History, NullDrift, RampScore, Restarts, SAMPLE_RATIO_ALARM,
    SAMPLE_RATIO_CONCENTRATION, Side, Wallet, concentration_for, event_rate_sequence,
    sample_ratio_log_bayes_factor, weighted_mean_log_e,
};

#[cfg(test)]
mod reference_tests;
