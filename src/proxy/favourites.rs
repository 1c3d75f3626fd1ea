//! What clients ask most, of those who allow it: kept so that a release that comes can be asked it first.
//!
//! Counts are those of the Space-Saving algorithm (Metwally, Agrawal & El Abbadi 2005): whatever is asked more often than once
//! in [`FAVOURITES_MAX`] hits is in the table, and no count is too small.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;

use super::admission::Ask;
use super::headers::{self, REQUEST_ID};
use crate::cache::{Hit, Tenant};
use crate::domain::ReleaseId;

/// Requests remembered, of all releases together.
const FAVOURITES_MAX: usize = 1_024;
/// A longer request is not remembered: all of them together hold 32 MiB at most.
const BODY_BYTES_MAX: usize = 32 << 10;

/// One request that was answered from the cache.
#[derive(Clone, Debug)]
pub(super) struct Favourite {
    pub(super) release: ReleaseId,
    pub(super) tenant: Tenant,
    pub(super) path: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) hits: u64,
}

/// The requests of some tenants that hit most often.
#[derive(Debug)]
pub(super) struct Favourites {
    tenants: HashSet<Tenant>,
    /// By the entry that answered.
    requests: Mutex<HashMap<String, Favourite>>,
}

impl Favourites {
    pub(super) fn of(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        Self { tenants: tenants.into_iter().collect(), requests: Mutex::default() }
    }

    /// A request was answered by `hit`.
    pub(super) fn note(&self, ask: &Ask, hit: &Hit) {
        if !self.tenants.contains(&ask.tenant.by_key()) || ask.body.len() > BODY_BYTES_MAX {
            return;
        }
        let mut requests = self.lock();
        if let Some(known) = requests.get_mut(&hit.id) {
            known.hits += 1;
            return;
        }
        let evicted = if requests.len() < FAVOURITES_MAX { 0 } else { evict(&mut requests) };
        let mut outgoing = ask.outgoing(ask.body.clone());
        // A name of one request, which another one must not have.
        outgoing.headers.remove(REQUEST_ID);
        outgoing.headers.insert(headers::MIRROR, http::HeaderValue::from_static("1"));
        let favourite = Favourite {
            release: hit.entry.facts.release.clone(),
            tenant: ask.tenant,
            path: outgoing.path,
            headers: outgoing.headers,
            body: outgoing.body,
            hits: evicted + 1,
        };
        requests.insert(hit.id.clone(), favourite);
    }

    /// The requests that `release` answered most often, the most frequent first, each with the name of its entry.
    pub(super) fn top(&self, release: &ReleaseId, count: usize) -> Vec<(String, Favourite)> {
        let requests = self.lock();
        let mut top: Vec<_> = requests.iter().filter(|(_, request)| request.release == *release).collect();
        top.sort_by(|(one, a), (other, b)| b.hits.cmp(&a.hits).then(one.cmp(other)));
        top.into_iter().take(count).map(|(id, request)| (id.clone(), request.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Favourite>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out the least frequent one and gives its count, which the newcomer inherits.
fn evict(requests: &mut HashMap<String, Favourite>) -> u64 {
    let least = requests.iter().min_by_key(|(_, request)| request.hits);
    let Some((id, hits)) = least.map(|(id, request)| (id.clone(), request.hits)) else { return 0 };
    requests.remove(&id);
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::TenantSecret;

    fn hit(hits: u64) -> Favourite {
        Favourite {
            release: ReleaseId::from("sem:a"),
            tenant: Tenant::of(&TenantSecret::default(), None),
            path: PathAndQuery::from_static("/v1/chat/completions"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            hits,
        }
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_least_frequent_and_inherits_its_count() {
        let mut requests = HashMap::from([("often".to_owned(), hit(9)), ("seldom".to_owned(), hit(2))]);
        assert_eq!(evict(&mut requests), 2);
        assert_eq!(requests.keys().collect::<Vec<_>>(), ["often"]);
        assert_eq!((evict(&mut requests), evict(&mut requests)), (9, 0));
    }
}
