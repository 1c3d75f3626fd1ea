//! What was judged, by digest: the policy and the evidence, each a name that no other content has.
//!
//! Every number goes in bit by bit and every text behind its length, so that no two contents have the
//! same bytes. The evidence's digest grows record by record: a controller names what it judged at any
//! look, and whoever judges again finds the same look by the same name.

use blake3::Hasher;

use crate::domain::PolicyDigest;
use crate::evidence::{Arrival, Halves, Pair, Record};
use crate::judgment::{MetricPolicy, Policy};

/// Bytes of a digest that are shown: 128 bits.
const SHORT: usize = 16;

/// The digest of `policy`, `pol:…`.
#[must_use]
pub fn policy_digest(policy: &Policy) -> PolicyDigest {
    // Taken apart by name, so that a new field cannot be forgotten.
    let Policy { abort_alpha, promote_alpha, missing_max, pairs_min, metrics } = policy;
    let mut hasher = Hasher::new_derive_key("goldgate policy 1");
    for value in [abort_alpha, promote_alpha, missing_max] {
        number(&mut hasher, *value);
    }
    hasher.update(&pairs_min.to_le_bytes());
    for metric in metrics {
        let MetricPolicy { name, kind, margin, abort_margin, required, tail } = metric;
        text(&mut hasher, name.as_str());
        text(&mut hasher, kind.as_str());
        number(&mut hasher, *margin);
        optional(&mut hasher, *abort_margin);
        hasher.update(&[u8::from(*required)]);
        text(&mut hasher, tail.map_or("", crate::domain::Tail::as_str));
    }
    PolicyDigest::new(format!("pol:{}", short(&hasher)))
}

/// The digest of the evidence so far, `ev:…`: stages and records, in the order of judging.
#[derive(Clone, Debug)]
pub struct EvidenceDigest(Hasher);

impl Default for EvidenceDigest {
    fn default() -> Self {
        Self(Hasher::new_derive_key("goldgate evidence 1"))
    }
}

impl EvidenceDigest {
    /// A stage begins, as in [`crate::evidence::Collector::open_stage`].
    pub fn open_stage(&mut self) {
        self.0.update(b"stage");
    }

    /// One more record, as in [`crate::evidence::Collector::push`].
    pub fn push(&mut self, record: &Record) {
        match record {
            Record::Pair(pair) => self.pair(pair),
            Record::Arrival(arrival) => self.arrival(arrival),
        }
    }

    /// The digest of everything so far.
    #[must_use]
    pub fn text(&self) -> String {
        format!("ev:{}", short(&self.0))
    }

    fn pair(&mut self, pair: &Pair) {
        let Pair { seq, id, metrics } = pair;
        self.0.update(b"pair").update(&seq.to_le_bytes());
        text(&mut self.0, id);
        self.0.update(&(metrics.len() as u64).to_le_bytes());
        for (name, Halves { baseline, candidate }) in metrics {
            text(&mut self.0, name.as_str());
            optional(&mut self.0, *baseline);
            optional(&mut self.0, *candidate);
        }
    }

    fn arrival(&mut self, arrival: &Arrival) {
        let Arrival { seq, id, arm, share, metrics } = arrival;
        self.0.update(b"arrival").update(&seq.to_le_bytes());
        text(&mut self.0, id);
        text(&mut self.0, arm.as_str());
        self.0.update(&share.ppm().to_le_bytes());
        self.0.update(&(metrics.len() as u64).to_le_bytes());
        for (name, value) in metrics {
            text(&mut self.0, name.as_str());
            number(&mut self.0, *value);
        }
    }
}

fn text(hasher: &mut Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

fn number(hasher: &mut Hasher, value: f64) {
    hasher.update(&value.to_bits().to_le_bytes());
}

fn optional(hasher: &mut Hasher, value: Option<f64>) {
    hasher.update(&[u8::from(value.is_some())]);
    number(hasher, value.unwrap_or_default());
}

/// The first bytes of the digest as lower-case hexadecimal.
fn short(hasher: &Hasher) -> String {
    let mut bytes = [0; SHORT];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Arm, MetricKind, MetricName, Share, Tail};

    #[test]
    fn every_field_of_a_policy_counts() {
        let policy = Policy::default_live();
        let changes: [fn(&mut Policy); 11] = [
            |_| (),
            |policy| policy.abort_alpha = 0.02,
            |policy| policy.promote_alpha = 0.02,
            |policy| policy.missing_max = 0.03,
            |policy| policy.pairs_min += 1,
            |policy| policy.metrics[0].name = MetricName::from("other"),
            |policy| policy.metrics[0].kind = MetricKind::Harm,
            |policy| policy.metrics[0].margin = 0.02,
            |policy| policy.metrics[0].abort_margin = Some(0.01),
            |policy| policy.metrics[0].required = false,
            |policy| policy.metrics[0].tail = Some(Tail::P95),
        ];
        let digests: std::collections::BTreeSet<_> = changes
            .iter()
            .map(|change| {
                let mut changed = policy.clone();
                change(&mut changed);
                policy_digest(&changed)
            })
            .collect();
        assert_eq!(digests.len(), changes.len());
        assert!(
            digests.iter().all(|digest| digest.as_str().starts_with("pol:") && digest.as_str().len() == 36)
        );
    }

    fn pair(baseline: Option<f64>, candidate: Option<f64>) -> Record {
        let metrics = vec![(MetricName::from("error"), Halves { baseline, candidate })];
        Record::Pair(Pair { seq: 1, id: "a".to_owned(), metrics })
    }

    fn arrival(arm: Arm, ppm: u32) -> Record {
        Record::Arrival(Arrival {
            seq: 1,
            id: "a".to_owned(),
            arm,
            share: Share::from_ppm(ppm),
            metrics: Vec::new(),
        })
    }

    #[test]
    fn every_part_of_the_evidence_counts_and_so_does_its_order() {
        let records = [
            pair(Some(0.0), Some(1.0)),
            pair(Some(1.0), Some(0.0)),
            pair(None, Some(1.0)),
            pair(Some(0.0), None),
            arrival(Arm::Baseline, 1),
            arrival(Arm::Candidate, 1),
            arrival(Arm::Candidate, 2),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for first in &records {
            for second in &records {
                let mut digest = EvidenceDigest::default();
                digest.open_stage();
                digest.push(first);
                seen.insert(digest.text());
                digest.push(second);
                seen.insert(digest.text());
            }
        }
        assert_eq!(seen.len(), records.len() * (records.len() + 1));
    }
}
