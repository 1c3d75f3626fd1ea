//! Midranks, what ties cost, and exact tails: shared by the rank tests.

use crate::stats::Alternative;

/// How a rank test's p-value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RankMethod {
    /// From the exact distribution; undefined with ties (and, for signed ranks, zeros).
    Exact,
    /// By the normal approximation with tie-corrected variance.
    Normal,
    /// The same with a continuity correction of ½.
    NormalCorrected,
}

impl RankMethod {
    /// What is taken off the distance to the mean.
    pub(super) const fn correction(self) -> f64 {
        match self {
            Self::Exact | Self::Normal => 0.0,
            Self::NormalCorrected => 0.5,
        }
    }
}

/// Ranks from 1, tied values sharing the mean of theirs.
pub(super) fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = start as f64 + 0.5 * (group.len() as f64 + 1.0);
        group.iter().for_each(|&index| ranks[index] = rank);
        start += group.len();
    }
    ranks
}

/// Σ (t³ − t) over groups of t equal values.
pub(super) fn tie_term(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|group| group.len() as f64).map(|t| t.powi(3) - t).sum()
}

/// The exact p-value of a statistic on 0, 1, … with these `chances`, which are symmetric, so that the
/// upper tail is the lower tail of the `opposite` statistic (largest value − statistic).
pub(super) fn exact_p(chances: &[f64], opposite: f64, statistic: f64, alternative: Alternative) -> f64 {
    let at_most = |limit: f64| {
        let values = (0..).map(f64::from).zip(chances);
        values.take_while(|(value, _)| *value <= limit).map(|(_, chance)| chance).sum::<f64>()
    };
    match alternative {
        Alternative::TwoSided => (2.0 * at_most(opposite.min(statistic))).min(1.0),
        Alternative::Greater => at_most(opposite),
        Alternative::Less => at_most(statistic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(midranks(&[3.0, 1.0, 3.0, 2.0]), vec![3.5, 1.0, 3.5, 2.0]);
        assert_eq!(midranks(&[0.0, -0.0]), vec![1.5, 1.5]);
        assert_eq!(tie_term(&[3.0, 1.0, 3.0, 3.0]), 24.0);
        assert!(midranks(&[]).is_empty());
    }
}
