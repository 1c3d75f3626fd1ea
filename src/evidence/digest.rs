//! The digest of evidence: what a verdict names, so that anyone can tell whether it was judged on the same.

use super::Record;

/// Hex digits of a digest that are shown: 64 bits, enough to tell bodies of evidence apart.
const SHOWN_DIGITS: usize = 16;

/// Digests records in their order. Equal for the same records, however they were stored.
#[derive(Clone, Debug)]
pub struct EvidenceDigest(blake3::Hasher);

impl Default for EvidenceDigest {
    fn default() -> Self {
        Self(blake3::Hasher::new_derive_key("goldgate 2026 evidence digest"))
    }
}

impl EvidenceDigest {
    /// Takes the next record.
    pub fn push(&mut self, record: &Record) {
        match record {
            Record::Pair(pair) => {
                self.head(b"pair", pair.seq, &pair.id, pair.metrics.len());
                for (name, halves) in &pair.metrics {
                    self.text(name.as_str());
                    self.half(halves.baseline);
                    self.half(halves.candidate);
                }
            }
            Record::Arrival(arrival) => {
                self.head(b"arrival", arrival.seq, &arrival.id, arrival.metrics.len());
                self.text(arrival.arm.as_str());
                self.0.update(&arrival.share.ppm().to_le_bytes());
                for (name, value) in &arrival.metrics {
                    self.text(name.as_str());
                    self.half(Some(*value));
                }
            }
        }
    }

    /// The digest so far, `ev:` and 16 hex digits.
    #[must_use]
    pub fn text_so_far(&self) -> String {
        format!("ev:{}", &self.0.finalize().to_hex()[..SHOWN_DIGITS])
    }

    fn head(&mut self, kind: &[u8], seq: u64, id: &str, metrics: usize) {
        self.0.update(kind).update(&seq.to_le_bytes());
        self.text(id);
        self.0.update(&(metrics as u64).to_le_bytes());
    }

    /// Length first, so that no two lists of texts give the same bytes.
    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }

    fn half(&mut self, value: Option<f64>) {
        match value {
            None => self.0.update(&[0]),
            Some(value) => self.0.update(&[1]).update(&value.to_bits().to_le_bytes()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Arm, MetricName, Share};
    use crate::evidence::{Arrival, Halves, Pair};

    fn digest(records: &[Record]) -> String {
        let mut digest = EvidenceDigest::default();
        records.iter().for_each(|record| digest.push(record));
        digest.text_so_far()
    }

    fn pair(id: &str, baseline: Option<f64>, candidate: Option<f64>) -> Record {
        let metrics = vec![(MetricName::from("error"), Halves { baseline, candidate })];
        Record::Pair(Pair { seq: 1, id: id.to_owned(), metrics })
    }

    #[test]
    fn every_field_counts() {
        let arrival = |arm, ppm| {
            let metrics = vec![(MetricName::from("error"), 0.0)];
            Record::Arrival(Arrival { seq: 1, id: "a".to_owned(), arm, share: Share::from_ppm(ppm), metrics })
        };
        let all = [
            digest(&[]),
            digest(&[pair("a", Some(0.0), Some(1.0))]),
            digest(&[pair("b", Some(0.0), Some(1.0))]),
            digest(&[pair("a", Some(0.0), None)]),
            digest(&[pair("a", None, Some(0.0))]),
            digest(&[pair("a", Some(0.0), Some(1.0)), pair("a", Some(0.0), Some(1.0))]),
            digest(&[arrival(Arm::Baseline, 10)]),
            digest(&[arrival(Arm::Candidate, 10)]),
            digest(&[arrival(Arm::Candidate, 11)]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|text| text.starts_with("ev:") && text.len() == 19));
    }
}
