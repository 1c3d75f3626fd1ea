//! From cases to differences of harm: positive is worse, lost halves are the worst case.

use std::collections::BTreeSet;
use std::f64::consts::LN_2;

use super::{GoldenMetric, GoldenPair};
use crate::evidence::{Aspect, Halves, harm_difference};

/// One metric's differences in one direction, case by case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Differences {
    /// One a case: harm, candidate − baseline; for ratio kinds the logarithm of candidate/baseline.
    pub(super) values: Vec<f64>,
    /// The cluster of each case, by number; a case without a name of its cluster is its own.
    pub(super) clusters: Vec<usize>,
    /// The largest difference that a case is taken to be able to have, either way.
    pub(super) reach: f64,
}

impl Differences {
    pub(super) fn of(metric: &GoldenMetric, aspect: Aspect) -> Self {
        let sign = if aspect == Aspect::Shorter { -1.0 } else { 1.0 };
        let ratio = metric.kind.is_ratio() && aspect != Aspect::Threefold;
        let worst = if ratio { LN_2 } else { 1.0 };
        let difference = |pair: &GoldenPair| {
            let halves = admitted(metric, pair);
            match (ratio, halves.baseline, halves.candidate) {
                _ if aspect == Aspect::Threefold => threefold(halves),
                (true, Some(baseline), Some(candidate)) => sign * (candidate.ln() - baseline.ln()),
                // A lost half counts as twice as slow, which is as far as live evidence reads a ratio.
                (true, _, _) => worst,
                (false, _, _) => harm_difference(metric.kind, halves),
            }
        };
        Self {
            values: metric.pairs.iter().map(difference).collect(),
            clusters: numbered(&metric.pairs),
            reach: worst,
        }
    }

    /// Of these cases alone, by index; an index that is not there is passed over.
    pub(super) fn only(&self, cases: &[usize]) -> Self {
        let known = || cases.iter().copied().filter(|at| *at < self.values.len());
        Self {
            values: known().map(|at| self.values[at]).collect(),
            clusters: known().map(|at| self.clusters[at]).collect(),
            reach: self.reach,
        }
    }

    /// Independent units: clusters, or cases where no two share one.
    pub(super) fn units(&self) -> usize {
        self.clusters.iter().collect::<BTreeSet<_>>().len()
    }

    pub(super) fn are_clustered(&self) -> bool {
        self.units() < self.values.len()
    }

    /// Whether every case is better, worse or alike, with nothing between.
    pub(super) fn are_flips(&self) -> bool {
        self.values.iter().all(|d| [-1.0, 0.0, 1.0].contains(d))
    }

    /// Whether at least half of the cases do not differ: then t intervals are too sure of themselves.
    pub(super) fn are_mostly_ties(&self) -> bool {
        let ties = self.values.iter().filter(|d| **d == 0.0).count();
        2 * ties >= self.values.len()
    }

    /// The size of the largest difference; the largest possible one where there is none.
    pub(super) fn largest(&self) -> f64 {
        let largest = self.values.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
        if largest > 0.0 { largest } else { self.reach }
    }

    /// What was lost and won in all, in units of the largest difference.
    pub(super) fn weights(&self) -> (f64, f64) {
        let total = |sign: f64| self.values.iter().map(|d| (sign * d).max(0.0)).sum::<f64>() / self.largest();
        (total(1.0), total(-1.0))
    }

    /// Cases that are (worse, better).
    pub(super) fn flips(&self) -> (u64, u64) {
        let count = |worse: fn(f64) -> bool| self.values.iter().filter(|d| worse(**d)).count() as u64;
        (count(|d| d > 0.0), count(|d| d < 0.0))
    }
}

/// Whether the candidate took more than three times as long, less whether the baseline did. This test can only fail, so
/// what the baseline lost proves nothing against the candidate; what the candidate lost is the worst case.
fn threefold(halves: Halves) -> f64 {
    let indicator = |condition| f64::from(u8::from(condition));
    match (halves.baseline, halves.candidate) {
        (Some(baseline), Some(candidate)) => {
            indicator(candidate > 3.0 * baseline) - indicator(baseline > 3.0 * candidate)
        }
        (Some(_), None) => 1.0,
        (None, _) => 0.0,
    }
}

/// The halves, less what the metric's kind cannot take: NaN is a lost answer, not a number.
pub(super) fn admitted(metric: &GoldenMetric, pair: &GoldenPair) -> Halves {
    let sound = |half: Option<f64>| half.filter(|value| metric.kind.admits(*value));
    Halves { baseline: sound(pair.halves.baseline), candidate: sound(pair.halves.candidate) }
}

fn numbered(pairs: &[GoldenPair]) -> Vec<usize> {
    let mut names = std::collections::BTreeMap::new();
    let number = |(at, pair): (usize, &GoldenPair)| match &pair.cluster {
        Some(name) => *names.entry(name.clone()).or_insert(at),
        None => at,
    };
    pairs.iter().enumerate().map(number).collect()
}
