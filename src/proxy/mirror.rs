//! Copies: who gets one, how it runs, and what became of it.
//!
//! Selection is a keyed hash of the request id, so it is independent of the content and the same on all
//! replicas. A copy waits for nothing: it gets a place at once or is dropped and counted.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::HeaderValue;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::admission::{Ask, Place};
use super::apply::apply;
use super::counters::{CopyCounters, Counters, bump};
use super::flight::{end_of, is_genuine, observe_head};
use super::handler::Shared;
use super::headers::{MIRROR, REQUEST_ID};
use super::observe::{Observing, Seen};
use super::refusal::Refusal;
use super::responses::{runs_tools, unkept};
use super::route::Route;
use crate::domain::{Arm, Clocks, Outcome};
use crate::evidence::{Copied, Copies, Dropped, Role, Sample};
use crate::routing::mirror_selected;
use crate::upstream::{Limit, Outgoing, Reply, UpstreamError, Weight};
use crate::wire::{Answer, End, Form, LiveGrader, ResponseObserver};

/// How a sent copy ended.
enum Ended {
    Answered(Box<Seen>),
    /// It ran longer than a copy may: ours, not the engine's fault, and no answer.
    TimedOut,
    /// It is longer than is read of a copy's answer.
    TooLarge,
    /// This process had nothing to send it with.
    Local,
    /// The proxy shut down.
    ShutDown,
}

/// Bytes that are held of one event or one unstreamed body of a copy, by each of many copies at once: a hundred times
/// a real event, and room for the longest of real answers. Whoever answers beyond it takes no memory from others.
const HELD_BYTES_MAX: usize = 1 << 20;

/// From here on an answer that was served is so long that its copy's may be longer than is held.
const LONG_BYTES: usize = HELD_BYTES_MAX / 2;

/// Room for one copy.
struct Room {
    _place: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

/// What was done about the copies of one request.
pub(super) enum Copying {
    /// It was not selected.
    No,
    /// It was selected, and its copy was not sent.
    Dropped(Dropped),
    Sent(UnderWay),
}

/// The copies of one request, on their way. Dropping a receiver cancels its copy.
pub(super) struct UnderWay {
    candidate: oneshot::Receiver<Ended>,
    null: Option<oneshot::Receiver<Ended>>,
}

/// What became of them.
pub(super) enum Joined {
    /// There are none.
    Not(Copied),
    Both {
        candidate: Option<Box<Seen>>,
        null: Option<Box<Seen>>,
    },
}

impl Joined {
    /// Whether the answer to the client and those of its copies are of the releases that their engines are to serve.
    pub(super) fn is_genuine(&self, seen: &Seen) -> bool {
        let of_copies = match self {
            Self::Not(_) => [None, None],
            Self::Both { candidate, null } => [candidate.as_deref(), null.as_deref()],
        };
        seen.is_genuine && of_copies.into_iter().flatten().all(|copy| copy.is_genuine)
    }

    /// The sample of a request that was answered as `seen`; `None` where it was no question.
    pub(super) fn sample(
        self,
        ask: &Ask,
        place: &Place,
        graders: &[LiveGrader],
        seen: Seen,
    ) -> Option<Sample> {
        match self {
            Self::Not(copied) => {
                let serving = Observing::alone(ask, place, graders)?.observe(seen);
                Some(Sample { serving, copied })
            }
            Self::Both { candidate, null } => {
                let observing = Observing::compared(ask, place, graders)?;
                let copy = |seen: Option<Box<Seen>>| seen.map(|seen| observing.observe(*seen));
                let copies = Copies { candidate: copy(candidate), null: copy(null) };
                Some(Sample { serving: observing.observe(seen), copied: Copied::Sent(Box::new(copies)) })
            }
        }
    }
}

impl Copying {
    /// Sends the copies of a request, if it is selected.
    pub(super) fn start(shared: &Arc<Shared>, ask: &Arc<Ask>, place: &Place) -> Self {
        let (plan, salt) = (place.table.mirror, place.table.salt);
        let can = place.arm == Arm::Baseline && ask.route.is_generation() && !ask.is_copy && !runs_tools(ask);
        if !can || !mirror_selected(&ask.id, "mirror", plan.share, salt) {
            return Self::No;
        }
        let with_null = mirror_selected(&ask.id, "null", plan.null_share, salt);
        let counters = &shared.parts.counters;
        bump(&counters.mirror.offered);
        if with_null {
            bump(&counters.null.offered);
        }
        let candidate = other_arm(shared, place)
            .ok_or((&counters.mirror.dropped_vacant, Dropped::Rule))
            .and_then(|place| send(shared, ask, place, Role::Mirror, &counters.mirror));
        match candidate {
            Ok(candidate) => {
                let null = with_null.then(|| send(shared, ask, place.clone(), Role::Null, &counters.null));
                let null = null.and_then(|sent| sent.map_err(|(counter, _)| bump(counter)).ok());
                Self::Sent(UnderWay { candidate, null })
            }
            Err((counter, why)) => {
                bump(counter);
                if with_null {
                    bump(&counters.null.dropped_alone);
                }
                Self::Dropped(why)
            }
        }
    }
}

impl UnderWay {
    /// Waits for the copies beside an answer that counts.
    pub(super) async fn join(self, counters: &Counters, served_bytes: usize) -> Joined {
        let candidate = settle(self.candidate, &counters.mirror, served_bytes).await;
        let null = match self.null {
            Some(null) => settle(null, &counters.null, served_bytes).await.ok().flatten(),
            None => None,
        };
        match candidate {
            Ok(candidate) => Joined::Both { candidate, null },
            Err(why) => Joined::Not(Copied::Dropped(why)),
        }
    }

    /// There will be nothing to compare with; `why` is what counts it.
    pub(super) fn cancel(self, counters: &Counters, why: fn(&CopyCounters) -> &AtomicU64) {
        bump(why(&counters.mirror));
        if self.null.is_some() {
            bump(why(&counters.null));
        }
    }
}

/// The answer to a copy; `None`: there is none. An error where there could be none, whoever was asked: where the answer
/// that was served had so many bytes that a copy's may rightly be too long to be read.
async fn settle(
    copy: oneshot::Receiver<Ended>,
    counters: &CopyCounters,
    served_bytes: usize,
) -> Result<Option<Box<Seen>>, Dropped> {
    let (seen, counter) = match copy.await {
        Ok(Ended::Answered(seen)) => (Ok(Some(seen)), &counters.paired),
        Ok(Ended::TimedOut) => (Ok(None), &counters.orphaned_timeout),
        Ok(Ended::TooLarge) if served_bytes > LONG_BYTES => {
            (Err(Dropped::Rule), &counters.orphaned_too_large)
        }
        Ok(Ended::TooLarge) => (Ok(None), &counters.orphaned_too_large),
        Ok(Ended::Local) => (Err(Dropped::Room), &counters.orphaned_local),
        Ok(Ended::ShutDown) | Err(_) => (Ok(None), &counters.orphaned_shutdown),
    };
    bump(counter);
    seen
}

fn other_arm(shared: &Shared, place: &Place) -> Option<Place> {
    let arm = place.arm.other();
    let occupant = shared.parts.slots.occupant(place.table.slot(arm))?;
    Some(Place { arm, occupant, ..place.clone() })
}

/// Starts one copy, or says which counter tells why not, and whether that was chance.
fn send<'a>(
    shared: &Arc<Shared>,
    ask: &Arc<Ask>,
    place: Place,
    role: Role,
    counters: &'a CopyCounters,
) -> Result<oneshot::Receiver<Ended>, (&'a AtomicU64, Dropped)> {
    if ask.body.len() > shared.options.mirror.body_bytes_max {
        return Err((&counters.dropped_too_large, Dropped::Rule));
    }
    let place_for_it = Arc::clone(&shared.copies).try_acquire_owned();
    let bytes = u32::try_from(ask.body.len()).unwrap_or(u32::MAX);
    let room = Room {
        _place: place_for_it.map_err(|_| (&counters.dropped_full, Dropped::Room))?,
        _bytes: Arc::clone(&shared.copied_bytes)
            .try_acquire_many_owned(bytes)
            .map_err(|_| (&counters.dropped_full_bytes, Dropped::Room))?,
    };
    bump(&counters.sent);
    let (sender, receiver) = oneshot::channel();
    let copy = Copy { shared: Arc::clone(shared), ask: Arc::clone(ask), place, role };
    shared.tracker.spawn_on(copy.run(sender, room), &shared.runtime);
    Ok(receiver)
}

struct Copy {
    shared: Arc<Shared>,
    ask: Arc<Ask>,
    place: Place,
    role: Role,
}

impl Copy {
    async fn run(self, mut sender: oneshot::Sender<Ended>, _room: Room) {
        let ended = tokio::select! {
            ended = self.ask() => ended,
            () = self.shared.cut.cancelled() => Ended::ShutDown,
            () = sender.closed() => return,
        };
        // Nobody waits any more when the client has left meanwhile: that has been counted.
        let _ = sender.send(ended);
    }

    async fn ask(&self) -> Ended {
        let outgoing = match self.outgoing() {
            Ok(outgoing) => outgoing,
            Err(refusal) => return self.answered(refused(&refusal, self.now_ms()), false, None),
        };
        match self.place.occupant.pool.send(&outgoing).await {
            Ok(reply) => self.watch(reply).await,
            Err(error) => self.failed(ResponseObserver::new(self.now_ms()), &error, None),
        }
    }

    fn outgoing(&self) -> Result<Outgoing, Refusal> {
        // Only generation routes are copied, and they have a head.
        let head = self.ask.head.as_ref().ok_or(Refusal::Vacant)?;
        let deployed = &self.place.occupant.deployed;
        let usage = self.shared.options.usage;
        let applied = apply(deployed, self.ask.route, head, &self.ask.body, usage)?;
        let is_kept = self.ask.route == Route::Responses;
        let body = if is_kept { unkept(&applied.body)? } else { applied.body };
        let mut outgoing = self.ask.outgoing(body);
        // Engines use it as their own key, and two requests under one key are a fault to them.
        outgoing.headers.remove(REQUEST_ID);
        outgoing.headers.insert(MIRROR, HeaderValue::from_static("1"));
        outgoing.timeouts = Some(self.shared.options.mirror.timeouts);
        if self.role == Role::Null {
            // It asks the engines that serve users, who must not lose one because nobody waits for this answer. What a copy to
            // the candidate meets is about the candidate, as long as it serves nobody and afterwards.
            outgoing.weight = Weight::None;
        }
        Ok(outgoing)
    }

    async fn watch(&self, mut reply: Reply) -> Ended {
        let mut observer = observe_head(&reply, &self.ask, HELD_BYTES_MAX, self.now_ms());
        let mut room = self.shared.options.mirror.answer_bytes_max;
        while let Some(frame) = reply.body.frame().await {
            match frame {
                Ok(frame) => {
                    let piece = frame.data_ref().map_or(&[][..], |piece| piece);
                    observer.push(piece, self.now_ms());
                    match room.checked_sub(piece.len()) {
                        Some(_) if observer.is_too_large() => return self.too_large(observer, &reply),
                        Some(left) => room = left,
                        None => return Ended::TooLarge,
                    }
                }
                Err(error) => return self.failed(observer, &error, Some(&reply)),
            }
        }
        self.ended(observer, End::Clean, Some(&reply))
    }

    /// A single event that long is how a stream broke; a whole answer, in a body or in one event, may well be longer than is
    /// held, and is only not read.
    fn too_large(&self, observer: ResponseObserver, reply: &Reply) -> Ended {
        match observer.is_streamed() && self.ask.route.form() == Form::Choices {
            true => self.ended(observer, End::Broken, Some(reply)),
            false => Ended::TooLarge,
        }
    }

    fn failed(&self, observer: ResponseObserver, error: &UpstreamError, reply: Option<&Reply>) -> Ended {
        match error {
            UpstreamError::Timeout { limit: Limit::Total, .. } => Ended::TimedOut,
            UpstreamError::Local { .. } => Ended::Local,
            _ => self.ended(observer, end_of(error), reply),
        }
    }

    fn ended(&self, observer: ResponseObserver, end: End, reply: Option<&Reply>) -> Ended {
        let streamed = observer.is_streamed();
        self.answered(observer.finish(end, self.now_ms()), streamed, reply)
    }

    /// An answer, and who gave it; `None`: no engine.
    fn answered(&self, answer: Answer, streamed: bool, reply: Option<&Reply>) -> Ended {
        Ended::Answered(Box::new(Seen {
            is_genuine: is_genuine(reply.map(|reply| &*reply.identity), &answer),
            answer,
            streamed,
            in_flight: reply.map_or(0, |reply| reply.in_flight),
            timers_late_ms: self.shared.parts.counters.timers.late_ms_since(self.place.period),
            release: self.place.occupant.deployed.sem.clone(),
            arm: self.place.arm,
            role: self.role,
        }))
    }

    fn now_ms(&self) -> f64 {
        self.shared.ms_since(self.ask.arrival)
    }
}

/// What a client of the other arm would have got where its release cannot serve the request: an error.
pub(super) fn refused(refusal: &Refusal, now_ms: f64) -> Answer {
    Answer {
        outcome: Outcome::Errored(refusal.status().as_u16()),
        clocks: Clocks { sent_ms: now_ms, end_ms: now_ms, ..Clocks::default() },
        text: String::new(),
        tool_calls: None,
        usage: None,
        fingerprint: None,
        token_chunks: 0,
        error: Some(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_that_this_machine_could_not_send_is_no_lost_half() {
        let counters = Counters::default();
        let (sender, candidate) = oneshot::channel();
        assert!(sender.send(Ended::Local).is_ok());
        let joined = UnderWay { candidate, null: None }.join(&counters, 0).await;
        assert!(matches!(joined, Joined::Not(Copied::Dropped(Dropped::Room))));
        assert_eq!(counters.snapshot().mirror.orphaned_local, 1);
    }
}
