//! One request of a warm-up: what is asked again, what came, and what of it the cache keeps.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, Method};
use http_body_util::BodyExt;

use super::Occupant;
use super::apply::{Applied, apply};
use super::favourites::Favourite;
use super::flight::{end_of, is_genuine};
use super::headers::CacheAsk;
use super::mirror::refused;
use super::observe::scores;
use super::route::Route;
use super::warm_up::WarmUpOptions;
use crate::cache::{Cache, Request, Ticket, WriteFacts, admit};
use crate::domain::{Arm, Clocks, ReleaseId, RequestId, Share};
use crate::evidence::{Observation, Role, Said};
use crate::upstream::{Limit, Outgoing, UpstreamError, Weight};
use crate::wire::{
    Answer, Asked, End, LiveGrader, RequestHead, ResponseObserver, answer_digest, degenerate, says_something,
    without_shape,
};

/// A request that clients hit often.
pub(super) struct Repeat<'a> {
    id: &'a str,
    favourite: &'a Favourite,
    route: Route,
    head: RequestHead,
    /// The request without the shape of its answer: what the cache knows it by.
    question: Bytes,
}

/// The candidate's half of a pair.
pub(super) enum Half {
    /// An answer, well or badly.
    Answered { answer: Box<Answer>, is_kept: bool, came: bool },
    /// It took longer than a copy may: a lost half.
    Lost,
    /// It was not asked, for want of something of our own, or by an engine that is another than was locked: no pair.
    Nothing,
}

impl Half {
    pub(super) const fn is_kept(&self) -> bool {
        matches!(self, Self::Answered { is_kept: true, .. })
    }

    /// Whether the engine was asked in vain.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(self, Self::Answered { came: false, .. } | Self::Lost)
    }

    fn bare(answer: Answer) -> Self {
        Self::Answered { answer: Box::new(answer), is_kept: false, came: false }
    }

    /// No whole answer came.
    fn failed(error: &UpstreamError, observer: ResponseObserver) -> Self {
        match error {
            UpstreamError::Timeout { limit: Limit::Total, .. } => Self::Lost,
            UpstreamError::Local { .. } => Self::Nothing,
            _ => Self::bare(observer.finish(end_of(error), 0.0)),
        }
    }
}

impl<'a> Repeat<'a> {
    /// `None`: it is no request, which none that hit can be.
    pub(super) fn of(id: &'a str, favourite: &'a Favourite) -> Option<Self> {
        let route = Route::find(&Method::POST, favourite.path.path(), &[]).ok()?;
        let head = RequestHead::parse(&favourite.body).ok()?;
        let question = without_shape(&favourite.body, &head.fields);
        Some(Self { id, favourite, route, head, question })
    }

    /// As `release`'s room of the cache knows it.
    pub(super) fn request<'b>(&'b self, release: &'b ReleaseId) -> Request<'b> {
        let Favourite { tenant, path, .. } = self.favourite;
        Request { release, tenant: *tenant, family: path.as_str(), body: &self.question }
    }

    /// Asks `next`, and keeps what its clients might be given.
    pub(super) async fn ask(&self, cache: &Cache, next: &Occupant, options: &WarmUpOptions) -> Half {
        let Some(ticket) = cache.ticket(&self.request(&next.deployed.sem)).await else {
            return Half::Nothing;
        };
        let body = &self.favourite.body;
        let applied = match apply(&next.deployed, self.route, &self.head, body, options.usage) {
            Ok(applied) => applied,
            Err(refusal) => return Half::bare(refused(&refusal, 0.0)),
        };
        let outgoing = Outgoing {
            method: Method::POST,
            path: self.favourite.path.clone(),
            headers: self.favourite.headers.clone(),
            body: applied.body.clone(),
            timeouts: Some(options.timeouts),
            weight: Weight::Counts,
        };
        match hear(next, &outgoing, cache.entry_bytes_max()).await {
            Ok(heard) if !heard.is_genuine => Half::Nothing,
            Ok(heard) => self.answered(cache, ticket, &applied, heard).await,
            Err(half) => half,
        }
    }

    async fn answered(&self, cache: &Cache, ticket: Ticket, applied: &Applied, heard: Heard) -> Half {
        let facts = WriteFacts {
            status: heard.status,
            outcome: heard.answer.outcome,
            says_something: says_something(&heard.answer),
            // A client asked it, and this is the answer that it would get.
            role: Role::Serving,
            is_genuine: heard.is_genuine,
            temperature: applied.temperature,
            choices: applied.choices,
            no_store: heard.no_store,
        };
        let body = heard.body.filter(|_| admit(&facts).is_ok());
        let is_kept = body.is_some();
        if let Some(body) = body {
            let template = match &self.head.asked {
                Asked::Template { id, .. } => Some(id.clone()),
                _ => None,
            };
            let (arm, headers) = (Arm::Candidate, heard.headers);
            cache.write(ticket, crate::cache::Answer { template, arm, headers, body }).await;
        }
        Half::Answered { answer: Box::new(heard.answer), is_kept, came: true }
    }

    /// An answer as evidence. Nothing is known of its times: one of the two was read from the cache.
    pub(super) fn observed(
        &self,
        release: ReleaseId,
        (arm, role): (Arm, Role),
        answer: &Answer,
        graders: &[LiveGrader],
    ) -> Observation {
        Observation {
            request: RequestId::new(self.id),
            release,
            arm,
            role,
            epoch: 0,
            share: Share::ZERO,
            outcome: answer.outcome,
            clocks: Clocks::default(),
            streamed: false,
            output_tokens: answer.usage.map(|usage| usage.completion_tokens),
            request_bytes: u32::try_from(self.favourite.body.len()).unwrap_or(u32::MAX),
            prompt_tokens: None,
            cached_tokens: None,
            answer: answer_digest(answer).map_or(Said::Nothing, Said::Digest),
            prompt: Some(self.head.prompt_digest(&self.favourite.body)),
            degenerate: degenerate(&answer.text),
            in_flight: 0,
            timers_late_ms: 0.0,
            sticky: 0,
            tenant: self.favourite.tenant.short(),
            scores: scores(graders, answer),
        }
    }
}

/// A reply, read to its end.
struct Heard {
    answer: Answer,
    status: u16,
    headers: HeaderMap,
    /// `None`: it is longer than is kept.
    body: Option<Bytes>,
    is_genuine: bool,
    no_store: bool,
}

async fn hear(next: &Occupant, outgoing: &Outgoing, bytes_max: usize) -> Result<Heard, Half> {
    let unsent = |error| Half::failed(&error, ResponseObserver::new(0.0));
    let mut reply = next.pool.send(outgoing).await.map_err(unsent)?;
    let content_type = reply.headers.get(CONTENT_TYPE).cloned();
    let mut observer = ResponseObserver::new(0.0);
    let kind = content_type.as_ref().and_then(|value| value.to_str().ok());
    observer.headers(reply.status.as_u16(), kind, 0.0);
    let (mut body, mut bytes) = (BytesMut::new(), 0_usize);
    while let Some(frame) = reply.body.frame().await {
        match frame {
            Ok(frame) => {
                let piece = frame.data_ref().map_or(&[][..], |piece| piece);
                observer.push(piece, 0.0);
                bytes = bytes.saturating_add(piece.len());
                if bytes <= bytes_max {
                    body.extend_from_slice(piece);
                }
            }
            Err(error) => return Err(Half::failed(&error, observer)),
        }
    }
    let answer = observer.finish(End::Clean, 0.0);
    Ok(Heard {
        status: reply.status.as_u16(),
        headers: content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect(),
        body: (bytes <= bytes_max).then(|| body.freeze()),
        is_genuine: is_genuine(Some(&reply.identity), &answer),
        no_store: CacheAsk::of(&reply.headers).no_store || reply.headers.contains_key(SET_COOKIE),
        answer,
    })
}
