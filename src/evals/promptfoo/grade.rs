//! From assertions to the result of a test: `AssertionsResult` of promptfoo.

use std::collections::HashMap;
use std::sync::Arc;

use super::check::{Check, Said};
use crate::evals::grader::Reply;

/// Grades an answer by the assertions of its case, which are named by the case's reference: their text.
#[derive(Clone, Debug)]
pub struct PromptfooGrader {
    part: Part,
    tests: Arc<HashMap<String, Test>>,
}

/// Which number of a test's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// 1 when the test passes.
    Success,
    /// The weighted mean of its assertions.
    Score,
    /// That of the assertions with this metric.
    Named(String),
}

/// What the answer to one case must satisfy.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) entries: Vec<Entry>,
    /// The score from which it passes; none: every assertion must.
    pub(super) threshold: Option<f64>,
}

/// An assertion or a set of them, with its weight.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rule: Rule,
    pub(super) weight: f64,
    pub(super) metric: Option<String>,
}

#[derive(Debug)]
pub(super) enum Rule {
    Check { check: Check, inverse: bool },
    Set { entries: Vec<Entry>, threshold: Option<f64> },
}

/// A result, with sums and weights by metric.
#[derive(Debug)]
struct Graded {
    said: Said,
    named: Vec<(String, f64, f64)>,
}

impl Part {
    pub(super) const fn id(&self) -> &'static str {
        match self {
            Self::Success => "success@promptfoo",
            Self::Score => "score@promptfoo",
            Self::Named(_) => "named_score@promptfoo",
        }
    }
}

impl PromptfooGrader {
    pub(super) const fn new(part: Part, tests: Arc<HashMap<String, Test>>) -> Self {
        Self { part, tests }
    }

    /// Whether scores are 0 or 1.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        matches!(self.part, Part::Success)
    }

    /// The score in [0, 1]; none for a case without assertions, without the metric, or when the answer lacks what an
    /// assertion looks at.
    pub(in crate::evals) fn score(&self, reply: Reply<'_>, references: &[String]) -> Option<f64> {
        let test = self.tests.get(references.first()?)?;
        let graded = grade(&test.entries, test.threshold, reply)?;
        match &self.part {
            Part::Success => Some(f64::from(u8::from(graded.said.pass))),
            Part::Score => Some(graded.said.score),
            Part::Named(name) => {
                let (_, sum, weight) = graded.named.iter().find(|(known, ..)| known == name)?;
                (*weight > 0.0).then(|| sum / weight)
            }
        }
    }
}

impl Entry {
    /// The metrics that it feeds.
    pub(super) fn metrics(&self) -> Vec<String> {
        let inner = match &self.rule {
            Rule::Check { .. } => &[][..],
            Rule::Set { entries, .. } => entries,
        };
        self.metric.iter().cloned().chain(inner.iter().flat_map(Self::metrics)).collect()
    }

    fn ask(&self, reply: Reply<'_>) -> Option<Graded> {
        match &self.rule {
            Rule::Check { check, inverse } => {
                let said = check.ask(*inverse, reply)?;
                // Without weight an assertion is shown and decides nothing.
                Some(Graded {
                    said: Said { pass: said.pass || self.weight == 0.0, ..said },
                    named: Vec::new(),
                })
            }
            Rule::Set { entries, threshold } => grade(entries, *threshold, reply),
        }
    }
}

fn grade(entries: &[Entry], threshold: Option<f64>, reply: Reply<'_>) -> Option<Graded> {
    let (mut sum, mut weight, mut all) = (0.0, 0.0, true);
    let mut named: Vec<(String, f64, f64)> = Vec::new();
    let mut feed =
        |name: &str, score: f64, weight: f64| match named.iter_mut().find(|(known, ..)| known == name) {
            Some((_, sum, weights)) => (*sum, *weights) = (*sum + score * weight, *weights + weight),
            None => named.push((name.to_owned(), score * weight, weight)),
        };
    for entry in entries {
        let Graded { said, named: inner } = entry.ask(reply)?;
        sum += said.score * entry.weight;
        weight += entry.weight;
        all &= said.pass;
        if let Some(name) = &entry.metric {
            feed(name, said.score, entry.weight);
        }
        for (name, inner_sum, inner_weight) in
            inner.into_iter().filter(|(name, ..)| entry.metric.as_ref() != Some(name))
        {
            let mean = if inner_weight > 0.0 { inner_sum / inner_weight } else { 0.0 };
            feed(&name, mean, inner_weight * entry.weight);
        }
    }
    let score = if weight > 0.0 { sum / weight } else { 0.0 };
    let pass = threshold.map_or(all, |least| score >= least);
    Some(Graded { said: Said { pass, score }, named })
}
