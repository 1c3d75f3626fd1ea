//! The abort mixture: wallets that start later, so that a late fault meets one without old debt.

use super::bets::{BETS, BetGrid, Side, Stakes};
use super::wallet::difference;
use super::wealth::{Wealth, log_mean, log_sum_exp};
use crate::stats::error::StatsError;

/// Weight of the wallet that saw every pair.
const FIRST_WEIGHT: f64 = 0.75;

/// Weight shared by all wallets that start later: start j ≥ 1 has 0.25/(j (j + 1)), in all 0.25.
const LATER_WEIGHT: f64 = 0.25;

/// Pairs between scheduled starts, at first.
const START_EVERY: u64 = 1_000;

/// Scheduled starts come every 1,000 pairs up to here (sixteen of them), then eight to a doubling: memory
/// grows with the logarithm of the pairs, and the newest debt stays below an eighth of the history.
const THIN_BEYOND: u64 = 16_000;

/// Starts in all, scheduled and at stages. Reached by schedule alone after 2.6·10⁸ pairs; afterwards
/// nothing further starts, and the weight of what never starts stays at E = 1, which is still valid.
const STARTS_MAX: usize = 128;

/// An e-process that mixes wallets with different starts, weights fixed in advance:
/// E = 0.75 E⁽⁰⁾ + Σⱼ 0.25/(j (j + 1)) E⁽ʲ⁾, with E⁽ʲ⁾ = 1 before start j.
///
/// *Promise and assumptions* are those of [`super::Wallet`]: a fixed mixture of e-processes that start at
/// stopping times is an e-process. A fault after 10,000 healthy pairs is found in 689 instead of 4,127.
///
/// *Memory.* Pairs are summed per segment between two starts; wallet j is the sum of the segments from j
/// on, so one pair costs one addition however many wallets are open. What the earlier segments come to is kept, so
/// that a look costs as much as one at a single wallet.
///
/// *Replicas.* Each pair enters the newest segment; its number is the pair's [`generation`], and is stored
/// with it. Replaying pairs by [`enter`], or merging states, then gives the same bits as one process.
///
/// Source: Ville (1939); restarts as in Shin, Ramdas & Rinaldo (2023, "E-detectors", §2), mixed with
/// summable weights so that the probability of *ever* alarming is still bounded.
///
/// [`generation`]: Restarts::generation
/// [`enter`]: Restarts::enter
#[derive(Clone, Debug, PartialEq)]
pub struct Restarts {
    stakes: Stakes,
    /// Never empty; segment j holds what came after start j and before start j + 1.
    segments: Vec<Wealth>,
    /// ln of what all wallets together had in each bet when the newest segment began, see [`Restarts::carry`].
    carried: [f64; BETS],
    pairs: u64,
    /// The first scheduled start after `pairs`; [`NEVER`] where whoever merges decides.
    next: u64,
}

/// No start is scheduled.
const NEVER: u64 = u64::MAX;

impl Restarts {
    /// An empty mixture, E = 1, against the null mean `m`.
    ///
    /// # Errors
    /// When `m` is not strictly between −1 and 1.
    pub fn new(grid: BetGrid, side: Side, m: f64) -> Result<Self, StatsError> {
        Ok(Self {
            stakes: Stakes::new(grid, side, m)?,
            segments: vec![Wealth::default()],
            carried: [FIRST_WEIGHT.ln(); BETS],
            pairs: 0,
            next: START_EVERY,
        })
    }

    /// An empty mixture that starts no wallet by itself: one of several replicas, see [`Restarts::is_due`].
    ///
    /// # Errors
    /// When `m` is not strictly between −1 and 1.
    pub fn unscheduled(grid: BetGrid, side: Side, m: f64) -> Result<Self, StatsError> {
        Ok(Self { next: NEVER, ..Self::new(grid, side, m)? })
    }

    /// Bets on one pair's difference in every open wallet, then starts the next wallet if it is due.
    ///
    /// # Errors
    /// When `d` is not in [−1, 1]; nothing is changed.
    pub fn update(&mut self, d: f64) -> Result<(), StatsError> {
        let at = self.next;
        self.enter(self.generation(), d)?;
        self.open_if_due(at);
        Ok(())
    }

    /// Bets on one sticky key's ramp score; see [`super::Wallet::update_ramp`].
    ///
    /// # Errors
    /// As there; nothing is changed.
    pub fn update_ramp(&mut self, z: f64, bound: f64) -> Result<(), StatsError> {
        let at = self.next;
        self.enter_ramp(self.generation(), z, bound)?;
        self.open_if_due(at);
        Ok(())
    }

    /// Enters a pair that was stored with its generation; opens wallets up to it, and none by schedule.
    ///
    /// # Errors
    /// When `d` is not in [−1, 1], or no such generation can exist; nothing is changed.
    pub fn enter(&mut self, generation: usize, d: f64) -> Result<(), StatsError> {
        let d = difference(d)?;
        self.open_up_to(generation)?;
        self.segments[generation].add_pair(&self.stakes, d);
        self.count(generation);
        Ok(())
    }

    /// Enters a ramp score that was stored with its generation.
    ///
    /// # Errors
    /// As [`Restarts::enter`] and [`super::Wallet::update_ramp`]; nothing is changed.
    pub fn enter_ramp(&mut self, generation: usize, z: f64, bound: f64) -> Result<(), StatsError> {
        let increments = self.stakes.of_ramp(z, bound)?;
        self.open_up_to(generation)?;
        self.segments[generation].add(&increments);
        self.count(generation);
        Ok(())
    }

    /// Starts one more wallet: at each stage, and when a controller says so. Without effect once 128 have
    /// started.
    pub fn open(&mut self) {
        if self.segments.len() <= STARTS_MAX {
            self.carry(self.generation());
            self.segments.push(Wealth::default());
        }
    }

    /// Starts so far: the segment that the next pair enters.
    #[must_use]
    pub fn generation(&self) -> usize {
        self.segments.len() - 1
    }

    /// Pairs and keys bet on.
    #[must_use]
    pub const fn pairs(&self) -> u64 {
        self.pairs
    }

    /// The null mean m.
    #[must_use]
    pub fn null_mean(&self) -> f64 {
        self.stakes.m()
    }

    /// ln E of the mixture now; 0 without evidence.
    #[must_use]
    pub fn log_e(&self) -> f64 {
        let mut bets = self.segments[self.generation()].nats(&self.stakes);
        bets.iter_mut().zip(&self.carried).for_each(|(bet, carried)| *bet += carried);
        let unopened = LATER_WEIGHT / self.segments.len() as f64; // all that have not started
        log_sum_exp([log_mean(&bets), unopened.ln()])
    }

    /// Segment j is over and start j + 1 has come: in every bet the wallets have C ← C exp(segment j) + wⱼ₊₁ together,
    /// from C = w₀. The same segments give the same bits.
    fn carry(&mut self, j: usize) {
        let opened = weight(j + 1).ln();
        let nats = self.segments[j].nats(&self.stakes);
        for (carried, of_segment) in self.carried.iter_mut().zip(nats) {
            *carried = log_sum_exp([*carried + of_segment, opened]);
        }
    }

    /// Carries every segment but the newest, from the first on: one that was over has changed.
    fn carry_all(&mut self) {
        self.carried = [FIRST_WEIGHT.ln(); BETS];
        (0..self.generation()).for_each(|j| self.carry(j));
    }

    /// Adds what another replica saw, generation by generation. Starts nothing by schedule: whoever
    /// merges decides when the next wallet opens everywhere, see [`Restarts::is_due`].
    ///
    /// # Errors
    /// When the two bet differently, or only one of them starts wallets by itself; nothing is changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.stakes != other.stakes || (self.next == NEVER) != (other.next == NEVER) {
            return Err(StatsError::Mismatch);
        }
        let mut merged = self.clone();
        merged.pairs = self.pairs.checked_add(other.pairs).ok_or(StatsError::Overflow { name: "pairs" })?;
        if self.next != NEVER {
            merged.next = next_start(merged.pairs);
        }
        merged.segments.resize(self.segments.len().max(other.segments.len()), Wealth::default());
        for (mine, theirs) in merged.segments.iter_mut().zip(&other.segments) {
            mine.merge(theirs)?;
        }
        merged.carry_all();
        *self = merged;
        Ok(())
    }

    /// Whether the schedule has a start in (`since`, pairs now]: for whoever merges replicas, with
    /// `since` the pairs at its last look.
    #[must_use]
    pub fn is_due(&self, since: u64) -> bool {
        next_start(since) <= self.pairs
    }

    /// One more pair, which entered segment `generation`.
    fn count(&mut self, generation: usize) {
        if generation < self.generation() {
            self.carry_all();
        }
        self.pairs += 1;
        if self.next != NEVER && self.pairs >= self.next {
            self.next = next_start(self.pairs);
        }
    }

    /// Opens a wallet when the start that was due `at` so many pairs has come.
    fn open_if_due(&mut self, at: u64) {
        if self.pairs == at {
            self.open();
        }
    }

    fn open_up_to(&mut self, generation: usize) -> Result<(), StatsError> {
        if generation > STARTS_MAX {
            let value = generation as f64;
            return Err(StatsError::OutOfRange { name: "generation", rule: "at most 128", value });
        }
        while self.generation() < generation {
            self.open();
        }
        Ok(())
    }
}

/// Weight of wallet j, fixed in advance.
fn weight(j: usize) -> f64 {
    if j == 0 { FIRST_WEIGHT } else { LATER_WEIGHT / (j as f64 * (j as f64 + 1.0)) }
}

/// The first scheduled start after `pairs`.
fn next_start(pairs: u64) -> u64 {
    let step = match pairs / THIN_BEYOND {
        0 => START_EVERY,
        times => (2 * START_EVERY) << times.ilog2().min(40),
    };
    (pairs / step + 1).saturating_mul(step)
}

#[cfg(test)]
mod tests;
