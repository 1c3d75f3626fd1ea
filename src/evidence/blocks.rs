//! Blocks of consecutive records: whether harm lasts, or came in a burst.
//!
//! Where each arm has bursts of its own, pairs that follow each other are alike, and the difference really is one while
//! a burst lasts. Over blocks longer than a burst it is none, however bad the burst was, because a block counts for at
//! most one.

use super::strand::Pace;
use crate::stats::{BetGrid, Side, StatsError, Wallet, nearest};

/// Records in a block: longer than most bursts, and some six of them to a decision at the design point.
const BLOCK_RECORDS: u64 = 50;

/// Harm at which the sum of a block is clipped: what two pairs can add.
const CLIP: f64 = 2.0;

/// Fixed-point units of a difference: sums of a block are exact in any order.
const UNITS: f64 = (1_u64 << 40) as f64;

/// Blocks of a replica that are open at once: 200,000 records between two snapshots of all. Beyond them the oldest is
/// left out, as if nothing had been in it.
const OPEN_MAX: usize = 4_096;

/// An e-process over blocks of 50 consecutive records against "the difference is at most zero": of a block counts
/// clip(Σd, ±2)/2.
///
/// *Promise.* P(ever E ≥ 1/α) ≤ α where the mean of what a block counts is at most zero given the blocks before it.
/// *Assumes* that nothing in the order of records depends on their outcome.
///
/// *Merging* is exact. A block is what its records are numbered, whoever folded them, so its sum is a sum over
/// replicas until it is closed: in one process as soon as a later record comes, among replicas when they hear of all.
/// What is closed is known to every one of them alike, and not added again. *Assumes* that a snapshot of all replicas
/// holds all records up to the last one in it; one that comes later is left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocks {
    pace: Pace,
    /// Over the blocks that are closed, those without a pair left out.
    wallet: Wallet,
    /// Blocks before this one are closed.
    closed: u64,
    /// Sums of the others by number, ascending.
    open: Vec<(u64, i64)>,
}

impl Blocks {
    pub(super) fn new(pace: Pace) -> Result<Self, StatsError> {
        let wallet = Wallet::new(BetGrid::Uniform, Side::Abort, 0.0)?;
        Ok(Self { pace, wallet, closed: 0, open: Vec::new() })
    }

    /// Adds the difference of record `seq`, in [−1, 1]. Records come in the order of their numbers.
    ///
    /// # Errors
    /// None that a difference in its range can cause.
    pub(super) fn add(&mut self, seq: u64, d: f64) -> Result<(), StatsError> {
        let block = block_of(seq);
        let units = nearest(d * UNITS);
        match self.open.last_mut() {
            Some((last, sum)) if *last == block => *sum += units,
            _ if block < self.closed => {}
            _ => self.begin(block, units)?,
        }
        Ok(())
    }

    fn begin(&mut self, block: u64, units: i64) -> Result<(), StatsError> {
        if self.pace == Pace::Own {
            self.close(block)?;
        }
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push((block, units));
        Ok(())
    }

    /// Closes every block before `block`.
    fn close(&mut self, block: u64) -> Result<(), StatsError> {
        let whole = self.open.partition_point(|(open, _)| *open < block);
        let mut sums = self.open.drain(..whole);
        sums.try_for_each(|(_, sum)| self.wallet.update((sum as f64 / UNITS).clamp(-CLIP, CLIP) / CLIP))?;
        drop(sums);
        self.closed = self.closed.max(block);
        Ok(())
    }

    /// Takes over what is closed in a snapshot of all replicas, whose last record is `last`.
    pub(super) fn hear(&mut self, all: &Self, last: u64) -> Result<(), StatsError> {
        let through = whole_blocks(last);
        let mut all = all.clone();
        all.close(through)?;
        self.open.retain(|(block, _)| *block >= all.closed);
        (self.wallet, self.closed) = (all.wallet, all.closed);
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        if self.pace == Pace::Own {
            // Two processes that number their records by themselves share no block.
            let mut other = other.clone();
            other.close(u64::MAX)?;
            return self.wallet.merge(&other.wallet);
        }
        if other.closed > self.closed {
            self.wallet.clone_from(&other.wallet);
            self.closed = other.closed;
        }
        self.open.extend_from_slice(&other.open);
        self.open.retain(|(block, _)| *block >= self.closed);
        self.open.sort_unstable_by_key(|(block, _)| *block);
        self.open.dedup_by(|(later, more), (kept, sum)| {
            let same = later == kept;
            *sum += if same { *more } else { 0 };
            same
        });
        Ok(())
    }

    /// ln E over all whole blocks, and how many had a pair, where `last` is the last record folded.
    pub(super) fn log_e(&self, last: u64) -> Result<(f64, u64), StatsError> {
        let mut all = self.clone();
        all.close(whole_blocks(last))?;
        Ok((all.wallet.log_e(), all.wallet.pairs()))
    }
}

/// Blocks that end with record `last` or before it.
const fn whole_blocks(last: u64) -> u64 {
    last / BLOCK_RECORDS
}

/// The block of a record; they are numbered from 1.
const fn block_of(seq: u64) -> u64 {
    seq.saturating_sub(1) / BLOCK_RECORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln E and the blocks after `records` records with these differences.
    fn after(records: u64, d: impl Fn(u64) -> f64) -> (f64, u64) {
        let mut blocks = Blocks::new(Pace::Own).unwrap();
        (1..=records).for_each(|seq| blocks.add(seq, d(seq)).unwrap());
        blocks.log_e(records).unwrap()
    }

    #[test]
    fn a_block_counts_for_at_most_one_however_bad_it_was() {
        let one_bad = |bad: u64| move |seq: u64| if (1..=bad).contains(&seq) { 1.0 } else { 0.0 };
        assert_eq!(after(400, one_bad(2)), after(400, one_bad(50)));
        assert!(after(400, one_bad(2)).0 < 1.0);
        let (log_e, blocks) = after(400, |seq| if seq % 20 == 0 { 1.0 } else { 0.0 });
        assert!(log_e > 20_f64.ln() && blocks == 8, "{log_e} of {blocks}");
    }

    #[test]
    fn an_unfinished_block_waits() {
        assert_eq!(after(49, |_| 1.0), (0.0, 0));
        assert_eq!(after(50, |_| 1.0).1, 1);
        assert_eq!(after(99, |_| 1.0), after(50, |_| 1.0));
    }

    #[test]
    fn a_record_that_comes_after_its_block_was_told_is_left_out() {
        let mut all = Blocks::new(Pace::Told).unwrap();
        (1..=120).for_each(|seq| all.add(seq, 1.0).unwrap());
        let mut late = Blocks::new(Pace::Told).unwrap();
        late.hear(&all, 120).unwrap();
        late.add(7, -1.0).unwrap();
        late.add(101, 1.0).unwrap();
        assert_eq!((late.closed, late.open.len()), (2, 1));
        assert_eq!(late.log_e(120).unwrap(), all.log_e(120).unwrap());
    }

    #[test]
    fn what_is_open_stays_bounded() {
        let mut lonely = Blocks::new(Pace::Told).unwrap();
        (0..2 * OPEN_MAX as u64).for_each(|block| lonely.add(block * BLOCK_RECORDS + 1, 1.0).unwrap());
        assert_eq!(lonely.open.len(), OPEN_MAX);
        assert_eq!(lonely.open[0].0, OPEN_MAX as u64, "the oldest went");
    }
}
