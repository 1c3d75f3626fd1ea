//! The cache in the walk of a request: looked into after the arm is fixed, written after the answer ended.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Response};

use super::admission::{Ask, Place};
use super::apply::Applied;
use super::asking::{Keeping, template_of};
use super::counters::bump;
use super::handler::{Shared, name_answer};
use super::headers::{self, CacheAsk, CacheWord};
use super::recorder::Recorder;
use super::relay::RelayBody;
use super::usage_filter::UsageFilter;
use crate::cache::{Answer, Cache, Entry, Found, Head, Hit, Request, Ticket, WriteFacts, admit};
use crate::domain::{Finish, Outcome, Shape};
use crate::evidence::Role;
use crate::upstream::Reply;
use crate::wire::{RequestHead, tells_usage, told_as_body, told_as_stream, without_shape};

/// What the cache has to say to a request.
pub(super) enum Lookup {
    Hit(Replay),
    /// With the right to write a new answer, where there is one.
    Miss(Option<Ticket>),
    /// The client wants a new answer, which then takes the old one's place.
    Refresh(Option<Ticket>),
    Off,
}

/// A stored answer in the shape that the client wants.
pub(super) struct Replay {
    hit: Hit,
    body: Bytes,
    content_type: Option<HeaderValue>,
    similarity: Option<f32>,
}

impl Replay {
    /// `None`: the answer has no such shape.
    pub(super) fn of(hit: Hit, wanted: Shape, similarity: Option<f32>) -> Option<Self> {
        let (body, content_type) = shaped(&hit.entry, wanted)?;
        Some(Self { hit, body, content_type, similarity })
    }

    pub(super) fn response(self, shared: &Shared, ask: &Ask, place: &Place) -> Response<RelayBody> {
        let Self { hit, body, content_type, similarity } = self;
        let mut response = Response::new(RelayBody::whole(body));
        let fields = response.headers_mut();
        fields.clone_from(&hit.entry.headers);
        if let Some(content_type) = content_type {
            fields.insert(CONTENT_TYPE, content_type);
        }
        let word = if similarity.is_some() { CacheWord::Semantic } else { CacheWord::Hit };
        name_answer(shared, ask, place, word, None, fields);
        headers::name_entry(fields, &hit, similarity);
        response
    }
}

/// Whether these headers describe events.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.trim_start().starts_with("text/event-stream"))
}

/// The body of `entry` as `wanted`, and its type where that is another one.
fn shaped(entry: &Entry, wanted: Shape) -> Option<(Bytes, Option<HeaderValue>)> {
    match (is_event_stream(&entry.headers), wanted) {
        (false, Shape::Body) => Some((entry.body.clone(), None)),
        (true, Shape::Stream) => Some((without_usage(&entry.body), None)),
        (true, Shape::StreamWithUsage) => tells_usage(&entry.body).then(|| (entry.body.clone(), None)),
        (true, Shape::Body) => {
            Some((told_as_body(&entry.body)?, Some(HeaderValue::from_static("application/json"))))
        }
        (false, Shape::Stream | Shape::StreamWithUsage) => {
            let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
            Some((told_as_stream(&entry.body, wanted)?, Some(events)))
        }
    }
}

fn without_usage(stream: &Bytes) -> Bytes {
    let mut filter = UsageFilter::default();
    let told = filter.push(stream.clone());
    let rest = filter.finish();
    if rest.is_empty() { told } else { [told, rest].concat().into() }
}

/// The shape that the client wants.
pub(super) fn wanted(ask: &Ask) -> Shape {
    ask.head.as_ref().map_or(Shape::Body, RequestHead::shape)
}

/// Looks into the cache of the arm's release. The arm comes first, so that no answer of one release hides the other.
pub(super) async fn look_up(shared: &Shared, ask: &Ask, place: &Place) -> Lookup {
    let (Some(cache), true) = (&shared.parts.cache, ask.route.is_cached()) else { return Lookup::Off };
    if place.is_blind {
        bump(&shared.parts.counters.requests.cache_blind);
    }
    if ask.cache.no_store || ask.is_copy || place.is_blind {
        return Lookup::Off;
    }
    let body = match &ask.head {
        Some(head) => Cow::Owned(without_shape(&ask.body, &head.fields)),
        None => Cow::Borrowed(&ask.body),
    };
    let release = &place.occupant.deployed.sem;
    let request = Request { release, tenant: ask.tenant, family: ask.path(), body: &body };
    if ask.cache.bypass {
        return Lookup::Refresh(cache.ticket(&request).await);
    }
    let found = find(cache, &request, wanted(ask)).await;
    let counters = &shared.parts.counters.requests;
    match &found {
        Lookup::Hit(replay) => {
            bump(&counters.cache_hits);
            if let Some(warm_up) = &shared.parts.warm_up {
                warm_up.favourites.note(ask, &replay.hit);
            }
        }
        Lookup::Miss(_) => bump(&counters.cache_misses),
        Lookup::Refresh(_) | Lookup::Off => {}
    }
    found
}

async fn find(cache: &Cache, request: &Request<'_>, wanted: Shape) -> Lookup {
    match cache.look_up(request).await {
        Found::Hit(hit) => match Replay::of(hit, wanted, None) {
            Some(replay) => Lookup::Hit(replay),
            None => Lookup::Miss(cache.unfit(request).await),
        },
        Found::Miss(ticket) => Lookup::Miss(ticket),
        Found::Revoked => Lookup::Off,
    }
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
        says_something: true,
        role: Role::Serving,
        is_genuine: !reply.identity.has_drifted(),
        temperature: applied.temperature,
        choices: applied.choices,
        no_store: ask.cache.no_store || engine_forbids,
    };
    let headers = reply.headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone()));
    let headers: HeaderMap = headers.into_iter().collect();
    let admitted = admit(&facts).is_ok();
    if !admitted && reply.status.is_success() && facts.is_genuine {
        keeping.differs(cache);
    }
    let streams = admitted && is_event_stream(&headers);
    keeping.feed.begin(streams.then(|| Head { headers: headers.clone(), shape: sent_shape(ask, applied) }));
    let template = template_of(ask).map(str::to_owned);
    let answer = Answer { template, arm: place.arm, headers, body: Bytes::new() };
    admitted.then_some(Recorder { keeping, answer, facts })
}

/// The shape of a stream as the engine sends it.
fn sent_shape(ask: &Ask, applied: &Applied) -> Shape {
    if applied.added_usage { Shape::StreamWithUsage } else { wanted(ask) }
}
