//! The response cache over HTTP: what it holds, and what operators make unreadable.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::rollouts::body;
use super::router::Shared;
use crate::cache::{Cache, CacheError, Change, Selector, TenantSecret};
use crate::domain::ReleaseId;

/// The cache, and how clients' keys are turned into tenants.
#[derive(Clone)]
pub struct CacheParts {
    /// The cache.
    pub cache: Arc<Cache>,
    /// The installation's secret.
    pub tenant_secret: TenantSecret,
}

/// Which answers are meant: all that fit every given part.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    release: Option<String>,
    tenant: Option<String>,
    /// In place of `tenant`: the header that its client sends, whatever it sends beside it.
    authorization: Option<String>,
    /// The same for clients that are told apart by other headers: all of these that they send.
    headers: Option<BTreeMap<String, String>>,
    template: Option<String>,
    arm: Option<String>,
    before_ms: Option<u64>,
}

/// Body of a revocation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoked {
    release: String,
}

/// Digits of a tenant's digest, and of its half that is common to all requests with one `authorization`.
const TENANT_DIGITS: [usize; 2] = [64, 32];

type Answer = Result<Json<Value>, Problem>;

impl CacheParts {
    /// The whole id for one that may be cut short, as response headers show it.
    fn release(&self, given: &str) -> Result<ReleaseId, Problem> {
        if let Some(release) = ReleaseId::whole(given) {
            return Ok(release);
        }
        let known = self.cache.stats();
        let mut found = known.keys().filter(|known| !given.is_empty() && known.as_str().starts_with(given));
        match (found.next(), found.next()) {
            (Some(release), None) => Ok(release.clone()),
            (Some(_), Some(_)) => {
                Err(Problem::bad_request(format!("{given:?} begins more than one release")))
            }
            (None, _) => Err(Problem::not_found(format!(
                "no release here begins with {given:?}; one of another process is named by all of its id, sem: and {} digits",
                ReleaseId::DIGITS
            ))),
        }
    }

    /// The tenant that sends these headers; with an `authorization` alone, whatever it sends beside it.
    fn tenant(&self, sent: &BTreeMap<String, String>) -> Result<String, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let wrong = || Problem::bad_request(format!("{name:?} is no header that tells clients apart"));
            let known: HeaderName = name.parse().map_err(|_| wrong())?;
            let value = value.parse().map_err(|_| wrong())?;
            if !self.tenant_secret.tells_by(&known) {
                return Err(wrong());
            }
            headers.insert(known, value);
        }
        let mut tenant = self.tenant_secret.tenant(&headers).hex();
        if headers.len() == 1 && headers.contains_key(AUTHORIZATION) {
            tenant.truncate(TENANT_DIGITS[1]);
        }
        Ok(tenant)
    }

    /// What a body asks for.
    fn change(&self, which: Which) -> Result<Change, Problem> {
        let Which { release, tenant, authorization, headers, template, arm, before_ms } = which;
        let release = release.map(|release| self.release(&release)).transpose()?;
        let sent = authorization.map(|value| BTreeMap::from([(AUTHORIZATION.to_string(), value)]));
        let named = sent.or(headers).map(|sent| self.tenant(&sent)).transpose()?;
        let rest = Selector {
            release: None,
            tenant: named.map_or_else(|| tenant.map(known_tenant).transpose(), |named| Ok(Some(named)))?,
            template,
            arm: arm.map(known_arm).transpose()?,
            before_ms,
        };
        match (release, rest == Selector::default()) {
            (Some(release), true) => Ok(Change::Empty(release)),
            (None, true) => Err(Problem::bad_request(
                "name what is meant: release, tenant or authorization, template, arm, before_ms".to_owned(),
            )),
            (release, false) => {
                let release = release.map(|release| release.to_string());
                Ok(Change::Purge(Selector { release, ..rest }))
            }
        }
    }
}

fn known_tenant(tenant: String) -> Result<String, Problem> {
    let is_digest =
        TENANT_DIGITS.contains(&tenant.len()) && tenant.bytes().all(|byte| byte.is_ascii_hexdigit());
    let said = || format!("a tenant is 64 hex digits, or the first 32 of them, not {tenant:?}");
    if is_digest { Ok(tenant.to_ascii_lowercase()) } else { Err(Problem::bad_request(said())) }
}

fn known_arm(arm: String) -> Result<String, Problem> {
    match arm.as_str() {
        "baseline" | "candidate" => Ok(arm),
        _ => Err(Problem::bad_request(format!("the arm is baseline or candidate, not {arm:?}"))),
    }
}

fn parts(shared: &Shared) -> Result<&CacheParts, Problem> {
    shared.cache.as_ref().ok_or_else(|| {
        Problem::not_found("there is no cache: cache.tier is \"off\" in the configuration".to_owned())
    })
}

impl From<CacheError> for Problem {
    fn from(error: CacheError) -> Self {
        Self::unavailable(error.to_string())
    }
}

pub(super) async fn stats(State(shared): State<Shared>) -> Answer {
    let cache = &parts(&shared)?.cache;
    let stats = cache.stats();
    let all = stats.iter().map(|(release, one)| {
        json!({
            "release": release.as_str(), "hits": one.hits, "semantic": one.semantic, "misses": one.misses, "writes": one.writes,
            "entries": one.entries, "bytes": one.bytes,
        })
    });
    let semantic = cache.semantic_stats();
    let semantic = semantic.iter().map(|one| {
        json!({
            "release": one.release.as_str(), "template": one.template, "audits": one.audits,
            "false_hits": one.false_hits, "false_rate_max": one.false_rate_max, "serves": one.serves,
        })
    });
    Ok(Json(json!({"namespaces": all.collect::<Vec<_>>(), "semantic": semantic.collect::<Vec<_>>()})))
}

pub(super) async fn purge(State(shared): State<Shared>, given: Result<Json<Which>, JsonRejection>) -> Answer {
    let parts = parts(&shared)?;
    let change = parts.change(body(given)?)?;
    parts.cache.change(&change).await?;
    Ok(Json(json!({"purged": true})))
}

pub(super) async fn remove(State(shared): State<Shared>, Path(id): Path<String>) -> Answer {
    match parts(&shared)?.cache.remove(&id).await? {
        true => Ok(Json(json!({"deleted": id}))),
        false => Err(Problem::not_found(format!("there is no entry {id}"))),
    }
}

pub(super) async fn revoke(
    State(shared): State<Shared>,
    given: Result<Json<Revoked>, JsonRejection>,
) -> Answer {
    let parts = parts(&shared)?;
    let release = parts.release(&body(given)?.release)?;
    parts.cache.change(&Change::Revoke(release.clone())).await?;
    Ok(Json(json!({"revoked": release.as_str()})))
}

#[cfg(test)]
mod tests;
