//! Naming the arm of a request: for whoever tests a release by hand, with a key that may.
//!
//! Such a request was not placed by the split, so it is evidence of nothing: it makes no sample and gets no copies.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::head::PIN;
use super::refusal::Refusal;
use crate::domain::Arm;

/// The keys that may pin. Only digests are kept, so that no dump or log can show one.
#[derive(Clone, Default)]
pub struct PinKeys(Vec<blake3::Hash>);

impl PinKeys {
    /// The bearer keys of clients that may.
    #[must_use]
    pub fn new(keys: &[String]) -> Self {
        Self(keys.iter().map(|key| blake3::hash(key.as_bytes())).collect())
    }

    /// The arm that a request names; `None` leaves it to the split.
    pub(super) fn pinned(&self, headers: &HeaderMap) -> Result<Option<Arm>, Refusal> {
        let Some(value) = headers.get(PIN) else { return Ok(None) };
        if !self.admits(headers) {
            return Err(Refusal::PinKey);
        }
        let named = [Arm::Baseline, Arm::Candidate].into_iter().find(|arm| value == arm.as_str());
        named.map(Some).ok_or(Refusal::PinArm)
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let key = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        // Digests are compared in constant time.
        key.is_some_and(|key| self.0.contains(&blake3::hash(key)))
    }
}

impl fmt::Debug for PinKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinKeys({})", self.0.len())
    }
}
