//! Evidence of a warm-up: requests that the baseline once answered well, answered now by the candidate.
//!
//! The baseline's answers were chosen: only whole ones that say something are kept. To set their failures, of which there are
//! none, against the candidate's would charge it for what happens to every release. So the candidate's failures stand against
//! how often the baseline fails its clients, and what answers say is compared only where the candidate's would have been
//! chosen as well: then equal releases are equal again. The argument, and what it assumes, stand in the judge's README.

use super::{Both, Pairing, PairingOptions, flag, is_broken, tokens};
use crate::domain::{Finish, MetricName, Outcome};
use crate::evidence::{Halves, Observation, Pair, Record, Said, Sample};
use crate::stats::{StatsError, clopper_pearson};

/// How often a release failed its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usual {
    /// Answers to clients.
    pub answers: u64,
    /// Errors among them.
    pub errors: u64,
    /// Broken ones among them.
    pub broken: u64,
}

/// What a candidate answered in its warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replays {
    /// How often the baseline failed its clients until then.
    pub usual: Usual,
    /// The baseline's answers with the candidate's to the same requests, in an order that was fixed before any was asked.
    pub samples: Vec<Sample>,
}

impl Usual {
    /// Counts an answer to a client; one that its client left says nothing.
    pub fn note(&mut self, answer: &Observation) {
        if !answer.outcome.is_censored() {
            self.answers += 1;
            self.errors += u64::from(answer.outcome.is_error());
            self.broken += u64::from(is_broken(answer));
        }
    }

    /// Upper limits of the rates of errors and of broken answers, which are both right with probability `1 - alpha`: exact
    /// one-sided limits, each at half of it. Where nothing was seen they are 1.
    fn limits(&self, alpha: f64) -> Result<[f64; 2], StatsError> {
        let limit = |events| match self.answers {
            0 => Ok(1.0),
            answers => clopper_pearson(events, answers, 1.0 - alpha).map(|interval| interval.upper),
        };
        Ok([limit(self.errors)?, limit(self.broken)?])
    }
}

impl Replays {
    /// The pairs, with the graders' `scores`. The baseline's half of `error` and of `broken` is no answer of its own but a
    /// limit on its rate of them, in (0, 1]; both limits are right with probability `1 - alpha`.
    ///
    /// # Errors
    /// When `alpha` is not in (0, 1).
    pub fn records(&self, scores: Vec<MetricName>, alpha: f64) -> Result<Vec<Record>, StatsError> {
        let limits = self.usual.limits(alpha)?;
        let mut pairing = Pairing::new(PairingOptions { scores, ..PairingOptions::of(0) });
        Ok(self.samples.iter().filter_map(|sample| pairing.replayed(sample, limits)).collect())
    }
}

impl Pairing {
    fn replayed(&mut self, sample: &Sample, [errors, broken]: [f64; 2]) -> Option<Record> {
        let (serving, candidate) = (&sample.serving, sample.copied.sent()?.candidate.as_ref());
        let both = Both { baseline: Some(serving), candidate };
        let against = |usual, fails: fn(&Observation) -> bool| Halves {
            baseline: Some(usual),
            candidate: candidate.map(|answer| flag(fails(answer))),
        };
        let mut metrics = vec![
            ("error".into(), against(errors, |answer| answer.outcome.is_error())),
            ("broken".into(), against(broken, is_broken)),
            self.sameness(both),
        ];
        if candidate.is_some_and(is_chosen) {
            metrics.extend(self.scores(both));
            metrics.extend(both.when_complete("length", tokens));
        }
        Some(Record::Pair(Pair { seq: self.next(), id: serving.request.to_string(), metrics }))
    }
}

/// Whether an answer is one that a cache keeps, as the baseline's are.
fn is_chosen(answer: &Observation) -> bool {
    answer.outcome == Outcome::Complete(Finish::Stop) && answer.answer != Said::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Arm;
    use crate::evidence::pairing::tests::{STOP, answer, mirrored};

    fn check(candidate: Option<Observation>, expected: &str) {
        let usual = Usual { answers: 1_000, errors: 10, broken: 0 };
        let samples = vec![mirrored(answer(Arm::Baseline, STOP, 1), candidate, None)];
        let records = Replays { usual, samples }.records(vec!["good".into()], 0.001).unwrap();
        let [Record::Pair(pair)] = &records[..] else { panic!("not one pair: {records:?}") };
        let half = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        let shown = |(name, halves): &(MetricName, Halves)| {
            format!("{name}={}/{}", half(halves.baseline), half(halves.candidate))
        };
        assert_eq!(pair.metrics.iter().map(shown).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn failures_stand_against_the_usual_rate_and_words_against_words_that_were_chosen_alike() {
        let of = |outcome| Some(answer(Arm::Candidate, outcome, 1));
        let failures =
            |error, broken| format!("error=0.025/{error} broken=0.008/{broken} sameness=0.000/0.000");
        let whole = failures("0.000", "0.000") + " good=1.000/1.000 length=11.000/11.000";
        check(of(STOP), &whole);
        check(of(Outcome::Complete(Finish::Length)), &failures("0.000", "0.000"));
        check(of(Outcome::Errored(500)), &failures("1.000", "0.000"));
        check(of(Outcome::Stalled), &failures("0.000", "1.000"));
        let empty = Observation { answer: Said::Nothing, ..answer(Arm::Candidate, STOP, 1) };
        check(Some(empty), &failures("0.000", "1.000"));
        check(None, "error=0.025/- broken=0.008/- sameness=0.000/-");
    }

    #[test]
    fn without_an_answer_of_the_baseline_nothing_can_be_proven() {
        assert_eq!(Usual::default().limits(0.001), Ok([1.0, 1.0]));
        let mut usual = Usual::default();
        for outcome in [STOP, Outcome::Errored(503), Outcome::Stalled, Outcome::ClientGone] {
            usual.note(&answer(Arm::Baseline, outcome, 1));
        }
        assert_eq!(usual, Usual { answers: 3, errors: 1, broken: 1 });
    }
}
