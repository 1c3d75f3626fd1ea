//! The cache over real sockets, with answers of two releases and two tenants.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{Method, StatusCode};

use super::*;
use crate::admin::testing::{Port, open_cached};
use crate::cache::{self, CacheOptions, Found, Request, Tenant};
use crate::domain::Arm;
use crate::release::Lock;
use crate::telemetry::SystemClock;

const BODY: &[u8] = b"{}";

struct Rig {
    port: Port,
    cache: Arc<Cache>,
}

impl Rig {
    /// Two tenants asked two releases.
    async fn open() -> Self {
        let clock = Arc::new(SystemClock::start());
        let cache = Arc::new(Cache::in_memory(CacheOptions::default(), clock, None).unwrap());
        let parts = CacheParts { cache: Arc::clone(&cache), tenant_secret: TenantSecret::default() };
        let rig = Self { port: open_cached(parts).await, cache };
        for (release, arm) in [("sem:blue", Arm::Baseline), ("sem:green", Arm::Candidate)] {
            for tenant in ["ann", "bob"] {
                rig.write(release, tenant, arm).await;
            }
        }
        rig
    }

    async fn write(&self, release: &str, tenant: &str, arm: Arm) {
        self.answer(&request(&ReleaseId::from(release), tenant), arm).await;
    }

    async fn answer(&self, asked: &Request<'_>, arm: Arm) {
        let ticket = self.cache.ticket(asked).await.unwrap();
        let answer = cache::Answer {
            template: Some("answer".to_owned()),
            arm,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"x"),
        };
        self.cache.write(ticket, answer).await;
    }

    /// The id of an entry that can be read.
    async fn id(&self, release: &str, tenant: &str) -> Option<String> {
        let release = ReleaseId::from(release);
        match self.cache.look_up(&request(&release, tenant)).await {
            Found::Hit(hit) => Some(hit.id),
            _ => None,
        }
    }

    async fn readable(&self) -> Vec<String> {
        let mut all = Vec::new();
        for release in ["sem:blue", "sem:green"] {
            for tenant in ["ann", "bob"] {
                let id = self.id(release, tenant).await;
                all.extend(id.map(|_| format!("{} {tenant}", &release[4..])));
            }
        }
        all
    }

    async fn delete(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.port.request(Method::DELETE, path).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn request<'a>(release: &'a ReleaseId, tenant: &str) -> Request<'a> {
    let tenant = Tenant::of(&TenantSecret::default(), Some(tenant.as_bytes()));
    Request { release, tenant, family: "/v1/chat/completions", body: BODY }
}

async fn check(which: Value, left: &[&str]) {
    let rig = Rig::open().await;
    let (status, said) = rig.delete("/api/v1/cache", which.clone()).await;
    assert_eq!(status, StatusCode::OK, "{which}: {said}");
    assert_eq!(rig.readable().await, left, "{which}");
    rig.port.close().await;
}

#[tokio::test]
async fn a_purge_takes_what_it_names_and_leaves_the_rest() {
    let all = ["blue ann", "blue bob", "green ann", "green bob"];
    let green = ["green ann", "green bob"];
    check(json!({"release": "sem:bl"}), &green).await;
    check(json!({"authorization": "ann"}), &["blue bob", "green bob"]).await;
    check(json!({"authorization": "ann", "release": "sem:blue"}), &["blue bob", "green ann", "green bob"])
        .await;
    check(json!({"arm": "baseline"}), &green).await;
    check(json!({"template": "answer"}), &[]).await;
    check(json!({"template": "another"}), &all).await;
    check(json!({"before_ms": 1}), &all).await;
    check(json!({"before_ms": 9_999_999_999_999_u64}), &[]).await;
}

#[tokio::test]
async fn one_entry_is_deleted_by_its_id() {
    let rig = Rig::open().await;
    let path = format!("/api/v1/cache/entries/{}", rig.id("sem:blue", "ann").await.unwrap());
    assert_eq!(rig.delete(&path, json!({})).await.0, StatusCode::OK);
    assert_eq!(rig.delete(&path, json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(rig.readable().await, ["blue bob", "green ann", "green bob"]);
    rig.port.close().await;
}

#[tokio::test]
async fn a_revoked_release_is_named_in_full_and_stays_unreadable() {
    let rig = Rig::open().await;
    let (status, said) = rig.port.post("/api/v1/cache/revoke", json!({"release": "sem:green"})).await;
    assert_eq!((status, &said["revoked"]), (StatusCode::OK, &json!("sem:green")));
    assert_eq!(rig.readable().await, ["blue ann", "blue bob"]);
    let stats = rig.port.get("/api/v1/cache").await;
    assert_eq!(stats["namespaces"][0]["release"], "sem:blue");
    assert_eq!(
        (&stats["namespaces"][0]["entries"], &stats["namespaces"][1]["entries"]),
        (&json!(2), &json!(0))
    );
    rig.port.close().await;
}

/// A release that this process has not served: one that another replica serves, or did.
#[tokio::test]
async fn a_whole_id_is_taken_before_anything_of_it_is_cached_and_no_text_that_cannot_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.toml");
    std::fs::write(&path, "name = \"a\"\n[model]\nid = \"m\"\n[engine]\nkind = \"vllm\"\n").unwrap();
    let sem = Lock::resolve(&path).unwrap().sem();
    let rig = Rig::open().await;
    rig.write(sem.as_str(), "ann", Arm::Baseline).await;
    let fresh = Rig::open().await;
    let (status, said) = fresh.delete("/api/v1/cache", json!({"release": sem.as_str()})).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let (status, said) = fresh.port.post("/api/v1/cache/revoke", json!({"release": sem.as_str()})).await;
    assert_eq!((status, &said["revoked"]), (StatusCode::OK, &json!(sem.as_str())));
    assert!(fresh.cache.ticket(&request(&sem, "ann")).await.is_none());
    let digits = sem.as_str().trim_start_matches("sem:");
    for wrong in
        [format!("sem:{digits}{digits}"), sem.as_str().replace(&digits[..1], "g"), format!("rel:{digits}")]
    {
        let (status, said) = fresh.port.post("/api/v1/cache/revoke", json!({"release": wrong})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}: {said}");
    }
    rig.port.close().await;
    fresh.port.close().await;
}

#[tokio::test]
async fn a_purge_by_authorization_takes_all_that_its_client_sent_beside_it() {
    let rig = Rig::open().await;
    let sent = |lines: &[(&'static str, &'static str)]| {
        let lines = lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        TenantSecret::default().tenant(&lines.collect())
    };
    let (ann, keyed) =
        (sent(&[("authorization", "ann"), ("openai-project", "p")]), sent(&[("api-key", "k")]));
    let reads = async |tenant: Tenant| {
        let release = ReleaseId::from("sem:blue");
        let asked = Request { tenant, ..request(&release, "") };
        matches!(rig.cache.look_up(&asked).await, Found::Hit(_))
    };
    for tenant in [ann, keyed] {
        let release = ReleaseId::from("sem:blue");
        rig.answer(&Request { tenant, ..request(&release, "") }, Arm::Baseline).await;
        assert!(reads(tenant).await);
    }
    rig.delete("/api/v1/cache", json!({"authorization": "ann"})).await;
    assert_eq!((reads(ann).await, reads(keyed).await), (false, true));
    assert_eq!(rig.readable().await, ["blue bob", "green bob"]);
    rig.delete("/api/v1/cache", json!({"headers": {"api-key": "k"}})).await;
    assert!(!reads(keyed).await);
    assert_eq!(rig.readable().await, ["blue bob", "green bob"]);
    rig.port.close().await;
}

#[tokio::test]
async fn what_names_nothing_or_no_cache_is_told_so() {
    let rig = Rig::open().await;
    let refused = async |body: Value, status: StatusCode, text: &str| {
        let (found, said) = rig.delete("/api/v1/cache", body).await;
        assert_eq!(found, status, "{said}");
        assert!(said["detail"].as_str().unwrap().contains(text), "{said}");
    };
    refused(json!({}), StatusCode::BAD_REQUEST, "name what is meant").await;
    refused(json!({"user": "x"}), StatusCode::BAD_REQUEST, "unknown field").await;
    refused(json!({"arm": "green"}), StatusCode::BAD_REQUEST, "baseline or candidate").await;
    refused(json!({"release": "sem:"}), StatusCode::BAD_REQUEST, "more than one release").await;
    refused(json!({"release": "sem:red"}), StatusCode::NOT_FOUND, "32 digits").await;
    refused(json!({"tenant": "ann"}), StatusCode::BAD_REQUEST, "64 hex digits").await;
    refused(json!({"headers": {"x-request-id": "7"}}), StatusCode::BAD_REQUEST, "tells clients apart").await;
    assert_eq!(rig.readable().await.len(), 4);
    rig.port.close().await;
    let port = crate::admin::testing::open(crate::admin::Access::Loopback).await;
    let answer = port.request(Method::GET, "/api/v1/cache").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    port.close().await;
}
