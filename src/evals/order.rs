//! In which order an engine is asked what: random, seeded, and fair to both arms.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::domain::Arm;

/// One request of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Turn {
    /// Index of the case.
    pub(super) case: usize,
    /// Which repeat, from 0.
    pub(super) repeat: u32,
    /// Who is asked.
    pub(super) arm: Arm,
}

/// Every case and repeat once per arm. Cases come in random order; the arms are asked one right after the other, so that
/// both meet the same moment of the machine; and each goes first in half of the cases (rounded), so that neither always
/// finds the other's traces (a warm disk, a warm network).
pub(super) fn turns(cases: usize, repeats: u32, seed: u64) -> Vec<Turn> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut asks: Vec<(usize, u32)> =
        (0..cases).flat_map(|case| (0..repeats).map(move |repeat| (case, repeat))).collect();
    asks.shuffle(&mut rng);
    let mut first: Vec<Arm> =
        (0..asks.len()).map(|index| if index % 2 == 0 { Arm::Baseline } else { Arm::Candidate }).collect();
    first.shuffle(&mut rng);
    let both = asks.into_iter().zip(first);
    both.flat_map(|((case, repeat), first)| [first, first.other()].map(|arm| Turn { case, repeat, arm }))
        .collect()
}

/// Puts all turns of a case together, cases in the order of their first; gives that order.
pub(super) fn by_case(turns: &mut [Turn]) -> Vec<usize> {
    let (mut rank, mut order) = (HashMap::new(), Vec::new());
    for turn in turns.iter() {
        rank.entry(turn.case).or_insert_with(|| {
            order.push(turn.case);
            order.len()
        });
    }
    turns.sort_by_key(|turn| rank.get(&turn.case).copied());
    order
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn check(cases: usize, repeats: u32, seed: u64) {
        let turns = turns(cases, repeats, seed);
        let asked: HashSet<_> = turns.iter().map(|turn| (turn.case, turn.repeat, turn.arm)).collect();
        let total = cases * repeats as usize * 2;
        assert_eq!((turns.len(), asked.len()), (total, total), "{cases} × {repeats}, seed {seed}");
        let baseline_first = turns.chunks(2).filter(|pair| pair[0].arm == Arm::Baseline).count();
        assert!(
            baseline_first.abs_diff(total / 2 - baseline_first) <= 1,
            "seed {seed}: {baseline_first} of {total}"
        );
        for pair in turns.chunks(2) {
            assert_eq!(
                (pair[0].case, pair[0].repeat, pair[0].arm.other()),
                (pair[1].case, pair[1].repeat, pair[1].arm)
            );
        }
    }

    #[test]
    fn every_case_meets_both_arms_and_each_arm_leads_half_the_time() {
        for seed in 0..20 {
            check(1, 1, seed);
            check(7, 3, seed);
            check(200, 1, seed);
        }
        check(0, 5, 1);
    }

    #[test]
    fn repeats_can_stand_together_and_stay_fair() {
        let mut together = turns(9, 3, 1);
        let order = by_case(&mut together);
        let cases: Vec<usize> = together.chunks(6).map(|turns| turns[0].case).collect();
        assert_eq!(cases, order);
        assert!(together.chunks(6).all(|turns| turns.iter().all(|turn| turn.case == turns[0].case)));
        assert!(together.chunks(2).all(|pair| pair[0].arm == pair[1].arm.other()));
    }

    #[test]
    fn a_seed_is_an_order_and_another_seed_another() {
        assert_eq!(turns(50, 2, 7), turns(50, 2, 7));
        assert_ne!(turns(50, 2, 7), turns(50, 2, 8));
        let cases: Vec<usize> = turns(50, 1, 7).iter().map(|turn| turn.case).collect();
        assert!(!cases.is_sorted(), "cases come in file order");
    }
}
