//! The engines of one slot: who gets the next request, and which connections are warm.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::line::Line;
use super::seat::{EndpointState, Seat, Ticket};
use super::{
    Endpoint, EndpointError, Identity, Outgoing, PoolOptions, Reply, Timeouts, UpstreamError, Weight, strict,
};
use crate::telemetry::Clock;

/// Sends of one request, the first included: one stale connection and one refusing endpoint are bad luck,
/// more are an outage that the client should hear of.
const ATTEMPTS_MAX: usize = 3;

/// The engines of one slot.
#[derive(Debug)]
pub struct Pool {
    seats: Arc<[Seat]>,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
}

/// How soon after a request was sent a kept connection that the engine had given up before shows it: a round trip. What
/// is reset later was read, and may have been the reason.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(1);

/// A failed send, and whether another one may follow.
struct Failure {
    error: UpstreamError,
    next: Next,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The engine may have begun to work: the client hears of it.
    GiveUp,
    /// A kept connection was closed, and nothing of the request was sent: the same endpoint on a new one.
    Unsent,
    /// A kept connection turned out closed: the same endpoint on a new one, and no other, since it cannot be ruled
    /// out that the request is what ended it.
    Here,
    /// Nobody listens: another endpoint of the same pool.
    Elsewhere,
}

impl Pool {
    /// A pool over `options.endpoints`; nothing is connected yet.
    ///
    /// # Errors
    /// [`EndpointError::None`] without endpoints.
    pub fn new(options: PoolOptions, clock: Arc<dyn Clock>) -> Result<Self, EndpointError> {
        if options.endpoints.is_empty() {
            return Err(EndpointError::None);
        }
        let seats = options.endpoints.into_iter().map(Seat::new).collect();
        Ok(Self { seats, timeouts: options.timeouts, clock })
    }

    /// Sends one request to the least loaded endpoint and waits for the response head.
    ///
    /// # Errors
    /// Any [`UpstreamError`] before the response head; later ones come out of the reply's body.
    pub async fn send(&self, request: &Outgoing) -> Result<Reply, UpstreamError> {
        let mut refused = Vec::new();
        let mut ticket = self.least_loaded(&refused, request.weight);
        let mut fresh = Freshness::Any;
        let mut stays = false;
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(ticket, fresh, request).await {
                Ok(reply) => return Ok(reply),
                Err((failure, at)) => match failure.next {
                    Next::Unsent | Next::Here => {
                        stays |= failure.next == Next::Here;
                        (ticket, fresh) = (at, Freshness::New);
                    }
                    Next::Elsewhere if !stays && refused.len() + 1 < self.seats.len() => {
                        refused.push(at.index());
                        (ticket, fresh) = (self.least_loaded(&refused, request.weight), Freshness::Any);
                    }
                    Next::Elsewhere | Next::GiveUp => return Err(failure.error),
                },
            }
        }
        self.attempt(ticket, fresh, request).await.map_err(|(failure, _)| failure.error)
    }

    /// Sends one request to the endpoint at `index`, as probes must: every engine of a pool has to be ready.
    ///
    /// # Errors
    /// As [`Pool::send`]; [`EndpointError::None`] never, an index beyond the end wraps around.
    pub async fn send_to(&self, index: usize, request: &Outgoing) -> Result<Reply, UpstreamError> {
        let ticket = Ticket::take(&self.seats, index % self.seats.len(), Weight::None);
        self.attempt(ticket, Freshness::New, request).await.map_err(|(failure, _)| failure.error)
    }

    /// Who the endpoint at `index` is believed to be; an index beyond the end wraps around.
    #[must_use]
    pub fn identity(&self, index: usize) -> &Identity {
        &self.seats[index % self.seats.len()].identity
    }

    /// Requests in flight over all endpoints, copies included.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.seats.iter().map(Seat::in_flight).sum()
    }

    /// Every endpoint, as it stands.
    #[must_use]
    pub fn endpoints(&self) -> Vec<EndpointState<'_>> {
        let now = self.clock.monotonic();
        self.seats.iter().map(|seat| seat.state(now)).collect()
    }

    /// Closes connections that have been idle too long to be trusted; called now and then by the owner.
    pub fn sweep(&self) {
        let now = self.clock.monotonic();
        self.seats.iter().for_each(|seat| seat.sweep(now));
    }

    /// The endpoint with the fewest requests, the first of equals, leaving out those that refused and, unless no
    /// other is left, those that are passed over.
    fn least_loaded(&self, refused: &[usize], weight: Weight) -> Ticket {
        let now = self.clock.monotonic();
        let open = || (0..self.seats.len()).filter(|at| !refused.contains(at));
        let load = |at: &usize| self.seats[*at].in_flight();
        let well = open().filter(|at| self.seats[*at].takes(now)).min_by_key(load);
        Ticket::take(&self.seats, well.or_else(|| open().min_by_key(load)).unwrap_or(0), weight)
    }

    async fn attempt(
        &self,
        ticket: Ticket,
        fresh: Freshness,
        request: &Outgoing,
    ) -> Result<Reply, (Failure, Ticket)> {
        match self.exchange(&ticket, fresh, request).await {
            Ok(open) => Ok(Reply::new(open, ticket, Arc::clone(&self.clock))),
            Err(failure) => {
                if !matches!(failure.next, Next::Unsent | Next::Here) {
                    ticket.failed(&failure.error, self.clock.monotonic());
                }
                Err((failure, ticket))
            }
        }
    }

    async fn exchange(&self, ticket: &Ticket, fresh: Freshness, request: &Outgoing) -> Result<Open, Failure> {
        let timeouts = request.timeouts.unwrap_or(self.timeouts);
        let seat = ticket.seat();
        let kept = match fresh {
            Freshness::Any => seat.checkout(self.clock.monotonic()),
            Freshness::New => None,
        };
        let was_kept = kept.is_some();
        let mut line = match kept {
            Some(line) => line,
            None => Line::open(&seat.endpoint, timeouts.connect).await.map_err(Failure::unconnected)?,
        };
        let sent = self.clock.monotonic();
        match head(&mut line, seat, request, timeouts).await {
            Ok(response) => Ok(Open { response, line, timeouts, sent }),
            Err((error, is_unsent)) => {
                let is_reset = was_kept && matches!(error, UpstreamError::Reset { .. });
                let next = match is_reset {
                    true if is_unsent => Next::Unsent,
                    true if self.clock.monotonic().saturating_sub(sent) <= GIVEN_UP_WITHIN => Next::Here,
                    _ => Next::GiveUp,
                };
                Err(Failure { error, next })
            }
        }
    }
}

impl Failure {
    /// No connection was made. For want of our own descriptors there would be none to another endpoint, either.
    fn unconnected(error: UpstreamError) -> Self {
        let next = if error.is_local() { Next::GiveUp } else { Next::Elsewhere };
        Self { error, next }
    }
}

/// An answer whose head has come.
pub(super) struct Open {
    pub(super) response: Response<Incoming>,
    pub(super) line: Line,
    pub(super) timeouts: Timeouts,
    /// When the request was handed to the connection.
    pub(super) sent: Duration,
}

#[derive(Clone, Copy)]
enum Freshness {
    /// A kept connection if there is one.
    Any,
    /// A new connection.
    New,
}

/// The response head, or why there is none and whether nothing of the request was sent.
async fn head(
    line: &mut Line,
    seat: &Seat,
    request: &Outgoing,
    timeouts: Timeouts,
) -> Result<Response<Incoming>, (UpstreamError, bool)> {
    let (limit, after) = timeouts.before_first_byte();
    match timeout(after, line.exchange(prepare(request, &seat.endpoint))).await {
        Ok(Ok(response)) => strict::checked(seat.name(), response).map_err(|error| (error, false)),
        Ok(Err(failed)) => Err((UpstreamError::classify(seat.name(), &failed.error), failed.is_unsent)),
        Err(_) => Err((UpstreamError::Timeout { endpoint: seat.name().to_owned(), limit, after }, false)),
    }
}

fn prepare(request: &Outgoing, endpoint: &Endpoint) -> Request<Full<Bytes>> {
    let mut prepared = Request::new(Full::new(request.body.clone()));
    *prepared.method_mut() = request.method.clone();
    *prepared.uri_mut() = request.path.clone().into();
    *prepared.headers_mut() = request.headers.clone();
    prepared.headers_mut().insert(HOST, endpoint.host().clone());
    if request.method == Method::GET {
        prepared.headers_mut().remove(CONTENT_LENGTH);
    } else {
        prepared.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    prepared
}
