//! What a golden verdict is about, by digest: the arms, the rule, the evidence.

use super::{Early, GoldenRun};
use crate::document::parts_digest;
use crate::evidence::{EvidenceDigest, Pair, Record};
use crate::judgment::Subject;

impl GoldenRun {
    /// The run as evidence: one pair a case, in the suite's order, with every metric that applies to it.
    fn each_pair(&self, mut each: impl FnMut(Pair)) {
        let metrics = self.metrics();
        let mut left: Vec<_> =
            metrics.iter().map(|metric| (&metric.name, metric.pairs.iter().peekable())).collect();
        let mut seq = 0;
        for case in &self.suite.cases {
            let of_case = left.iter_mut().filter_map(|(name, pairs)| {
                let pair = pairs.next_if(|pair| pair.id == case.id)?;
                Some(((*name).clone(), pair.halves))
            });
            let metrics: Vec<_> = of_case.collect();
            if !metrics.is_empty() {
                seq += 1;
                each(Pair { seq, id: case.id.clone(), metrics });
            }
        }
    }

    /// The subject of this run's verdict.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let fixed = || {
            let mut evidence = EvidenceDigest::default();
            self.each_pair(|pair| evidence.push(&Record::Pair(pair)));
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
