//! One serving request from its admission to the end of its answer, however it ends.
//!
//! The flight is owned by the request's future first and by the answer's body later. Dropping it before its
//! end is the client leaving: an admitted request leaves no sample only where this process itself could not send it.

use std::mem;
use std::sync::Arc;

use super::admission::{Ask, Place};
use super::counters::bump;
use super::handler::Shared;
use super::mirror::{Copying, Joined, UnderWay};
use super::observe::Seen;
use crate::domain::Outcome;
use crate::evidence::{Copied, Role};
use crate::upstream::{Identity, Reply, UpstreamError};
use crate::wire::{Answer, End, ResponseObserver, says_something};

/// Watches one answer to a client.
pub(super) struct Flight {
    shared: Arc<Shared>,
    ask: Arc<Ask>,
    place: Place,
    /// `None` once the end was seen.
    observer: Option<ResponseObserver>,
    /// Bytes of the body so far.
    bytes: usize,
    in_flight: u32,
    /// Who answers; `None` before the response head.
    identity: Option<Arc<Identity>>,
    copying: Copying,
}

/// What is known of an answer at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) says_something: bool,
    /// Whether its engine is what its release was locked to, as far as anyone knows.
    pub(super) is_genuine: bool,
}

impl Flight {
    pub(super) fn new(shared: &Arc<Shared>, ask: &Arc<Ask>, place: &Place, copying: Copying) -> Self {
        let observer = ResponseObserver::new(shared.ms_since(ask.arrival));
        Self {
            shared: Arc::clone(shared),
            ask: Arc::clone(ask),
            place: place.clone(),
            observer: Some(observer),
            bytes: 0,
            in_flight: 0,
            identity: None,
            copying,
        }
    }

    /// The response head came.
    pub(super) fn head(&mut self, reply: &Reply) {
        self.in_flight = reply.in_flight;
        self.identity = Some(Arc::clone(&reply.identity));
        let now_ms = self.shared.ms_since(self.ask.arrival);
        self.observer = Some(observe_head(reply, &self.ask, ResponseObserver::BODY_BYTES_MAX, now_ms));
    }

    /// A piece of the body came.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.bytes += piece.len();
        if let Some(observer) = &mut self.observer {
            observer.push(piece, self.shared.ms_since(self.ask.arrival));
        }
    }

    /// It could not be sent for want of something of our own: no answer, and so no evidence.
    pub(super) fn void(&mut self) {
        self.observer = None;
        if let Copying::Sent(under_way) = mem::replace(&mut self.copying, Copying::No) {
            under_way.cancel(&self.shared.parts.counters, |copies| &copies.orphaned_local);
        }
    }

    /// The answer ended. The client's part is done; what copies are still to come are waited for beside it.
    pub(super) fn finish(&mut self, end: End) -> Option<Ending> {
        let observer = self.observer.take()?;
        let streamed = observer.is_streamed();
        let answer = observer.finish(end, self.shared.ms_since(self.ask.arrival));
        let seen = Seen {
            streamed,
            is_genuine: is_genuine(self.identity.as_deref(), &answer),
            answer,
            in_flight: self.in_flight,
            timers_late_ms: self.shared.parts.counters.timers.late_ms_since(self.place.period),
            release: self.place.occupant.deployed.sem.clone(),
            arm: self.place.arm,
            role: Role::Serving,
        };
        let ending = Ending {
            outcome: seen.answer.outcome,
            says_something: says_something(&seen.answer),
            is_genuine: seen.is_genuine,
        };
        if ending.outcome.is_censored() {
            bump(&self.shared.parts.counters.requests.client_gone);
        }
        match mem::replace(&mut self.copying, Copying::No) {
            Copying::No => hand_over(&self.shared, &self.ask, &self.place, seen, Joined::Not(Copied::No)),
            Copying::Dropped(why) => {
                hand_over(&self.shared, &self.ask, &self.place, seen, Joined::Not(Copied::Dropped(why)));
            }
            Copying::Sent(under_way) => {
                let (shared, ask) = (Arc::clone(&self.shared), Arc::clone(&self.ask));
                let work = join(shared, ask, self.place.clone(), (seen, self.bytes), under_way);
                self.shared.tracker.spawn_on(work, &self.shared.runtime);
            }
        }
        Some(ending)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.finish(End::ClientGone);
    }
}

/// An observer of a reply whose head has come; it holds at most about `bytes_max` of it.
pub(super) fn observe_head(reply: &Reply, ask: &Ask, bytes_max: usize, now_ms: f64) -> ResponseObserver {
    let sent_ms = reply.sent.saturating_sub(ask.arrival).as_secs_f64() * 1_000.0;
    let content_type = reply.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut observer = ResponseObserver::within(bytes_max, sent_ms).in_form(ask.route.form());
    observer.headers(reply.status.as_u16(), content_type, now_ms);
    observer
}

/// Whether an answer is one of the release that its engine is to serve, as far as anyone knows.
pub(super) fn is_genuine(identity: Option<&Identity>, answer: &Answer) -> bool {
    identity.is_none_or(|identity| identity.vouches_for(answer.fingerprint.as_deref()))
}

/// How an engine's failure reads on the wire.
pub(super) const fn end_of(error: &UpstreamError) -> End {
    if error.is_timeout() { End::Stalled } else { End::Broken }
}

/// Waits for the copies and hands the sample over. A client that has left cancels its copies.
async fn join(
    shared: Arc<Shared>,
    ask: Arc<Ask>,
    place: Place,
    (seen, bytes): (Seen, usize),
    under_way: UnderWay,
) {
    let counters = &shared.parts.counters;
    let joined = if seen.answer.outcome.is_censored() {
        under_way.cancel(counters, |copies| &copies.orphaned_client_gone);
        Joined::Not(Copied::No)
    } else {
        under_way.join(counters, bytes).await
    };
    hand_over(&shared, &ask, &place, seen, joined);
}

/// Hands the sample over, or counts that there was no room for it.
fn hand_over(shared: &Shared, ask: &Ask, place: &Place, seen: Seen, joined: Joined) {
    let counters = &shared.parts.counters.requests;
    if !joined.is_genuine(&seen) {
        bump(&counters.samples_of_others);
        return;
    }
    let Some(sample) = joined.sample(ask, place, &shared.parts.graders, seen) else { return };
    if let Some(warm_up) = &shared.parts.warm_up {
        warm_up.note(&sample.serving);
    }
    match shared.parts.samples.try_send(sample) {
        Ok(()) => bump(&counters.samples),
        Err(_) => bump(&counters.samples_dropped),
    }
}
