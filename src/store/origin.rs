//! What a file of evidence is of: written into it, and held against the others when it is read.

use std::path::Path;

use super::Digests;
use super::evidence_reader::EvidenceError;
use crate::domain::RolloutId;

/// What a body of evidence is of, as far as its files say: those of earlier versions say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The rollout.
    pub rollout: Option<String>,
    /// The baseline's release.
    pub baseline: Option<String>,
    /// The candidate's release.
    pub candidate: Option<String>,
    /// The policy it was gathered under.
    pub policy: Option<String>,
}

/// The keys in a file's own metadata, and the words in a sentence, in the order of the fields.
const NAMES: [(&str, &str); 4] = [
    ("goldgate.rollout", "rollout"),
    ("goldgate.baseline", "baseline"),
    ("goldgate.candidate", "candidate"),
    ("goldgate.policy", "policy"),
];

impl From<&Digests> for Origin {
    fn from(digests: &Digests) -> Self {
        let Digests { baseline, candidate, policy } = digests.clone();
        Self { rollout: None, baseline: Some(baseline), candidate: Some(candidate), policy: Some(policy) }
    }
}

impl Origin {
    /// Of `rollout`, and of `digests` where they are known.
    pub(super) fn of(rollout: &RolloutId, digests: Option<&Digests>) -> Self {
        Self { rollout: Some(rollout.to_string()), ..digests.map_or_else(Self::default, Self::from) }
    }

    /// What is written into a file.
    pub(super) fn metadata(&self) -> Vec<(String, String)> {
        let Self { rollout, baseline, candidate, policy } = self.clone();
        let known = NAMES.into_iter().zip([rollout, baseline, candidate, policy]);
        known.filter_map(|((key, _), value)| Some((key.to_owned(), value?))).collect()
    }

    /// What a file's metadata say.
    pub(super) fn read(metadata: &[(String, String)]) -> Self {
        let value = |at: usize| {
            let (key, _) = NAMES[at];
            metadata.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
        };
        Self { rollout: value(0), baseline: value(1), candidate: value(2), policy: value(3) }
    }

    /// Whether it says which releases and which policy.
    pub(super) const fn is_told(&self) -> bool {
        self.baseline.is_some() && self.candidate.is_some() && self.policy.is_some()
    }

    /// Takes over what `file` says and was not known.
    ///
    /// # Errors
    /// When the file says something else than what is known.
    pub(super) fn agree(&mut self, file: &Path, said: Self) -> Result<(), EvidenceError> {
        let known = [&mut self.rollout, &mut self.baseline, &mut self.candidate, &mut self.policy];
        let said = [said.rollout, said.baseline, said.candidate, said.policy];
        for ((known, said), (_, what)) in known.into_iter().zip(said).zip(NAMES) {
            match (&*known, said) {
                (Some(expected), Some(found)) if *expected != found => {
                    let (file, expected) = (file.to_owned(), expected.clone());
                    return Err(EvidenceError::Foreign { file, what, found, expected });
                }
                (None, Some(found)) => *known = Some(found),
                _ => {}
            }
        }
        Ok(())
    }
}
