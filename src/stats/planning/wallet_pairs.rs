//! Pairs that a wallet needs, predicted from the drift and the noise of its path.

use std::ops::Bound;

use super::information::{OutcomeChance, check_outcomes};
use crate::stats::error::{StatsError, open_unit, unit, within};
use crate::stats::root::bracket;
use crate::stats::sequential::{BETS, log_sum_exp};
use crate::stats::special::normal_cdf;
use crate::stats::{BetGrid, RampScore, Side};

/// Pairs beyond which a prediction is of no use to anyone.
const PAIRS_MAX: f64 = 1e12;

/// Shape of the inverse Gaussian above which its spread is below a pair in a thousand.
const SHAPE_MAX: f64 = 1e6;

/// When a wallet will have crossed its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WalletPairs {
    /// Pairs after which half of all such runs have crossed.
    pub median: f64,
    /// Pairs after which nine in ten have.
    pub p90: f64,
}

/// Pairs until a wallet reaches `log_threshold` = ln(1/α), or ln(1/(α · weight)) for a metric with a share
/// of the family's error rate; `None` when it is not expected to.
///
/// *Promise.* Exact when all pairs are alike; otherwise 0 to 30 % above simulated medians, and
/// within 15 % of their ninth deciles: for plans, never for a decision.
///
/// *Assumes* independent pairs distributed as `outcomes`, and one wallet from the start.
///
/// *Symbols.* The mean path crosses at the n with ln (1/16) Σₖ exp(n gₖ) = `log_threshold`, gₖ = Σ chance ·
/// ln factorₖ(d). Around it the crossing time is taken as that of a Brownian motion with the fastest
/// bet's drift g and variance v a pair: inverse Gaussian with mean n and shape (n g)²/v.
///
/// # Errors
/// As [`super::kl_inf`], and when `log_threshold` is not positive.
///
/// Source: first passage of a drifting Brownian motion, Schrödinger (1915); Siegmund (1985), Sequential
/// Analysis, §3.2.
pub fn wallet_pairs(
    outcomes: &[OutcomeChance],
    grid: BetGrid,
    side: Side,
    m: f64,
    log_threshold: f64,
) -> Result<Option<WalletPairs>, StatsError> {
    check_outcomes(outcomes)?;
    let sign = side.sign();
    let open = (Bound::Excluded(-1.0), Bound::Excluded(1.0));
    let null = sign * within("null mean", m, open, "strictly between -1 and 1")?;
    within("log threshold", log_threshold, (Bound::Excluded(0.0), Bound::Unbounded), "positive")?;
    Ok(passage(outcomes, grid, log_threshold, |c, d| (c * (sign * d - null) / (1.0 + null)).ln_1p()))
}

/// A split of sticky keys, and how often either arm harms one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampSplit {
    /// The candidate's share π of the keys, in (0, 1).
    pub share: f64,
    /// The baseline's harm, in [0, 1].
    pub baseline: f64,
    /// The candidate's harm, in [0, 1].
    pub candidate: f64,
}

/// Sticky keys until a wallet of [`RampScore`]s reaches `log_threshold`, where harms are 0 or 1 and the guess is their
/// mean over both arms.
///
/// *Promise.* That of [`wallet_pairs`].
///
/// # Errors
/// When a number lies outside its range.
///
/// Source: that of [`wallet_pairs`].
pub fn ramp_keys(
    split: RampSplit,
    grid: BetGrid,
    side: Side,
    m: f64,
    log_threshold: f64,
) -> Result<Option<WalletPairs>, StatsError> {
    let RampSplit { share, baseline, candidate } = split;
    let open = (Bound::Excluded(-1.0), Bound::Excluded(1.0));
    let (sign, guess) = (side.sign(), share * candidate + (1.0 - share) * baseline);
    let null = sign * within("null mean", m, open, "strictly between -1 and 1")?;
    within("log threshold", log_threshold, (Bound::Excluded(0.0), Bound::Unbounded), "positive")?;
    let of = |score: RampScore, chance| (OutcomeChance { d: score.z, chance }, score.bound(side));
    let outcomes = [
        of(RampScore::candidate(1.0, guess, share)?, share * unit("candidate's harm", candidate)?),
        of(RampScore::candidate(0.0, guess, share)?, share * (1.0 - candidate)),
        of(RampScore::baseline(1.0, guess, share)?, (1.0 - share) * unit("baseline's harm", baseline)?),
        of(RampScore::baseline(0.0, guess, share)?, (1.0 - share) * (1.0 - baseline)),
    ];
    // All scores of one guess have one bound.
    let bound = outcomes[0].1;
    let log_factor = |c: f64, z: f64| (c * (sign * z - null) / (bound + null)).ln_1p();
    Ok(passage(&outcomes.map(|(outcome, _)| outcome), grid, log_threshold, log_factor))
}

/// Users until a wallet against an absolute limit reaches `log_threshold`, where each is over it with probability `over` and
/// `m` is the share that may be: a stake of cₖ (m − d)/(1 − m) that it is kept, of cₖ (d − m)/m that it is not.
///
/// *Promise.* That of [`wallet_pairs`].
///
/// # Errors
/// When a number lies outside its range.
///
/// Source: that of [`wallet_pairs`].
pub fn limit_users(
    over: f64,
    grid: BetGrid,
    side: Side,
    m: f64,
    log_threshold: f64,
) -> Result<Option<WalletPairs>, StatsError> {
    within("log threshold", log_threshold, (Bound::Excluded(0.0), Bound::Unbounded), "positive")?;
    let m = open_unit("share over the limit", m)?;
    let over = unit("chance", over)?;
    let outcomes = [(1.0, over), (0.0, 1.0 - over)].map(|(d, chance)| OutcomeChance { d, chance });
    let room = match side {
        Side::Promote => 1.0 - m,
        Side::Abort => m,
    };
    let log_factor = |c: f64, d: f64| (c * side.sign() * (d - m) / room).ln_1p();
    Ok(passage(&outcomes, grid, log_threshold, log_factor))
}

/// When the wallet of all bets crosses, by the mean path and its noise.
fn passage(
    outcomes: &[OutcomeChance],
    grid: BetGrid,
    log_threshold: f64,
    log_factor: impl Fn(f64, f64) -> f64,
) -> Option<WalletPairs> {
    let moment =
        |c: f64, power: i32| outcomes.iter().map(|o| o.chance * log_factor(c, o.d).powi(power)).sum::<f64>();
    let growth = grid.bets().map(|c| (moment(c, 1), moment(c, 2)));
    let (drift, square) = growth.iter().copied().fold((f64::MIN, 0.0), |a, b| if b.0 > a.0 { b } else { a });
    let most = (log_threshold + (BETS as f64).ln()) / drift;
    if drift <= 0.0 || most > PAIRS_MAX {
        return None;
    }
    // The mean cannot cross before the fastest bet does, and has crossed when that bet alone carries it.
    let excess = |n: f64| log_sum_exp(growth.map(|(g, _)| n * g)) - (BETS as f64).ln() - log_threshold;
    let crossing = bracket(excess, most, log_threshold / drift, 1e-9 * most);
    crossing.map(|(mean, _)| {
        let shape = (mean * drift / (square - drift * drift).max(0.0) * drift).min(SHAPE_MAX);
        WalletPairs { median: mean * passage_quantile(shape, 0.5), p90: mean * passage_quantile(shape, 0.9) }
    })
}

/// The `share` quantile of an inverse Gaussian with mean 1.
fn passage_quantile(shape: f64, share: f64) -> f64 {
    let excess = |x: f64| {
        let root = (shape / x).sqrt();
        let reflected = normal_cdf(-root * (x + 1.0)).ln() + 2.0 * shape;
        let rest = if reflected.is_finite() { reflected.exp() } else { 0.0 };
        normal_cdf(root * (x - 1.0)) + rest - share
    };
    bracket(excess, 1e-6, 1e3, 1e-9).map_or(1.0, |(low, high)| 0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Wallet;

    fn identical(discordance: f64, grid: BetGrid, margin: f64) -> WalletPairs {
        let half = discordance / 2.0;
        let outcomes = [(1.0, half), (-1.0, half), (0.0, 1.0 - discordance)]
            .map(|(d, chance)| OutcomeChance { d, chance });
        wallet_pairs(&outcomes, grid, Side::Promote, margin, 20_f64.ln()).unwrap().unwrap()
    }

    #[test]
    fn an_identical_release_without_discordance_passes_when_computed() {
        // With every d = 0 the path is certain: 450, 224 and 88 pairs at margins of 1, 2 and 5 points.
        for (margin, pairs) in [(0.01, 450.0), (0.02, 224.0), (0.05, 88.0)] {
            let predicted = identical(0.0, BetGrid::Uniform, margin);
            assert!((pairs - 1.5..=pairs + 1.5).contains(&predicted.median), "{margin} {predicted:?}");
            assert!(predicted.p90 < 1.01 * pairs);
        }
    }

    #[test]
    fn discordance_costs_about_what_simulation_says() {
        // (discordance, margin, simulated median, simulated ninth decile)
        for (discordance, margin, median, p90) in [
            (0.01, 0.01, 800.0, Some(1_784.0)),
            (0.05, 0.01, 3_379.0, Some(8_573.0)),
            (0.30, 0.01, 24_455.0, None),
            (0.01, 0.02, 302.0, None),
            (0.05, 0.02, 799.0, Some(2_008.0)),
            (0.30, 0.02, 5_777.0, None),
            (0.05, 0.05, 150.0, None),
            (0.30, 0.05, 824.0, None),
        ] {
            let predicted = identical(discordance, BetGrid::Uniform, margin);
            assert!(
                (0.99..1.3).contains(&(predicted.median / median)),
                "{discordance} {margin}: {predicted:?}"
            );
            let late = p90.map_or(1.0, |p90| predicted.p90 / p90);
            assert!((0.99..1.15).contains(&late), "{discordance} {margin}: {predicted:?}");
        }
    }

    #[test]
    fn a_limit_takes_the_users_that_its_wallets_take_where_all_are_alike() {
        let m = 0.01;
        let mut kept = Wallet::new(BetGrid::Uniform, Side::Promote, m).unwrap();
        let users = (1..).find(|_| kept.update(0.0).is_err() || kept.log_e() >= 20_f64.ln()).unwrap();
        let told = limit_users(0.0, BetGrid::Uniform, Side::Promote, m, 20_f64.ln()).unwrap().unwrap();
        assert!((told.median - f64::from(users)).abs() < 1.5, "{told:?} for {users}");
        let mut broken = Wallet::new(BetGrid::Quadratic, Side::Abort, m).unwrap();
        let users = (1..).find(|_| broken.update_ramp(1.0, 0.0).is_err() || broken.log_e() >= 30.0).unwrap();
        let told = limit_users(1.0, BetGrid::Quadratic, Side::Abort, m, 30.0).unwrap().unwrap();
        assert!(
            (f64::from(users) - told.median) < 1.5 && told.median <= f64::from(users),
            "{told:?} for {users}"
        );
        assert_eq!(limit_users(m, BetGrid::Quadratic, Side::Abort, m, 30.0).unwrap(), None, "just kept");
        assert!(limit_users(f64::NAN, BetGrid::Uniform, Side::Abort, m, 30.0).is_err());
    }

    #[test]
    fn a_harmful_release_never_passes() {
        let worse = [OutcomeChance { d: 1.0, chance: 0.05 }, OutcomeChance { d: 0.0, chance: 0.95 }];
        let pairs = |side, m| wallet_pairs(&worse, BetGrid::Uniform, side, m, 3.0).unwrap();
        assert_eq!(pairs(Side::Promote, 0.02), None);
        assert!(pairs(Side::Abort, 0.01).unwrap().median < 300.0);
    }
}
