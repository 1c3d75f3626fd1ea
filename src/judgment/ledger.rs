//! The ledger: where every e-value stood at each look, and when each of them reached what decides.

use super::{AlphaLedger, Judgment, MetricJudgment};
use crate::domain::MetricName;

/// One look at live evidence: where every e-value stood. The ledger of a rollout is a list of these.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerPoint {
    /// Records judged so far.
    pub records: u64,
    /// Natural logarithm of the weighted family-wide abort e-value.
    pub log_e_abort: f64,
    /// Per metric: name, log e-value for failing (unweighted), log e-value for passing.
    pub metrics: Vec<(MetricName, f64, f64)>,
}

/// Which threshold an e-value reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossed {
    /// "Worse by the margin or more" was refuted.
    Promote,
    /// "Worse by at most the margin" was refuted.
    Abort,
}

/// The first look at which an e-value was at its threshold or beyond.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// Whose e-value; `None`: that of all metrics together, weighted.
    pub metric: Option<MetricName>,
    /// Which threshold.
    pub crossed: Crossed,
    /// Records at that look.
    pub records: u64,
    /// Natural logarithm of the e-value then; of one metric's abort side before weighting.
    pub log_e: f64,
    /// Natural logarithm of what it had to reach.
    pub log_threshold: f64,
}

/// What the e-values of a ledger are held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// ln(1/α) of passing, each metric.
    pub log_promote: f64,
    /// ln(1/α) of failing, for the weighted mean of all metrics.
    pub log_abort: f64,
    /// Each test's share of the budget for failing.
    pub weights: Vec<(MetricName, f64)>,
}

impl LedgerPoint {
    /// Where every e-value stood at the look that gave `judgment`, after `records` records; `None` for a fixed sample,
    /// which has none.
    #[must_use]
    pub fn of(records: u64, judgment: &Judgment) -> Option<Self> {
        let point =
            |metric: &MetricJudgment| Some((metric.name.clone(), metric.log_e_abort?, metric.log_e_promote?));
        let log_e_abort = judgment.alpha?.log_e_abort;
        Some(Self { records, log_e_abort, metrics: judgment.metrics.iter().filter_map(point).collect() })
    }
}

impl Thresholds {
    /// Those that `judgment` was given by; `None` for a fixed sample.
    #[must_use]
    pub fn of(judgment: &Judgment) -> Option<Self> {
        let AlphaLedger { abort, promote, .. } = judgment.alpha?;
        let weight = |metric: &MetricJudgment| Some((metric.name.clone(), metric.weight?));
        let weights = judgment.metrics.iter().filter_map(weight).collect();
        Some(Self { log_promote: -promote.ln(), log_abort: -abort.ln(), weights })
    }

    /// What the abort e-value of `metric` must reach to fail it without any other: ln(1/(α · weight)).
    #[must_use]
    pub fn log_abort_alone(&self, metric: &MetricName) -> Option<f64> {
        let (_, weight) = self.weights.iter().find(|(name, _)| name == metric)?;
        Some(self.log_abort - weight.ln())
    }

    /// The first look at which each e-value was at its threshold, in the order of the looks. An e-value may fall again
    /// afterwards; what it proved stays proven.
    #[must_use]
    pub fn crossings(&self, looks: &[LedgerPoint]) -> Vec<Crossing> {
        let first = |metric: Option<&MetricName>, crossed, log_threshold: f64| {
            let e = |look: &LedgerPoint| Some((look.records, look.log_e(metric, crossed)?));
            let (records, log_e) = looks.iter().filter_map(e).find(|(_, log_e)| *log_e >= log_threshold)?;
            Some(Crossing { metric: metric.cloned(), crossed, records, log_e, log_threshold })
        };
        let names = looks.last().into_iter().flat_map(|look| look.metrics.iter().map(|(name, ..)| name));
        let each = names.flat_map(|name| {
            let abort = self.log_abort_alone(name).and_then(|log| first(Some(name), Crossed::Abort, log));
            [first(Some(name), Crossed::Promote, self.log_promote), abort]
        });
        let together = first(None, Crossed::Abort, self.log_abort);
        let mut all: Vec<_> = each.chain([together]).flatten().collect();
        all.sort_by_key(|crossing| crossing.records);
        all
    }
}

impl LedgerPoint {
    fn log_e(&self, metric: Option<&MetricName>, crossed: Crossed) -> Option<f64> {
        let Some(metric) = metric else { return Some(self.log_e_abort) };
        let (_, abort, promote) = self.metrics.iter().find(|(name, ..)| name == metric)?;
        Some(match crossed {
            Crossed::Promote => *promote,
            Crossed::Abort => *abort,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(records: u64, log_e_abort: f64, error: (f64, f64), ttft: (f64, f64)) -> LedgerPoint {
        let metrics = vec![("error".into(), error.0, error.1), ("ttft_ms".into(), ttft.0, ttft.1)];
        LedgerPoint { records, log_e_abort, metrics }
    }

    #[test]
    fn each_e_value_is_told_with_the_first_look_at_which_it_reached_its_threshold() {
        let weights = vec![("error".into(), 0.5), ("ttft_ms".into(), 0.5)];
        let thresholds = Thresholds { log_promote: 3.0, log_abort: 4.6, weights };
        let looks = [
            look(50, -0.1, (-0.5, 1.0), (1.0, -0.5)),
            look(100, 4.5, (-0.9, 3.0), (5.2, -2.0)),
            look(150, 4.7, (-1.0, 2.9), (5.4, -3.0)),
            look(200, 4.2, (-1.0, 3.5), (4.9, f64::NAN)),
        ];
        let told: Vec<_> = thresholds
            .crossings(&looks)
            .into_iter()
            .map(|one| (one.metric.map(|name| name.to_string()), one.crossed, one.records))
            .collect();
        let of = |name: &str| Some(name.to_owned());
        let expected = [
            (of("error"), Crossed::Promote, 100),
            (of("ttft_ms"), Crossed::Abort, 150),
            (None, Crossed::Abort, 150),
        ];
        assert_eq!(told, expected, "alone it takes 4.6 + ln 2; what fell again stays told");
        assert!(thresholds.crossings(&[]).is_empty());
    }
}
