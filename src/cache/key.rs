//! What makes two requests the same.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::Request;
use crate::domain::ReleaseId;

/// Headers beside `authorization` by which engines and gateways tell clients apart.
const IDENTITY_HEADERS: [&str; 6] =
    ["api-key", "cookie", "openai-organization", "openai-project", "proxy-authorization", "x-api-key"];

/// Half a tenant's digest: 128 bits.
type Half = [u8; 16];

/// Turns requests into tenants. Keeps tenants' names apart from their keys: whoever reads a shared store learns neither.
#[derive(Clone)]
pub struct TenantSecret {
    key: [u8; 32],
    /// In the order of their names.
    headers: Arc<[HeaderName]>,
}

impl TenantSecret {
    /// The secret of one installation; its replicas must have the same. Clients are told apart by `authorization` and the
    /// usual other headers.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let key = blake3::derive_key("goldgate 2026 cache tenant secret", secret.as_bytes());
        Self { key, headers: IDENTITY_HEADERS.map(HeaderName::from_static).into() }
    }

    /// The same with these headers in place of the usual ones; `authorization` counts always.
    #[must_use]
    pub fn with_headers(self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut headers: Vec<HeaderName> =
            headers.into_iter().filter(|name| *name != AUTHORIZATION).collect();
        headers.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        headers.dedup();
        Self { headers: headers.into(), ..self }
    }

    /// Whether clients are told apart by this header.
    #[must_use]
    pub fn tells_by(&self, name: &HeaderName) -> bool {
        *name == AUTHORIZATION || self.headers.contains(name)
    }

    /// Whose request has these headers.
    #[must_use]
    pub fn tenant(&self, headers: &HeaderMap) -> Tenant {
        let all = |name| headers.get_all(name).iter().map(move |value| (name, value.as_bytes()));
        let rest = self.half(self.headers.iter().flat_map(all));
        match self.half(all(&AUTHORIZATION)) {
            Some(key) => Tenant::joined(key, rest.unwrap_or_default()),
            None => Tenant::joined(rest.unwrap_or_else(|| self.nobody()), Half::default()),
        }
    }

    /// `None`: there are none.
    fn half<'h>(&self, named: impl Iterator<Item = (&'h HeaderName, &'h [u8])>) -> Option<Half> {
        let mut hasher = None;
        for (name, value) in named {
            let hasher = hasher.get_or_insert_with(|| blake3::Hasher::new_keyed(&self.key));
            for part in [name.as_str().as_bytes(), value] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        hasher.map(|hasher| half_of(&hasher))
    }

    fn nobody(&self) -> Half {
        half_of(&blake3::Hasher::new_keyed(&self.key))
    }
}

fn half_of(hasher: &blake3::Hasher) -> Half {
    let mut half = Half::default();
    hasher.finalize_xof().fill(&mut half);
    half
}

impl Default for TenantSecret {
    /// Good where tenants' names never leave the process.
    fn default() -> Self {
        Self::new("")
    }
}

impl fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantSecret")
    }
}

/// Whose request it is: the keyed digest of every header that tells clients apart, so that no tenant is ever shown
/// another's answer. Requests without any share the anonymous tenant.
///
/// The first half is that of the `authorization` header, the second that of the others, zero where there are none; without an
/// `authorization` the others are the first half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tenant([u8; 32]);

impl Tenant {
    /// The tenant of a request with this `authorization` header and no other that tells clients apart.
    #[must_use]
    pub fn of(secret: &TenantSecret, authorization: Option<&[u8]>) -> Self {
        let key = secret.half(authorization.map(|value| (&AUTHORIZATION, value)).into_iter());
        Self::joined(key.unwrap_or_else(|| secret.nobody()), Half::default())
    }

    fn joined(key: Half, rest: Half) -> Self {
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&key);
        digest[16..].copy_from_slice(&rest);
        Self(digest)
    }

    /// The same client without what it sends beside its `authorization`.
    #[must_use]
    pub fn by_key(self) -> Self {
        let mut digest = self.0;
        digest[16..].fill(0);
        Self(digest)
    }

    /// Enough of the digest to count by.
    #[must_use]
    pub fn short(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The digest, 64 hex digits. Its first 32 are common to all requests with this `authorization`.
    #[must_use]
    pub fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

/// The room of one release's answers: what it is, and how often it was emptied.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace {
    /// The digest of all that can change an answer.
    pub release: ReleaseId,
    /// Changes whenever the room is emptied; see [`super::Standing`].
    pub generation: u64,
}

/// The name of one answer inside the cache; with the question left out, of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    pub(super) namespace: Namespace,
    pub(super) digest: [u8; 32],
}

impl CacheKey {
    /// The key of a request, in `namespace` rather than under its release's name.
    ///
    /// Where something alike may answer it, the range of the body that is the `question` is left out, and `embedder` is the digest
    /// of whatever says what is alike; it is empty otherwise.
    ///
    /// Two bodies are the same when they differ in white space between tokens only. Reading numbers or
    /// sorting keys would find a few more repetitions, and could make different questions equal. Fields that
    /// nobody here knows are part of the body, and so of the key.
    #[must_use]
    pub fn new(
        namespace: &Namespace,
        request: &Request<'_>,
        question: Option<Range<usize>>,
        embedder: &str,
    ) -> Self {
        let Request { release: _, tenant, family, body } = request;
        let question = question.filter(|range| body.get(range.clone()).is_some());
        let (before, after) =
            question.as_ref().map_or((*body, &[][..]), |range| (&body[..range.start], &body[range.end..]));
        let parts: [&[u8]; 8] = [
            namespace.release.as_str().as_bytes(),
            &namespace.generation.to_le_bytes(),
            &tenant.0,
            family.as_bytes(),
            embedder.as_bytes(),
            &[u8::from(question.is_some())],
            &hash_compact(before),
            &hash_compact(after),
        ];
        let mut hasher = blake3::Hasher::new_derive_key("goldgate 2026 cache key 2");
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Self { digest: *hasher.finalize().as_bytes(), namespace: namespace.clone() }
    }

    /// The room it is looked up in.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The digest, 64 hex digits: the entry's id.
    #[must_use]
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.digest).to_hex().to_string()
    }
}

/// The digest of JSON without the white space outside its strings.
fn hash_compact(body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let (mut start, mut is_string, mut is_escaped) = (0, false, false);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b' ' | b'\t' | b'\r' | b'\n' if !is_string => {
                hasher.update(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    hasher.update(&body[start..]);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
