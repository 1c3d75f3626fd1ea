//! The digest of evidence: what a verdict names, so that anyone can tell whether it was judged on the same.

use super::Record;

/// Hex digits of a digest that are shown: 64 bits, enough to tell bodies of evidence apart.
const SHOWN_DIGITS: usize = 16;

/// Bytes gathered before they are hashed: sixteen of BLAKE3's chunks, which it hashes side by side.
const GATHERED: usize = 16 * 1_024;

/// Digests records in their order. Equal for the same records, however they were stored.
#[derive(Clone, Debug)]
pub struct EvidenceDigest {
    hasher: blake3::Hasher,
    /// What comes next, on its way into the hasher.
    gathered: Vec<u8>,
}

impl Default for EvidenceDigest {
    fn default() -> Self {
        Self { hasher: blake3::Hasher::new_derive_key("goldgate 2026 evidence digest"), gathered: Vec::new() }
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
                self.bytes(&arrival.share.ppm().to_le_bytes());
                for (name, value) in &arrival.metrics {
                    self.text(name.as_str());
                    self.half(Some(*value));
                }
            }
        }
        if self.gathered.len() >= GATHERED {
            self.settle();
        }
    }

    /// The digest so far, `ev:` and 16 hex digits.
    #[must_use]
    pub fn text_so_far(&mut self) -> String {
        self.settle();
        format!("ev:{}", &self.hasher.finalize().to_hex()[..SHOWN_DIGITS])
    }

    fn settle(&mut self) {
        self.hasher.update(&self.gathered);
        self.gathered.clear();
    }

    fn head(&mut self, kind: &[u8], seq: u64, id: &str, metrics: usize) {
        self.bytes(kind);
        self.bytes(&seq.to_le_bytes());
        self.text(id);
        self.bytes(&(metrics as u64).to_le_bytes());
    }

    /// Length first, so that no two lists of texts give the same bytes.
    fn text(&mut self, text: &str) {
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    fn half(&mut self, value: Option<f64>) {
        let Some(value) = value else { return self.bytes(&[0]) };
        let mut bytes = [1; 9];
        bytes[1..].copy_from_slice(&value.to_bits().to_le_bytes());
        self.bytes(&bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
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
    fn records_are_hashed_field_by_field_with_lengths_first() {
        let mut hasher = blake3::Hasher::new_derive_key("goldgate 2026 evidence digest");
        let parts: [&[u8]; 8] = [
            b"pair\x01\0\0\0\0\0\0\0",
            b"\x01\0\0\0\0\0\0\0a",
            b"\x01\0\0\0\0\0\0\0",
            b"\x05\0\0\0\0\0\0\0error",
            b"\x01",
            &2.5_f64.to_bits().to_le_bytes(),
            b"\0",
            b"",
        ];
        for part in parts {
            hasher.update(part);
        }
        let expected = format!("ev:{}", &hasher.finalize().to_hex()[..16]);
        assert_eq!(digest(&[pair("a", Some(2.5), None)]), expected);
    }

    #[test]
    fn looking_changes_nothing() {
        let records: Vec<_> = (0..2_000).map(|n| pair(&n.to_string(), Some(0.5), None)).collect();
        let mut looked = EvidenceDigest::default();
        for record in &records {
            looked.push(record);
            let _ = looked.text_so_far();
        }
        assert_eq!(looked.text_so_far(), digest(&records));
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
