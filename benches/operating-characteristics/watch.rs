//! Records that are judged as they come: the shipped collector and judge, without the traffic before them.

use goldgate::evidence::{Arrival, Collector, Halves, Pair, Record};
use goldgate::judgment::{Ask, Policy, Question, Subject, Verdict, judge};
use goldgate::simulation::Ended;

/// What is watched, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) policy: Policy,
    pub(crate) question: Question,
    pub(crate) records: u64,
    /// Records between looks.
    pub(crate) look_every: u64,
    /// Whether the first pass ends it, as it ends a stage; else a failure may follow.
    pub(crate) until_pass: bool,
}

impl Watch {
    /// Looks at `records` until they fail.
    pub(crate) fn over(&self, records: impl IntoIterator<Item = Record>) -> anyhow::Result<Ended> {
        let mut collector = Collector::new(&self.policy.specs())?;
        let must_pass = self.policy.required();
        let ask = Ask { question: self.question, subject: Subject::default(), must_pass };
        let mut ended = Ended::default();
        for record in records {
            collector.push(&record)?;
            let seen = collector.snapshot().records();
            if seen % self.look_every == 0 {
                match judge(collector.snapshot(), &self.policy, &ask).verdict {
                    Verdict::Fail => ended.aborted = ended.aborted.or(Some(seen)),
                    Verdict::Pass => ended.promoted = ended.promoted.or(Some(seen)),
                    Verdict::Inconclusive | Verdict::Invalid => {}
                }
            }
            let passed = self.until_pass && ended.promoted.is_some();
            if seen >= self.records || ended.aborted.is_some() || passed {
                break;
            }
        }
        Ok(ended)
    }
}

/// A pair of so many metrics, each with its values: baseline, candidate.
pub(crate) fn pair(seq: u64, metrics: impl Iterator<Item = (&'static str, (f64, f64))>) -> Record {
    let halves = |(baseline, candidate)| Halves { baseline: Some(baseline), candidate: Some(candidate) };
    let metrics = metrics.map(|(name, values)| (name.into(), halves(values))).collect();
    Record::Pair(Pair { seq, id: seq.to_string(), metrics })
}

/// One user's first request.
pub(crate) fn arrival(
    seq: u64,
    arm: goldgate::domain::Arm,
    share: goldgate::domain::Share,
    (name, value): (&str, f64),
) -> Record {
    let metrics = vec![(name.into(), value)];
    Record::Arrival(Arrival { seq, id: seq.to_string(), arm, share, metrics })
}
