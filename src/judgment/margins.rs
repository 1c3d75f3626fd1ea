//! What other margins would have said of the same records.

use super::{Ask, Judgment, MetricJudgment, Policy, Verdict, judge};
use crate::domain::{MetricKind, MetricName};
use crate::evidence::{Collector, EvidenceError, Record};

/// Margins that are tried, as parts of the ones that were set.
const FACTORS: [f64; 6] = [0.5, 0.75, 1.0, 1.5, 2.0, 3.0];

/// Records folded under several margins at once: a wallet bets against its margin, so that another margin needs all of
/// them again.
///
/// *Promise.* None: a margin that was chosen after the evidence was seen errs as often as it likes. It shows how near a
/// decision was, and decides nothing.
#[derive(Clone, Debug)]
pub struct OtherMargins {
    scaled: Vec<MetricName>,
    rungs: Vec<Rung>,
}

#[derive(Clone, Debug)]
struct Rung {
    factor: f64,
    policy: Policy,
    collector: Collector,
}

/// What would have been said, had the margins in question been so many times as wide.
#[derive(Clone, Debug, PartialEq)]
pub struct AtMargins {
    /// The factor; 1: the margins as they were set.
    pub factor: f64,
    /// The verdict of all metrics together.
    pub verdict: Verdict,
    /// The metrics whose margins were changed.
    pub metrics: Vec<AtMargin>,
}

/// One metric at one margin.
#[derive(Clone, Debug, PartialEq)]
pub struct AtMargin {
    /// The metric.
    pub name: MetricName,
    /// Its kind: says whether the margin is points or a relative change.
    pub kind: MetricKind,
    /// The margin, in the metric's unit.
    pub margin: f64,
    /// What its evidence says against it.
    pub verdict: Verdict,
}

impl OtherMargins {
    /// `policy` at half, three quarters, once, one and a half, twice and three times the margins (and abort margins) of
    /// what it requires, and of what `judgment` asked for or failed. A factor that leaves no rule is passed over.
    ///
    /// # Errors
    /// When a margin leaves no room for a test.
    pub fn around(policy: &Policy, judgment: &Judgment) -> Result<Self, EvidenceError> {
        let rests = judgment.metrics.iter().filter(|one| one.required || one.verdict == Verdict::Fail);
        let rests: Vec<_> = rests.filter_map(margin_of).collect();
        let scaled = policy.metrics.iter().filter(|rule| rule.required || rests.contains(&rule.name));
        let scaled: Vec<_> = scaled.map(|rule| rule.name.clone()).collect();
        let mut rungs = Vec::new();
        for factor in FACTORS {
            let policy = widened(policy, &scaled, factor);
            if policy.validate().is_ok() {
                let collector = Collector::new(&policy.specs())?;
                rungs.push(Rung { factor, policy, collector });
            }
        }
        Ok(Self { scaled, rungs })
    }

    /// A stage begins.
    pub fn open_stage(&mut self) {
        self.rungs.iter_mut().for_each(|rung| rung.collector.open_stage());
    }

    /// Folds the next record under every margin.
    ///
    /// # Errors
    /// As [`Collector::push_distinct`].
    pub fn push(&mut self, record: &Record) -> Result<(), EvidenceError> {
        self.rungs.iter_mut().try_for_each(|rung| rung.collector.push_distinct(record))
    }

    /// What each margin says of what was folded, the narrowest first.
    #[must_use]
    pub fn judge(&self, ask: &Ask) -> Vec<AtMargins> {
        self.rungs.iter().map(|rung| rung.judge(&self.scaled, ask)).collect()
    }
}

impl Rung {
    fn judge(&self, scaled: &[MetricName], ask: &Ask) -> AtMargins {
        let judgment = judge(self.collector.snapshot(), &self.policy, ask);
        let is_scaled = |name: MetricName| scaled.contains(&name);
        let metrics = judgment.metrics.iter().filter(|metric| margin_of(metric).is_some_and(is_scaled));
        let metrics = metrics.map(|metric| AtMargin {
            name: metric.name.clone(),
            kind: metric.kind,
            margin: metric.margin,
            verdict: metric.verdict,
        });
        AtMargins { factor: self.factor, verdict: judgment.verdict, metrics: metrics.collect() }
    }
}

/// The metric whose margin a test is held against. A tail has a margin of its own, and the metric's name with a suffix; both
/// sides of a length have a suffix and the metric's margin.
fn margin_of(test: &MetricJudgment) -> Option<MetricName> {
    let name = test.name.as_str();
    match (test.kind, name.rsplit_once(':')) {
        (MetricKind::Length, Some((metric, _))) => Some(metric.into()),
        (MetricKind::Latency, Some(_)) => None,
        _ => Some(name.into()),
    }
}

fn widened(policy: &Policy, scaled: &[MetricName], factor: f64) -> Policy {
    let mut policy = policy.clone();
    for rule in policy.metrics.iter_mut().filter(|rule| scaled.contains(&rule.name)) {
        rule.margin *= factor;
        rule.abort_margin = rule.abort_margin.map(|margin| margin * factor);
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Halves, Pair};
    use crate::judgment::{Question, Subject};

    /// 600 pairs; in every `bad_every`-th the candidate fails alone.
    fn records(bad_every: u64) -> Vec<Record> {
        let pair = |seq: u64| {
            let bad = f64::from(u8::from(seq.is_multiple_of(bad_every)));
            let halves = Halves { baseline: Some(0.0), candidate: Some(bad) };
            Record::Pair(Pair { seq, id: format!("r{seq}"), metrics: vec![("error".into(), halves)] })
        };
        (1..=600).map(pair).collect()
    }

    fn verdicts(bad_every: u64) -> (Judgment, Vec<AtMargins>) {
        let mut policy = Policy::default_live();
        policy.metrics.retain(|rule| rule.name.as_str() == "error");
        let (question, subject) = (Question::Mirror, Subject::default());
        let ask = Ask { question, subject, must_pass: policy.required() };
        let mut collector = Collector::new(&policy.specs()).unwrap();
        records(bad_every).iter().for_each(|record| collector.push(record).unwrap());
        let judgment = judge(collector.snapshot(), &policy, &ask);
        let mut others = OtherMargins::around(&policy, &judgment).unwrap();
        others.open_stage();
        records(bad_every).iter().for_each(|record| others.push(record).unwrap());
        (judgment, others.judge(&ask))
    }

    #[test]
    fn a_wider_margin_never_speaks_against_the_candidate_and_the_margin_as_set_says_what_was_said() {
        for bad_every in [7, 25, 1_000] {
            let (judgment, others) = verdicts(bad_every);
            let factors: Vec<_> = others.iter().map(|one| one.factor).collect();
            assert_eq!(factors, FACTORS);
            let margins = others.iter().map(|one| one.metrics[0].margin);
            assert!(margins.zip(FACTORS).all(|(margin, factor)| (margin - 0.01 * factor).abs() < 1e-12));
            assert_eq!(others[2].verdict, judgment.verdict, "one in {bad_every}");
            // Pass < Inconclusive < Fail.
            assert!(others.windows(2).all(|two| two[1].verdict <= two[0].verdict), "{others:?}");
        }
        let (judgment, others) = verdicts(1_000);
        assert_eq!((judgment.verdict, others[0].verdict), (Verdict::Pass, Verdict::Inconclusive));
        assert_eq!(verdicts(7).0.verdict, Verdict::Fail);
    }

    #[test]
    fn margins_that_are_no_rule_are_passed_over_and_metrics_that_nobody_asks_about_left_alone() {
        let (mut judgment, _) = verdicts(7);
        let mut policy = Policy::default_live();
        policy.metrics[0].margin = 0.4;
        policy.metrics[0].abort_margin = Some(0.45);
        let others = OtherMargins::around(&policy, &judgment).unwrap();
        assert_eq!(others.rungs.len(), 5, "three times 40 points is no margin");
        let last = &others.rungs[4].policy.metrics;
        assert_eq!((last[0].margin, last[0].abort_margin), (0.8, Some(0.9)));
        assert_eq!(last[2], policy.metrics[2], "sameness is a guard, and did not fail");
        let names = |judgment: &Judgment| OtherMargins::around(&policy, judgment).unwrap().scaled;
        assert_eq!(names(&judgment), ["error", "broken"].map(MetricName::from), "what the policy requires");
        judgment.metrics[0].name = "ttft_ms".into();
        assert_eq!(names(&judgment), ["error", "broken", "ttft_ms"].map(MetricName::from), "it failed");
    }

    #[test]
    fn a_tail_has_a_margin_of_its_own_and_both_sides_of_a_length_have_one() {
        let (mut judgment, _) = verdicts(7);
        for (name, kind, expected) in [
            ("length:shorter", MetricKind::Length, Some("length")),
            ("ttft_ms:p99", MetricKind::Latency, None),
            ("number@a:b", MetricKind::Score, Some("number@a:b")),
        ] {
            (judgment.metrics[0].name, judgment.metrics[0].kind) = (name.into(), kind);
            assert_eq!(margin_of(&judgment.metrics[0]), expected.map(MetricName::from), "{name}");
        }
    }
}
