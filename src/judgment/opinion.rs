//! A second opinion on a failure: whether it lasted, or came in a burst.

use std::fmt;

use super::shown::LEVEL;
use crate::evidence::{Snapshot, Strand};

/// Fewer blocks than these prove nothing even if every one of them was as bad as a block can be.
const BLOCKS_MIN: u64 = 7;

/// How the pairs behind a failure are spread over time. It is shown beside the failure and changes no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Blocks of 50 records prove harm as well: it lasted.
    Sustained,
    /// They do not: it may be a burst of the candidate's alone.
    Burst,
}

impl Opinion {
    /// The opinion on `strand`, at the level of the interval that is shown; `None` while there are too few blocks for
    /// either, and where users under a split count, who are in no block.
    pub(super) fn of(snapshot: &Snapshot, strand: &Strand) -> Option<Self> {
        let (log_e, blocks) = strand.log_e_blocks(snapshot.last()).ok()?;
        let told = blocks >= BLOCKS_MIN && strand.users() == 0;
        told.then_some(if log_e >= -(1.0 - LEVEL).ln() { Self::Sustained } else { Self::Burst })
    }

    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sustained => "sustained",
            Self::Burst => "burst",
        }
    }
}

impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sustained => "sustained, by blocks of 50 records",
            Self::Burst => "perhaps a burst, for blocks of 50 records do not bear it out",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Arm, Share};
    use crate::evidence::{Arrival, Collector, Halves, Pair, Record};
    use crate::judgment::{Ask, MetricJudgment, Policy, Question, Subject, Verdict, judge};
    use crate::stats::{BetGrid, Side, Wallet};

    /// The judgment on errors after `pairs` pairs, in which the candidate fails where `fails` says, and `users` users of
    /// both arms, of whom the candidate's all fail.
    fn judged(pairs: u64, users: u64, fails: impl Fn(u64) -> bool) -> MetricJudgment {
        let mut policy = Policy::default_live();
        policy.metrics.truncate(1);
        let mut collector = Collector::new(&policy.specs()).unwrap();
        for seq in 1..=pairs {
            let candidate = Some(f64::from(u8::from(fails(seq))));
            let metrics = vec![("error".into(), Halves { baseline: Some(0.0), candidate })];
            collector.push(&Record::Pair(Pair { seq, id: seq.to_string(), metrics })).unwrap();
        }
        for seq in pairs + 1..=pairs + users {
            let arm = if seq % 2 == 0 { Arm::Candidate } else { Arm::Baseline };
            let (id, share) = (seq.to_string(), Share::from_ppm(500_000));
            let metrics = vec![("error".into(), f64::from(u8::from(arm == Arm::Candidate)))];
            collector.push(&Record::Arrival(Arrival { seq, id, arm, share, metrics })).unwrap();
        }
        let ask = Ask { question: Question::Mirror, subject: Subject::default(), must_pass: Vec::new() };
        judge(collector.snapshot(), &policy, &ask).metrics.remove(0)
    }

    #[test]
    fn a_fault_that_lasts_is_told_from_a_burst() {
        let lasting = judged(600, 0, |seq| seq % 20 == 0);
        assert_eq!(lasting.opinion, Some(Opinion::Sustained));
        assert!(
            lasting.reason.to_string().ends_with("; sustained, by blocks of 50 records"),
            "{}",
            lasting.reason
        );
        let burst = judged(600, 0, |seq| (400..430).contains(&seq));
        assert_eq!((burst.verdict, burst.opinion), (Verdict::Fail, Some(Opinion::Burst)));
        assert!(burst.reason.to_string().contains("; perhaps a burst"), "{}", burst.reason);
    }

    #[test]
    fn no_opinion_is_given_too_early_on_users_or_on_what_did_not_fail() {
        let early = judged(300, 0, |seq| seq % 10 == 0);
        assert_eq!((early.verdict, early.opinion), (Verdict::Fail, None));
        let users = judged(600, 60, |_| false);
        assert_eq!((users.verdict, users.opinion), (Verdict::Fail, None));
        assert_eq!(judged(600, 0, |_| false).opinion, None);
    }

    #[test]
    fn fewer_blocks_could_not_prove_anything() {
        let log_e = |blocks: u64| {
            let mut worst = Wallet::new(BetGrid::Uniform, Side::Abort, 0.0).unwrap();
            (0..blocks).for_each(|_| worst.update(1.0).unwrap());
            worst.log_e()
        };
        let needed = -(1.0 - LEVEL).ln();
        assert!(log_e(BLOCKS_MIN - 1) < needed && log_e(BLOCKS_MIN) >= needed);
    }
}
