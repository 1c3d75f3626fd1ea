//! One endpoint of a pool: its load, its warm connections, its health.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use super::health::Health;
use super::line::Line;
use super::{Endpoint, Identity, Limit, UpstreamError, Weight};

/// Idle connections kept per endpoint; more than this many at once were a burst, and are closed.
const IDLE_LINES_MAX: usize = 256;

/// Common engines close a silent connection after five seconds; an older one is likely to be stale.
pub const IDLE_AGE_MAX: Duration = Duration::from_secs(4);

/// One endpoint with its counters and its warm connections.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) endpoint: Endpoint,
    in_flight: AtomicU32,
    idle: Mutex<VecDeque<Line>>,
    health: Mutex<Health>,
    pub(super) identity: Arc<Identity>,
}

/// An endpoint as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointState<'a> {
    /// `host:port`.
    pub name: &'a str,
    /// Requests in flight, copies included.
    pub in_flight: u32,
    /// Requests that it failed: not reached, silent, broken off, or answered with a 5xx.
    pub failures: u64,
    /// Times that it was passed over for failing.
    pub ejections: u64,
    /// Times that it answered after a failure: it may be another process since.
    pub returns: u64,
    /// Whether it is passed over now.
    pub is_ejected: bool,
    /// Whether it was passed over, and is to be asked what it is before it gets requests again.
    pub may_be_another: bool,
    /// Whether what it says counts for nothing until it was asked what it is.
    pub is_unconfirmed: bool,
    /// Whether it is known not to be what its release was locked to.
    pub has_drifted: bool,
    /// Times that it was found not to be.
    pub doubts: u64,
}

/// One request's place at an endpoint; leaving it is dropping it, on every path.
#[derive(Debug)]
pub(super) struct Ticket {
    seats: Arc<[Seat]>,
    at: usize,
    weight: Weight,
    /// Requests at the endpoint when this one came, itself included.
    pub(super) in_flight: u32,
}

impl Ticket {
    pub(super) fn take(seats: &Arc<[Seat]>, at: usize, weight: Weight) -> Self {
        let in_flight = seats[at].in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        Self { seats: Arc::clone(seats), at, weight, in_flight }
    }

    pub(super) fn seat(&self) -> &Seat {
        &self.seats[self.at]
    }

    pub(super) const fn index(&self) -> usize {
        self.at
    }

    /// The answer came whole.
    pub(super) fn succeeded(&self, now: Duration) {
        let seat = self.seat();
        let back = (self.weight == Weight::Counts).then(|| seat.health().succeeded(now)).flatten();
        if let Some(failures) = back {
            info!(endpoint = seat.name(), failures, "an engine answers again");
        }
    }

    /// No answer came, or not all of it.
    pub(super) fn failed(&self, error: &UpstreamError, now: Duration) {
        if matches!(error, UpstreamError::Connect { .. }) {
            self.seat().identity.is_away();
        }
        // A limit on the whole answer says how much was asked for, and not how the engine is.
        let is_theirs =
            !matches!(error, UpstreamError::Timeout { limit: Limit::Total, .. }) && !error.is_local();
        if is_theirs {
            self.fault(error, now);
        }
    }

    /// Counts a failure, and passes the endpoint over when it is one too many and another one can take its place.
    pub(super) fn fault(&self, what: impl fmt::Display, now: Duration) {
        if self.weight == Weight::None {
            return;
        }
        let seat = self.seat();
        if seat.health().failed(now) {
            warn!(endpoint = seat.name(), "an engine fails, further failures are only counted: {what}");
        }
        let others = self.seats.iter().enumerate().filter(|(at, _)| *at != self.at);
        let one_stays = others.into_iter().any(|(_, other)| other.stays(now));
        let mut health = seat.health();
        if one_stays && health.is_suspect(now) {
            let length = health.eject(now);
            seat.identity.leave();
            info!(endpoint = seat.name(), ?length, "an engine is passed over");
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.seat().in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Seat {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        let identity = Arc::new(Identity::of(endpoint.authority()));
        let in_flight = AtomicU32::new(0);
        Self { endpoint, in_flight, idle: Mutex::default(), health: Mutex::default(), identity }
    }

    pub(super) fn name(&self) -> &str {
        self.endpoint.authority()
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it is not passed over, and needs not be asked what it is.
    fn stays(&self, now: Duration) -> bool {
        !self.identity.may_be_another() && !self.health().is_ejected(now)
    }

    pub(super) fn takes(&self, now: Duration) -> bool {
        let is_known = !self.identity.has_drifted() && !self.identity.may_be_another();
        is_known && self.health().takes(now, self.in_flight())
    }

    pub(super) fn state(&self, now: Duration) -> EndpointState<'_> {
        let health = self.health();
        EndpointState {
            name: self.name(),
            in_flight: self.in_flight(),
            failures: health.failures,
            ejections: health.ejections,
            returns: health.returns,
            is_ejected: health.is_ejected(now),
            may_be_another: self.identity.may_be_another(),
            is_unconfirmed: self.identity.is_unconfirmed(),
            has_drifted: self.identity.has_drifted(),
            doubts: self.identity.doubts(),
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        // Its numbers are whole after every statement.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Line>> {
        // A panic between push and pop cannot leave half a connection behind.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The warmest connection that still works; those too old to trust are closed.
    pub(super) fn checkout(&self, now: Duration) -> Option<Line> {
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

    pub(super) fn sweep(&self, now: Duration) {
        let mut lines = self.lines();
        while lines.front().is_some_and(|line| now.saturating_sub(line.idle_since) > IDLE_AGE_MAX) {
            lines.pop_front();
        }
    }
}
