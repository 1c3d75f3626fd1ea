//! The cache in the walk of a request: looked into after the arm is fixed, written after the answer ended.

use std::sync::Arc;

use bytes::BytesMut;
use http::Response;
use http::header::{CONTENT_TYPE, SET_COOKIE};

use super::admission::{Ask, Place};
use super::apply::Applied;
use super::counters::{Counters, bump};
use super::handler::{Shared, name_answer};
use super::headers::{CacheAsk, CacheWord};
use super::relay::{Recorder, RelayBody};
use crate::cache::{Cache, CacheKey, Entry, WriteFacts, admit};
use crate::domain::{Finish, Outcome};
use crate::evidence::Role;
use crate::upstream::Reply;

/// What the cache has to say to a request.
pub(super) enum Lookup {
    Hit(Arc<Entry>),
    Miss(CacheKey),
    /// The client wants a new answer, which then takes the old one's place.
    Refresh(CacheKey),
    Off,
}

/// Looks into the cache of the arm's release. The arm comes first, so that no answer of one release hides the other.
pub(super) fn look_up(shared: &Shared, ask: &Ask, place: &Place) -> Lookup {
    let (Some(cache), true) = (&shared.parts.cache, ask.route.is_generation()) else { return Lookup::Off };
    if ask.cache.no_store || ask.is_copy {
        return Lookup::Off;
    }
    let namespace = place.occupant.deployed.sem.clone();
    let key = CacheKey::new(namespace, ask.tenant, ask.path(), &ask.body);
    if ask.cache.bypass {
        return Lookup::Refresh(key);
    }
    look_up_key(cache, &shared.parts.counters, key)
}

fn look_up_key(cache: &Cache, counters: &Counters, key: CacheKey) -> Lookup {
    match cache.get(&key) {
        Some(entry) => {
            bump(&counters.requests.cache_hits);
            Lookup::Hit(entry)
        }
        None => {
            bump(&counters.requests.cache_misses);
            Lookup::Miss(key)
        }
    }
}

pub(super) fn replay(shared: &Shared, ask: &Ask, place: &Place, entry: &Entry) -> Response<RelayBody> {
    let mut response = Response::new(RelayBody::whole(entry.body.clone()));
    *response.headers_mut() = entry.headers.clone();
    name_answer(shared, ask, place, CacheWord::Hit, None, response.headers_mut());
    response
}

/// Keeps the answer, unless it is clear from its head that it will not be written.
pub(super) fn recorder(
    shared: &Shared,
    ask: &Ask,
    applied: &Applied,
    reply: &Reply,
    key: CacheKey,
) -> Option<Recorder> {
    let cache = shared.parts.cache.as_ref()?;
    let engine_forbids = CacheAsk::of(&reply.headers).no_store || reply.headers.contains_key(SET_COOKIE);
    let facts = WriteFacts {
        status: reply.status.as_u16(),
        outcome: Outcome::Complete(Finish::Stop),
        role: Role::Serving,
        temperature: applied.temperature,
        choices: applied.choices,
        no_store: ask.cache.no_store || engine_forbids,
    };
    admit(&facts).ok()?;
    let headers = reply.headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone()));
    let (headers, bytes_max) = (headers.into_iter().collect(), cache.entry_bytes_max());
    Some(Recorder { key, headers, facts, bytes_max, bytes: BytesMut::new() })
}
