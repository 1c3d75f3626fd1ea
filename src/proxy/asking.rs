//! The last looks before an engine is asked: something alike, or the same question under way.

use std::sync::Arc;

use http::Response;
use http::header::CONTENT_TYPE;

use super::admission::{Ask, Place};
use super::apply::Applied;
use super::caching::{Lookup, look_up, replay};
use super::handler::Shared;
use super::headers::CacheWord;
use super::relay::RelayBody;
use crate::cache::{Alike, Cache, Entry, Leader, Placed, Question, Request, Ticket, Turn};
use crate::wire::{Asked, End, LastQuestion, ResponseObserver};

/// What an answer is kept for.
#[derive(Debug)]
pub(super) struct Keeping {
    pub(super) ticket: Ticket,
    /// Its question, where the semantic tier is for it.
    placed: Option<Placed>,
    /// The answer that would have been served.
    audit: Option<Arc<Entry>>,
    /// Wakes those who wait for the same answer.
    leader: Option<Leader>,
}

/// What comes next.
pub(super) enum Next {
    Answer(Response<RelayBody>),
    Ask(Option<Keeping>),
}

impl Keeping {
    const fn only(ticket: Ticket) -> Self {
        Self { ticket, placed: None, audit: None, leader: None }
    }

    /// Whether another client waits for the answer.
    pub(super) fn is_awaited(&self) -> bool {
        self.leader.as_ref().is_some_and(Leader::is_followed)
    }

    /// Writes the answer, compares it where it was an audit, and then lets the others look.
    pub(super) async fn write(self, cache: &Cache, answer: crate::cache::Answer) {
        let Self { ticket, placed, audit, leader } = self;
        if let (Some(placed), Some(served)) = (&placed, &audit) {
            let asked = text_of(&answer.headers, &answer.body);
            cache.audit(placed, &text_of(&served.headers, &served.body), &asked).await;
        }
        cache.write(ticket.clone(), answer).await;
        // Whoever finds the question finds its answer.
        if let (Some(placed), None) = (&placed, &audit) {
            cache.learn(placed, &ticket).await;
        }
        drop(leader);
    }
}

/// The text of a whole answer.
fn text_of(headers: &http::HeaderMap, body: &[u8]) -> String {
    let mut observer = ResponseObserver::new(0.0);
    observer.headers(200, headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()), 0.0);
    observer.push(body, 0.0);
    observer.finish(End::Clean, 0.0).text
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
    if word != CacheWord::Miss || !is_certain {
        return Next::Ask(Some(Keeping::only(ticket)));
    }
    let mut keeping = Keeping::only(ticket);
    match look_alike(cache, ask, place, applied, &keeping.ticket).await {
        Alike::Serve(hit, similarity) => {
            return Next::Answer(replay(shared, ask, place, &hit, Some(similarity)));
        }
        Alike::Audit(placed, entry) => (keeping.placed, keeping.audit) = (Some(placed), Some(entry)),
        Alike::Miss(placed) => keeping.placed = Some(placed),
        Alike::Off => {}
    }
    match cache.turn(&keeping.ticket).await {
        Turn::Lead(leader) => keeping.leader = Some(leader),
        Turn::Followed => {
            if let Lookup::Hit(hit) = look_up(shared, ask, place).await {
                return Next::Answer(replay(shared, ask, place, &hit, None));
            }
        }
    }
    Next::Ask(Some(keeping))
}

async fn look_alike(cache: &Cache, ask: &Ask, place: &Place, applied: &Applied, ticket: &Ticket) -> Alike {
    let template = template_of(ask);
    if !cache.answers_alike(template) {
        return Alike::Off;
    }
    let Some(LastQuestion { range, text }) = LastQuestion::find(&applied.body) else { return Alike::Off };
    let request = Request {
        release: &place.occupant.deployed.sem,
        tenant: ask.tenant,
        family: ask.path(),
        body: &applied.body,
    };
    cache.look_alike(ticket, &Question { request, range, text: &text, template }).await
}

/// The prompt template that was asked for.
pub(super) fn template_of(ask: &Ask) -> Option<&str> {
    match ask.head.as_ref().map(|head| &head.asked) {
        Some(Asked::Template { id, .. }) => Some(id),
        _ => None,
    }
}
