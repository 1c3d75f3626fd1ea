//! What a golden verdict is about, by digest: the arms, the rule, the evidence.

use std::collections::HashMap;

use super::{Early, GoldenRun};
use crate::document::parts_digest;
use crate::domain::MetricName;
use crate::evidence::{EvidenceDigest, Halves, Pair, Record};
use crate::judgment::Subject;

impl GoldenRun {
    /// The run as evidence: one pair a case, in the suite's order, with every metric that applies to it.
    #[must_use]
    pub fn pairs_by_case(&self) -> Vec<Pair> {
        let mut by_case: HashMap<String, Vec<(MetricName, Halves)>> = HashMap::new();
        for metric in self.metrics() {
            for pair in metric.pairs {
                by_case.entry(pair.id).or_default().push((metric.name.clone(), pair.halves));
            }
        }
        let cases = self.suite.cases.iter().filter_map(|case| by_case.remove_entry(&case.id));
        (1..).zip(cases).map(|(seq, (id, metrics))| Pair { seq, id, metrics }).collect()
    }

    /// The subject of this run's verdict.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let fixed = || {
            let mut evidence = EvidenceDigest::default();
            self.pairs_by_case().into_iter().for_each(|pair| evidence.push(&Record::Pair(pair)));
            evidence.text_so_far()
        };
        let evidence = self.early.as_ref().map_or_else(fixed, Early::evidence);
        Subject {
            baseline: self.baseline.subject(),
            candidate: self.candidate.subject(),
            policy: self.policy(),
            evidence,
        }
    }

    /// The digest of what was tolerated: suite and dataset, and the margins, which may not be the suite's own.
    fn policy(&self) -> String {
        let rules =
            self.suite.metrics.iter().map(|metric| (metric.name.as_str(), metric.margin, metric.required));
        let latency =
            self.suite.latency.named().into_iter().map(|(timing, margin)| (timing.metric(), margin, false));
        let rules =
            rules.chain(latency).map(|(name, margin, required)| format!("{name} {margin} {required}"));
        let sequential = self.early.iter().map(|early| format!("sequential {}", early.policy().abort_alpha));
        let rules: Vec<String> = rules.chain(sequential).collect();
        let parts: Vec<&[u8]> =
            std::iter::once(&self.suite.digest).chain(&rules).map(|part| part.as_bytes()).collect();
        format!("pol:{}", &parts_digest("goldgate/golden-policy/1", &parts).to_hex()[..16])
    }
}
