//! The engines of one slot: who gets the next request, and which connections are warm.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::line::Line;
use super::{Endpoint, EndpointError, Outgoing, PoolOptions, Reply, Timeouts, UpstreamError, strict};
use crate::telemetry::Clock;

/// Idle connections kept per endpoint; more than this many at once were a burst, and are closed.
const IDLE_LINES_MAX: usize = 256;

/// Common engines close a silent connection after five seconds; an older one is likely to be stale.
const IDLE_AGE_MAX: Duration = Duration::from_secs(4);

/// Sends of one request, the first included: one stale connection and one refusing endpoint are bad luck,
/// more are an outage that the client should hear of.
const ATTEMPTS_MAX: usize = 3;

/// The engines of one slot.
#[derive(Debug)]
pub struct Pool {
    seats: Vec<Arc<Seat>>,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
}

/// One endpoint with its counters and its warm connections.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) endpoint: Endpoint,
    in_flight: AtomicU32,
    idle: Mutex<VecDeque<Line>>,
}

/// One request's place at an endpoint; leaving it is dropping it, on every path.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) seat: Arc<Seat>,
    /// Requests at the endpoint when this one came, itself included.
    pub(super) in_flight: u32,
}

impl Ticket {
    fn take(seat: &Arc<Seat>) -> Self {
        let in_flight = seat.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        Self { seat: Arc::clone(seat), in_flight }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.seat.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Seat {
    pub(super) fn name(&self) -> &str {
        self.endpoint.authority()
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, VecDeque<Line>> {
        // A panic between push and pop cannot leave half a connection behind.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The warmest connection that still works; those too old to trust are closed.
    fn checkout(&self, now: Duration) -> Option<Line> {
        loop {
            let mut line = self.lines().pop_back()?;
            if now.saturating_sub(line.idle_since) <= IDLE_AGE_MAX && line.is_reusable() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection for the next request, when it can carry one.
    pub(super) fn checkin(&self, mut line: Line, now: Duration) {
        if !line.is_reusable() {
            return;
        }
        line.idle_since = now;
        let mut lines = self.lines();
        if lines.len() < IDLE_LINES_MAX {
            lines.push_back(line);
        }
    }

    fn sweep(&self, now: Duration) {
        let mut lines = self.lines();
        while lines.front().is_some_and(|line| now.saturating_sub(line.idle_since) > IDLE_AGE_MAX) {
            lines.pop_front();
        }
    }
}

/// A failed send, and whether another one may follow.
struct Failure {
    error: UpstreamError,
    next: Next,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The engine may have begun to work: the client hears of it.
    GiveUp,
    /// A kept-alive connection turned out closed: the same endpoint on a new one.
    Fresh,
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
        let seat = |endpoint| {
            Arc::new(Seat { endpoint, in_flight: AtomicU32::new(0), idle: Mutex::new(VecDeque::new()) })
        };
        let seats = options.endpoints.into_iter().map(seat).collect();
        Ok(Self { seats, timeouts: options.timeouts, clock })
    }

    /// Sends one request to the least loaded endpoint and waits for the response head.
    ///
    /// # Errors
    /// Any [`UpstreamError`] before the response head; later ones come out of the reply's body.
    pub async fn send(&self, request: &Outgoing) -> Result<Reply, UpstreamError> {
        let mut refused = Vec::new();
        let mut ticket = self.least_loaded(&refused);
        let mut fresh = Freshness::Any;
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(ticket, fresh, request).await {
                Ok(reply) => return Ok(reply),
                Err((failure, at)) => match failure.next {
                    Next::Fresh => (ticket, fresh) = (at, Freshness::New),
                    Next::Elsewhere if refused.len() + 1 < self.seats.len() => {
                        refused.push(Arc::clone(&at.seat));
                        (ticket, fresh) = (self.least_loaded(&refused), Freshness::Any);
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
        let ticket = Ticket::take(&self.seats[index % self.seats.len()]);
        self.attempt(ticket, Freshness::New, request).await.map_err(|(failure, _)| failure.error)
    }

    /// Requests in flight over all endpoints, copies included.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.seats.iter().map(|seat| seat.in_flight.load(Ordering::Relaxed)).sum()
    }

    /// Every endpoint's `host:port` with its requests in flight.
    #[must_use]
    pub fn endpoints(&self) -> Vec<(&str, u32)> {
        self.seats.iter().map(|seat| (seat.name(), seat.in_flight.load(Ordering::Relaxed))).collect()
    }

    /// Closes connections that have been idle too long to be trusted; called now and then by the owner.
    pub fn sweep(&self) {
        let now = self.clock.monotonic();
        self.seats.iter().for_each(|seat| seat.sweep(now));
    }

    /// The endpoint with the fewest requests, the first of equals, leaving out those that refused.
    fn least_loaded(&self, refused: &[Arc<Seat>]) -> Ticket {
        let load = |seat: &&Arc<Seat>| seat.in_flight.load(Ordering::Relaxed);
        let open = |seat: &&Arc<Seat>| !refused.iter().any(|other| Arc::ptr_eq(seat, other));
        let seat = self.seats.iter().filter(open).min_by_key(load).unwrap_or(&self.seats[0]);
        Ticket::take(seat)
    }

    async fn attempt(
        &self,
        ticket: Ticket,
        fresh: Freshness,
        request: &Outgoing,
    ) -> Result<Reply, (Failure, Ticket)> {
        let timeouts = request.timeouts.unwrap_or(self.timeouts);
        let seat = Arc::clone(&ticket.seat);
        let kept = match fresh {
            Freshness::Any => seat.checkout(self.clock.monotonic()),
            Freshness::New => None,
        };
        let if_reset = if kept.is_some() { Next::Fresh } else { Next::GiveUp };
        let mut line = match kept {
            Some(line) => line,
            None => match Line::open(&seat.endpoint, timeouts.connect).await {
                Ok(line) => line,
                Err(error) => return Err((Failure { error, next: Next::Elsewhere }, ticket)),
            },
        };
        let sent = self.clock.monotonic();
        match head(&mut line, &seat, request, timeouts).await {
            Ok(response) => Ok(Reply::new(response, line, ticket, timeouts, sent, Arc::clone(&self.clock))),
            Err(error) => {
                let next = if matches!(error, UpstreamError::Reset { .. }) { if_reset } else { Next::GiveUp };
                Err((Failure { error, next }, ticket))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Freshness {
    /// A kept connection if there is one.
    Any,
    /// A new connection.
    New,
}

async fn head(
    line: &mut Line,
    seat: &Seat,
    request: &Outgoing,
    timeouts: Timeouts,
) -> Result<Response<Incoming>, UpstreamError> {
    let (limit, after) = timeouts.before_first_byte();
    match timeout(after, line.exchange(prepare(request, &seat.endpoint))).await {
        Ok(Ok(response)) => strict::checked(seat.name(), response),
        Ok(Err(error)) => Err(UpstreamError::classify(seat.name(), &error)),
        Err(_) => Err(UpstreamError::Timeout { endpoint: seat.name().to_owned(), limit, after }),
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
