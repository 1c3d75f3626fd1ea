//! What makes two requests the same.

use crate::domain::ReleaseId;

/// Whose request it is: the digest of the `authorization` header, so that no tenant is ever shown
/// another's answer. Requests without one share the anonymous tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tenant([u8; 32]);

impl Tenant {
    /// The tenant of a request with this `authorization` header.
    #[must_use]
    pub fn of(authorization: Option<&[u8]>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("goldgate 2026 cache tenant");
        if let Some(authorization) = authorization {
            hasher.update(b"authorization:").update(authorization);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// Enough of the digest to count by.
    #[must_use]
    pub fn short(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The name of one answer inside the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    pub(super) namespace: ReleaseId,
    pub(super) digest: [u8; 32],
}

impl CacheKey {
    /// The key of a JSON request to `route` (path and query) that `namespace` would answer.
    ///
    /// Two bodies are the same when they differ in white space between tokens only. Reading numbers or
    /// sorting keys would find a few more repetitions, and could make different questions equal.
    #[must_use]
    pub fn new(namespace: ReleaseId, tenant: Tenant, route: &str, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("goldgate 2026 cache key");
        for part in [namespace.as_str().as_bytes(), &tenant.0, route.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        hash_compact(&mut hasher, body);
        Self { digest: *hasher.finalize().as_bytes(), namespace }
    }

    /// The release whose answers it is looked up among.
    #[must_use]
    pub const fn namespace(&self) -> &ReleaseId {
        &self.namespace
    }
}

/// Hashes JSON without the white space outside its strings.
fn hash_compact(hasher: &mut blake3::Hasher, body: &[u8]) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"a": "x \" y", "b": [1, 2]}"#;

    fn key(namespace: &str, tenant: Option<&str>, route: &str, body: &str) -> CacheKey {
        let tenant = Tenant::of(tenant.map(str::as_bytes));
        CacheKey::new(ReleaseId::from(namespace), tenant, route, body.as_bytes())
    }

    #[test]
    fn white_space_between_tokens_is_nothing_and_inside_strings_is_something() {
        let check = |body: &str, same: bool| {
            assert_eq!(key("r", None, "/v1", BODY) == key("r", None, "/v1", body), same, "{body}");
        };
        check(BODY, true);
        check("{\"a\":\"x \\\" y\",\n\t\"b\":[1,2]}\r\n", true);
        check(r#"{"a": "x \"  y", "b": [1, 2]}"#, false);
        check(r#"{"a": "x \" y", "b": [12]}"#, false);
        check(r#"{"b": [1, 2], "a": "x \" y"}"#, false);
    }

    #[test]
    fn release_tenant_and_route_keep_answers_apart() {
        let keys = [
            key("r1", None, "/v1/completions", BODY),
            key("r2", None, "/v1/completions", BODY),
            key("r1", Some("Bearer a"), "/v1/completions", BODY),
            key("r1", Some("Bearer b"), "/v1/completions", BODY),
            key("r1", Some(""), "/v1/completions", BODY),
            key("r1", None, "/v1/chat/completions", BODY),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[at + 1..].iter().all(|other| one.digest != other.digest), "{at}");
        }
    }
}
