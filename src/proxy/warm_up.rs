//! Asks a release that comes what clients ask the present one most, before any of them sees it.
//!
//! Its engines compute the prefixes that will be asked for, and its own room of the cache fills, through the same gate as any
//! other answer. None of it is evidence: the present release's half would be a cached answer, which says nothing of its
//! engines.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info};

use super::apply::apply;
use super::favourites::{Favourite, Favourites};
use super::headers::CacheAsk;
use super::route::Route;
use super::{Occupant, UsageChunks};
use crate::cache::{Answer, Cache, Request, Tenant, WriteFacts, admit};
use crate::domain::{Arm, Outcome};
use crate::evidence::Role;
use crate::upstream::{Outgoing, Timeouts, Weight};
use crate::wire::{Asked, End, RequestHead, ResponseObserver, says_something, without_shape};

/// Bounds of a warm-up.
#[derive(Clone, Debug)]
pub struct WarmUpOptions {
    /// Requests asked at most.
    pub count: usize,
    /// Requests asked within a second at most, one after another.
    pub per_second: u32,
    /// Whose requests may be remembered and asked again.
    pub tenants: Vec<Tenant>,
    /// The limits of one request.
    pub timeouts: Timeouts,
    /// Whether streams are asked for their usage.
    pub usage: UsageChunks,
}

/// Remembers what is asked most and asks it again.
#[derive(Debug)]
pub struct WarmUp {
    options: WarmUpOptions,
    pub(super) favourites: Favourites,
}

/// What a warm-up came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Requests asked.
    pub asked: usize,
    /// Answers that the cache keeps.
    pub kept: usize,
}

impl WarmUp {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(options: WarmUpOptions) -> Self {
        let favourites = Favourites::of(options.tenants.iter().copied());
        Self { options, favourites }
    }

    /// Asks `next` what `present` answered from the cache most often, as long as `is_wanted` holds.
    pub async fn run(
        &self,
        cache: &Cache,
        present: &Occupant,
        next: &Occupant,
        is_wanted: impl Fn() -> bool,
    ) -> Warmed {
        let mut warmed = Warmed::default();
        let mut ticks = interval(Duration::from_secs(1) / self.options.per_second.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for favourite in self.favourites.top(&present.deployed.sem, self.options.count) {
            ticks.tick().await;
            if !is_wanted() {
                info!(asked = warmed.asked, "the warm-up ends early: it is not wanted any more");
                break;
            }
            warmed.asked += 1;
            warmed.kept += usize::from(self.ask(cache, next, &favourite).await.is_some());
        }
        info!(asked = warmed.asked, kept = warmed.kept, "warmed up with what clients ask most");
        warmed
    }

    /// Asks one request; `None`: its answer is not kept.
    async fn ask(&self, cache: &Cache, next: &Occupant, favourite: &Favourite) -> Option<()> {
        let Favourite { tenant, path, headers, body, .. } = favourite.clone();
        let route = Route::find(&Method::POST, path.path(), &[]).ok()?;
        let head = RequestHead::parse(&body).ok()?;
        let applied = apply(&next.deployed, route, &head, &body, self.options.usage).ok()?;
        let question = without_shape(&body, &head.fields);
        let release = &next.deployed.sem;
        let ticket =
            cache.ticket(&Request { release, tenant, family: path.as_str(), body: &question }).await?;
        let (timeouts, weight) = (Some(self.options.timeouts), Weight::Counts);
        let outgoing = Outgoing { method: Method::POST, path, headers, body: applied.body, timeouts, weight };
        let heard = hear(next, &outgoing, cache.entry_bytes_max()).await?;
        let facts = WriteFacts {
            status: heard.status,
            outcome: heard.outcome,
            says_something: heard.says_something,
            // A client asked it, and this is the answer that it would get.
            role: Role::Serving,
            is_genuine: heard.is_genuine,
            temperature: applied.temperature,
            choices: applied.choices,
            no_store: heard.no_store,
        };
        admit(&facts).ok()?;
        let template = match head.asked {
            Asked::Template { id, .. } => Some(id),
            _ => None,
        };
        let answer = Answer { template, arm: Arm::Candidate, headers: heard.headers, body: heard.body };
        cache.write(ticket, answer).await;
        Some(())
    }
}

/// An answer, read whole.
struct Heard {
    status: u16,
    headers: http::HeaderMap,
    body: Bytes,
    outcome: Outcome,
    says_something: bool,
    is_genuine: bool,
    no_store: bool,
}

/// `None`: it broke off, or is too long to be kept.
async fn hear(next: &Occupant, outgoing: &Outgoing, bytes_max: usize) -> Option<Heard> {
    let told = |error| debug!("no answer to a warm-up: {error}");
    let mut reply = next.pool.send(outgoing).await.map_err(told).ok()?;
    let (status, content_type) = (reply.status.as_u16(), reply.headers.get(CONTENT_TYPE).cloned());
    let mut observer = ResponseObserver::new(0.0);
    observer.headers(status, content_type.as_ref().and_then(|value| value.to_str().ok()), 0.0);
    let mut body = BytesMut::new();
    while let Some(frame) = reply.body.frame().await {
        let frame = frame.map_err(told).ok()?;
        let piece = frame.data_ref().map_or(&[][..], |piece| piece);
        observer.push(piece, 0.0);
        body.extend_from_slice(piece);
        if body.len() > bytes_max {
            return None;
        }
    }
    let answer = observer.finish(End::Clean, 0.0);
    Some(Heard {
        status,
        headers: content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect(),
        body: body.freeze(),
        is_genuine: reply.identity.vouches_for(answer.fingerprint.as_deref()),
        outcome: answer.outcome,
        says_something: says_something(&answer),
        no_store: CacheAsk::of(&reply.headers).no_store
            || reply.headers.contains_key(http::header::SET_COOKIE),
    })
}
