//! The cache in the walk of a request: looked into after the arm is fixed, written after the answer ended.

use bytes::BytesMut;
use http::Response;
use http::header::{CONTENT_TYPE, SET_COOKIE};

use super::admission::{Ask, Place};
use super::apply::Applied;
use super::asking::{Keeping, template_of};
use super::counters::bump;
use super::handler::{Shared, name_answer};
use super::headers::{self, CacheAsk, CacheWord};
use super::relay::{Recorder, RelayBody};
use crate::cache::{Answer, Cache, Found, Hit, Request, Ticket, WriteFacts, admit};
use crate::domain::{Finish, Outcome};
use crate::evidence::Role;
use crate::upstream::Reply;

/// What the cache has to say to a request.
pub(super) enum Lookup {
    Hit(Hit),
    /// With the right to write a new answer, where there is one.
    Miss(Option<Ticket>),
    /// The client wants a new answer, which then takes the old one's place.
    Refresh(Option<Ticket>),
    Off,
}

/// Looks into the cache of the arm's release. The arm comes first, so that no answer of one release hides the other.
pub(super) async fn look_up(shared: &Shared, ask: &Ask, place: &Place) -> Lookup {
    let (Some(cache), true) = (&shared.parts.cache, ask.route.is_generation()) else { return Lookup::Off };
    if ask.cache.no_store || ask.is_copy {
        return Lookup::Off;
    }
    let request = Request {
        release: &place.occupant.deployed.sem,
        tenant: ask.tenant,
        family: ask.path(),
        body: &ask.body,
    };
    if ask.cache.bypass {
        return Lookup::Refresh(cache.ticket(&request).await);
    }
    find(shared, cache, &request).await
}

async fn find(shared: &Shared, cache: &Cache, request: &Request<'_>) -> Lookup {
    let counters = &shared.parts.counters.requests;
    match cache.look_up(request).await {
        Found::Hit(hit) => {
            bump(&counters.cache_hits);
            Lookup::Hit(hit)
        }
        Found::Miss(ticket) => {
            bump(&counters.cache_misses);
            Lookup::Miss(ticket)
        }
        Found::Revoked => Lookup::Off,
    }
}

pub(super) fn replay(
    shared: &Shared,
    ask: &Ask,
    place: &Place,
    hit: &Hit,
    similarity: Option<f32>,
) -> Response<RelayBody> {
    let mut response = Response::new(RelayBody::whole(hit.entry.body.clone()));
    *response.headers_mut() = hit.entry.headers.clone();
    let word = if similarity.is_some() { CacheWord::Semantic } else { CacheWord::Hit };
    name_answer(shared, ask, place, word, None, response.headers_mut());
    headers::name_entry(response.headers_mut(), hit, similarity);
    response
}

/// Keeps the answer, unless it is clear from its head that it will not be written.
pub(super) fn recorder(
    shared: &Shared,
    ask: &Ask,
    place: &Place,
    applied: &Applied,
    reply: &Reply,
    keeping: Keeping,
) -> Option<Recorder> {
    let cache = shared.parts.cache.as_ref()?;
    let engine_forbids = CacheAsk::of(&reply.headers).no_store || reply.headers.contains_key(SET_COOKIE);
    let facts = WriteFacts {
        status: reply.status.as_u16(),
        outcome: Outcome::Complete(Finish::Stop),
        role: Role::Serving,
        is_genuine: !reply.identity.has_drifted(),
        temperature: applied.temperature,
        choices: applied.choices,
        no_store: ask.cache.no_store || engine_forbids,
    };
    admit(&facts).ok()?;
    let headers = reply.headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone()));
    let template = template_of(ask).map(str::to_owned);
    let body = bytes::Bytes::new();
    let answer = Answer { template, arm: place.arm, headers: headers.into_iter().collect(), body };
    Some(Recorder { keeping, answer, facts, bytes_max: cache.entry_bytes_max(), bytes: BytesMut::new() })
}
