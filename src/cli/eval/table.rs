//! What one arm did on one suite, as text and as JSON.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::evals::{ArmRun, Score, Suite, TimingHistogram};

/// The figures of one suite.
#[derive(Debug)]
pub(super) struct Table {
    suite: String,
    source: String,
    cases: usize,
    asked: usize,
    answers: usize,
    failed: usize,
    scores: Vec<(String, Option<Mean>)>,
    latency: Vec<(&'static str, u64, [Option<f64>; 3])>,
    capped: Option<String>,
}

/// A mean and how many it is over.
#[derive(Clone, Copy, Debug)]
struct Mean {
    value: f64,
    count: usize,
}

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

impl Table {
    /// The figures of `run`, which a cap may have ended. A lost answer counts as score 0: it must not make the mean better.
    pub(super) fn new(suite: &Suite, run: &ArmRun, capped: Option<String>) -> Self {
        let samples = || run.samples.iter().flatten();
        let answers = || samples().filter_map(|sample| sample.outcome);
        let scores = suite.metrics.iter().enumerate().map(|(index, metric)| {
            let scores = samples().filter_map(|sample| sample.scores.get(index));
            (metric.name.to_string(), mean(scores))
        });
        let corpus = run.corpus_bleu.iter().map(|(index, value)| {
            let mean = Mean { value: *value, count: samples().count() };
            (format!("{}:corpus", suite.metrics[*index].name), Some(mean))
        });
        let timed = run.latency.iter().filter(|histogram| !histogram.micros.is_empty());
        let quantiles = |histogram: &TimingHistogram| QUANTILES.map(|(_, q)| histogram.quantile_ms(q));
        Self {
            suite: suite.name.clone(),
            source: run.source.clone(),
            cases: suite.cases.len(),
            asked: samples().count(),
            answers: answers().count(),
            failed: answers().filter(|outcome| !outcome.is_complete()).count(),
            scores: scores.chain(corpus).collect(),
            latency: timed.map(|h| (h.timing.metric(), h.micros.len(), quantiles(h))).collect(),
            capped,
        }
    }

    /// What was asked for and not measured; `None` when everything was.
    pub(super) fn gap(&self) -> Option<String> {
        let Self { suite, source, asked, answers, failed, .. } = self;
        let lost = asked - answers;
        if let Some(capped) = &self.capped {
            Some(format!("{suite}: the run was ended by {capped}; go on with a higher cap and --resume"))
        } else if *asked == 0 {
            Some(format!("{suite}: the suite holds no case, and nothing measured is no success"))
        } else if lost > 0 {
            Some(format!("{suite}: {lost} of {asked} answers are missing from {source}, and count as wrong"))
        } else if failed == answers {
            Some(format!("{suite}: none of {answers} answers from {source} is whole"))
        } else if self.scores.iter().all(|(_, mean)| mean.is_none()) {
            Some(format!("{suite}: no grader of the suite applies to any of its cases"))
        } else {
            None
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { suite, source, cases, answers, failed, .. } = self;
        let mut text = format!("{suite} on {source}: {cases} cases, {answers} answers, {failed} failed\n");
        for (name, mean) in &self.scores {
            // Writing to a String cannot fail.
            let _ = match mean {
                Some(Mean { value, count }) => writeln!(text, "  {name:<28} {value:.4}  over {count}"),
                None => writeln!(text, "  {name:<28} not measured"),
            };
        }
        for (name, count, quantiles) in &self.latency {
            let _ = write!(text, "  {name:<28}");
            for ((label, _), ms) in QUANTILES.iter().zip(quantiles) {
                let _ = write!(text, " {label} {:.1}", ms.unwrap_or_default());
            }
            let _ = writeln!(text, "  over {count}");
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let score = |mean: &Option<Mean>| mean.map(|mean| json!({ "mean": mean.value, "count": mean.count }));
        let scores: Map<String, Value> =
            self.scores.iter().map(|(name, mean)| (name.clone(), json!(score(mean)))).collect();
        let latency: Map<String, Value> = self
            .latency
            .iter()
            .map(|(name, count, ms)| {
                let [p50, p95, p99] = ms;
                ((*name).to_owned(), json!({ "p50": p50, "p95": p95, "p99": p99, "count": count }))
            })
            .collect();
        json!({
            "schema": "goldgate/eval/1",
            "suite": self.suite,
            "target": self.source,
            "cases": self.cases,
            "answers": self.answers,
            "failed": self.failed,
            "scores": scores,
            "latency": latency,
        })
    }
}

fn mean<'s>(scores: impl Iterator<Item = &'s Score>) -> Option<Mean> {
    let values: Vec<f64> = scores
        .filter_map(|score| match score {
            Score::Lost | Score::Unscored => Some(0.0),
            score => score.value(),
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of answers, far below 2^53")]
    let value = values.iter().sum::<f64>() / values.len() as f64;
    (!values.is_empty()).then_some(Mean { value, count: values.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_does_not_make_the_mean_better() {
        let scores = [Score::Value(1.0), Score::Lost, Score::NotApplicable, Score::Value(1.0)];
        let mean = mean(scores.iter()).unwrap();
        assert_eq!((mean.value, mean.count), (2.0 / 3.0, 3));
    }

    fn check(asked: usize, answers: usize, failed: usize, expected: Option<&str>) {
        let (suite, source, latency) = ("s".to_owned(), "a.jsonl".to_owned(), Vec::new());
        let scores = vec![("m".to_owned(), Some(Mean { value: 1.0, count: asked }))];
        let table =
            Table { suite, source, cases: asked, asked, answers, failed, scores, latency, capped: None };
        let gap = table.gap();
        match expected {
            Some(part) => assert!(gap.as_ref().is_some_and(|gap| gap.contains(part)), "{gap:?}"),
            None => assert_eq!(gap, None),
        }
    }

    #[test]
    fn what_was_not_measured_is_told() {
        check(3, 3, 0, None);
        check(3, 3, 2, None);
        check(0, 0, 0, Some("no case"));
        check(3, 2, 0, Some("1 of 3 answers are missing from a.jsonl"));
        check(3, 3, 3, Some("none of 3 answers from a.jsonl is whole"));
    }

    #[test]
    fn nothing_scored_has_no_mean() {
        assert!(mean([Score::NotApplicable].iter()).is_none());
        assert!(mean([].iter()).is_none());
    }
}
