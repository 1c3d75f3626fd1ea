//! The last looks before an engine is asked: something alike, or the same question under way.

use std::sync::Arc;

use http::header::CONTENT_TYPE;

use super::admission::{Ask, Place};
use super::apply::Applied;
use super::caching::{Lookup, Replay, look_up, wanted};
use super::counters::bump;
use super::handler::Shared;
use super::headers::CacheWord;
use crate::cache::{
    Alike, Cache, Entry, Feed, Follower, Head, Joined, Placed, Question, Request, Ticket, Turn,
};
use crate::wire::{Asked, End, Fields, LastQuestion, ResponseObserver, without_shape};

/// What an answer is kept for.
#[derive(Debug)]
pub(super) struct Keeping {
    pub(super) ticket: Ticket,
    /// Its question, where the semantic tier is for it.
    placed: Option<Placed>,
    /// The answer that would have been served.
    audit: Option<Arc<Entry>>,
    /// Where it is put down while it comes in, for those who wait for the same answer.
    pub(super) feed: Feed,
}

/// What comes next.
pub(super) enum Next {
    Replay(Replay),
    Along(Follower, Head),
    Ask(Option<Box<Keeping>>),
}

impl Keeping {
    fn only(ticket: Ticket, cache: &Cache) -> Self {
        Self { ticket, placed: None, audit: None, feed: Feed::alone(cache.entry_bytes_max()) }
    }

    /// The answer came, and is none that could be compared with the one that would have been served: that is a false hit. To
    /// leave it out would count only those answers that are likely to be right.
    pub(super) fn differs(&self, cache: &Cache) {
        if let (Some(placed), Some(_)) = (&self.placed, &self.audit) {
            cache.audit_differs(placed);
        }
    }

    /// Writes the answer, compares it where it was an audit, and then lets the others look.
    pub(super) async fn write(self, cache: &Cache, answer: crate::cache::Answer) {
        let Self { ticket, placed, audit, feed } = self;
        if let (Some(placed), Some(served)) = (&placed, &audit) {
            let asked = kept_answer(&answer.headers, &answer.body).text;
            cache.audit(placed, &kept_answer(&served.headers, &served.body).text, &asked).await;
        }
        cache.write(ticket.clone(), answer).await;
        // Whoever finds the question finds its answer.
        if let (Some(placed), None) = (&placed, &audit) {
            cache.learn(placed, &ticket).await;
        }
        drop(feed);
    }
}

/// A whole answer, as it is kept.
pub(super) fn kept_answer(headers: &http::HeaderMap, body: &[u8]) -> crate::wire::Answer {
    let mut observer = ResponseObserver::new(0.0);
    observer.headers(200, headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()), 0.0);
    observer.push(body, 0.0);
    observer.finish(End::Clean, 0.0)
}

/// Looks once more, now that the release was applied. A client that wants a new answer gets one.
pub(super) async fn before_asking(
    shared: &Shared,
    ask: &Ask,
    place: &Place,
    applied: &Applied,
    found: (Option<Ticket>, CacheWord),
) -> Next {
    let (Some(cache), (Some(ticket), word)) = (&shared.parts.cache, found) else { return Next::Ask(None) };
    let is_certain = applied.temperature == Some(0.0) && applied.choices == 1;
    let mut keeping = Keeping::only(ticket, cache);
    if word != CacheWord::Miss || !is_certain {
        return Next::Ask(Some(Box::new(keeping)));
    }
    match look_alike(cache, ask, place, applied, &keeping.ticket).await {
        Alike::Serve(hit, similarity) => {
            if let Some(replay) = Replay::of(hit, wanted(ask), Some(similarity)) {
                return Next::Replay(replay);
            }
        }
        Alike::Audit(placed, entry) => (keeping.placed, keeping.audit) = (Some(placed), Some(entry)),
        Alike::Miss(placed) => keeping.placed = Some(placed),
        Alike::Off => {}
    }
    take_turn(shared, cache, (ask, place), keeping).await
}

/// Leads, reads along, or looks at what was stored for those who waited. Nobody waits twice for an answer that came.
async fn take_turn(
    shared: &Shared,
    cache: &Cache,
    (ask, place): (&Ask, &Place),
    mut keeping: Keeping,
) -> Next {
    loop {
        let mut follower = match cache.turn(&keeping.ticket) {
            Turn::Lead(feed) => {
                keeping.feed = feed;
                return Next::Ask(Some(Box::new(keeping)));
            }
            Turn::Follow(follower) => follower,
        };
        match follower.join(wanted(ask)).await {
            Joined::Along(head) => {
                bump(&shared.parts.counters.requests.cache_shared);
                return Next::Along(follower, head);
            }
            Joined::Ended => break,
            Joined::Abandoned => {}
        }
    }
    match look_up(shared, ask, place).await {
        Lookup::Hit(replay) => Next::Replay(replay),
        Lookup::Miss(_) | Lookup::Refresh(_) | Lookup::Off => Next::Ask(Some(Box::new(keeping))),
    }
}

async fn look_alike(cache: &Cache, ask: &Ask, place: &Place, applied: &Applied, ticket: &Ticket) -> Alike {
    let template = template_of(ask);
    if !cache.answers_alike(template) {
        return Alike::Off;
    }
    let Ok(fields) = Fields::read(&applied.body) else { return Alike::Off };
    let body = without_shape(&applied.body, &fields);
    let Some(LastQuestion { range, text }) = LastQuestion::find(&body) else { return Alike::Off };
    let release = &place.occupant.deployed.sem;
    let request = Request { release, tenant: ask.tenant, family: ask.path(), body: &body };
    cache.look_alike(ticket, &Question { request, range, text: &text, template }).await
}

/// The prompt template that was asked for.
pub(super) fn template_of(ask: &Ask) -> Option<&str> {
    match ask.head.as_ref().map(|head| &head.asked) {
        Some(Asked::Template { id, .. }) => Some(id),
        _ => None,
    }
}
