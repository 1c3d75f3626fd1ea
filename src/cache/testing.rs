//! A request with every component that its key is made of, and the same with one of them changed.

use std::ops::Range;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::guard::Signs;
use super::question::Item;
use super::vectors::DIMENSIONS;
use super::{CacheKey, Entry, Facts, Namespace, Request, Tenant, TenantSecret};
use crate::domain::{ReleaseId, Timestamp};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) namespace: Namespace,
    pub(crate) tenant: Tenant,
    pub(crate) family: String,
    pub(crate) body: String,
    pub(crate) question: Option<Range<usize>>,
    pub(crate) embedder: String,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            namespace: Namespace { release: ReleaseId::from("sem:a"), generation: 1 },
            tenant: tenant("ann"),
            family: "/v1/chat/completions".to_owned(),
            body: r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"seed":1}"#.to_owned(),
            question: None,
            embedder: "one".to_owned(),
        }
    }
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant::of(&TenantSecret::default(), Some(name.as_bytes()))
}

impl Case {
    pub(crate) fn key(&self) -> CacheKey {
        let request = Request {
            release: &self.namespace.release,
            tenant: self.tenant,
            family: &self.family,
            body: self.body.as_bytes(),
        };
        CacheKey::new(&self.namespace, &request, self.question.clone(), &self.embedder)
    }

    pub(crate) fn entry(&self, body: &[u8]) -> Entry {
        let facts = Facts {
            release: self.namespace.release.clone(),
            generation: self.namespace.generation,
            sequence: 1,
            tenant: self.tenant.hex(),
            template: Some("answer".to_owned()),
            arm: "baseline".to_owned(),
            written: Timestamp::from_millis(1_000),
        };
        let json = HeaderValue::from_static("application/json");
        Entry {
            facts,
            headers: [(CONTENT_TYPE, json)].into_iter().collect(),
            body: Bytes::copy_from_slice(body),
        }
    }
}

/// The default request with one component changed, each in turn.
pub(crate) fn changed() -> Vec<(&'static str, Case)> {
    let of = |what, change: fn(&mut Case)| {
        let mut case = Case::default();
        change(&mut case);
        (what, case)
    };
    vec![
        of("release", |case| case.namespace.release = ReleaseId::from("sem:b")),
        of("generation", |case| case.namespace.generation = 2),
        of("tenant", |case| case.tenant = tenant("bob")),
        of("no tenant", |case| case.tenant = Tenant::of(&TenantSecret::default(), None)),
        of("an empty tenant", |case| case.tenant = tenant("")),
        of("family", |case| case.family = "/v1/completions".to_owned()),
        of("query", |case| case.family.push_str("?a=1")),
        of("model", |case| case.body = case.body.replace("\"chat\"", "\"other\"")),
        of("question", |case| case.body = case.body.replace("\"hi\"", "\"ho\"")),
        of("role", |case| case.body = case.body.replace("\"user\"", "\"system\"")),
        of("a known field", |case| case.body = case.body.replace("\"seed\":1", "\"seed\":2")),
        of("an unknown field", |case| case.body = case.body.replace("\"seed\":1", "\"seed\":1,\"new\":0")),
        of("embedder", |case| case.embedder = "two".to_owned()),
        of("no embedder", |case| case.embedder.clear()),
    ]
}

/// A generator of test vectors.
pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A vector of length 1.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> Vec<f32> {
    let raw: Vec<f32> = (0..DIMENSIONS).map(|_| rng.random_range(-1.0..1.0)).collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / length).collect()
}

/// A question without signs, whose answer is the `number`th.
pub(in crate::cache) fn item(number: usize) -> Item {
    let case = Case { body: format!("{{\"q\":{number}}}"), ..Case::default() };
    Item { key: case.key(), signs: Signs::default() }
}
