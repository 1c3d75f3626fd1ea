//! One engine's answer while it comes in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::line::Line;
use super::pool::Open;
use super::seat::Ticket;
use super::{Identity, Limit, Timeouts, UpstreamError};
use crate::telemetry::Clock;

/// The head of an answer, and its body to read.
#[derive(Debug)]
pub struct Reply {
    /// The engine's status.
    pub status: StatusCode,
    /// The engine's headers, as they came.
    pub headers: HeaderMap,
    /// The bytes, as they come.
    pub body: ReplyBody,
    /// Requests this process had at that endpoint when this one was sent, itself included.
    pub in_flight: u32,
    /// Who answers, as far as anyone knows.
    pub identity: Arc<Identity>,
    /// When the request was handed to a standing connection, on the pool's monotonic clock.
    pub sent: Duration,
}

/// The body of an answer. Dropping it before its end closes the connection at once.
#[derive(Debug)]
pub struct ReplyBody {
    incoming: Incoming,
    /// Given back to the pool at the body's end; dropped, and so closed, on any other way out.
    line: Option<Line>,
    ticket: Option<Ticket>,
    /// Its head was a failure already, and its body is none or no other.
    is_counted: bool,
    watch: Watch,
    clock: Arc<dyn Clock>,
}

impl Reply {
    pub(super) fn new(open: Open, ticket: Ticket, clock: Arc<dyn Clock>) -> Self {
        let Open { response, line, timeouts, sent } = open;
        let (Parts { status, headers, .. }, incoming) = response.into_parts();
        let (in_flight, now) = (ticket.in_flight, clock.monotonic());
        let identity = Arc::clone(&ticket.seat().identity);
        let is_counted = status.is_server_error();
        if is_counted {
            ticket.fault(format_args!("status {}", status.as_u16()), now);
        }
        let watch = Watch::new(timeouts, sent, now);
        let (line, ticket) = (Some(line), Some(ticket));
        let mut body = ReplyBody { incoming, line, ticket, is_counted, watch, clock };
        if body.incoming.is_end_stream() {
            body.settle();
        }
        Self { status, headers, body, in_flight, identity, sent }
    }

    /// Reads the whole body, up to `bytes_max`.
    ///
    /// # Errors
    /// [`UpstreamError::TooLarge`] beyond the bound, and whatever ends the body early.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Bytes, UpstreamError> {
        let mut whole = BytesMut::new();
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if whole.len() + data.len() > bytes_max {
                return Err(UpstreamError::TooLarge { endpoint: self.body.name(), bytes_max });
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }
}

impl ReplyBody {
    fn name(&self) -> String {
        self.ticket.as_ref().map(|ticket| ticket.seat().name().to_owned()).unwrap_or_default()
    }

    /// The body is whole: the place at the endpoint is free, the connection carries the next request.
    fn settle(&mut self) {
        if let (Some(line), Some(ticket)) = (self.line.take(), self.ticket.take()) {
            let now = self.clock.monotonic();
            if !self.is_counted {
                ticket.succeeded(now);
            }
            ticket.seat().checkin(line, now);
        }
    }

    /// The body will never be whole: closes the connection before anyone else learns of it.
    fn give_up(&mut self, error: UpstreamError) -> UpstreamError {
        self.line = None;
        if let Some(ticket) = self.ticket.take().filter(|_| !self.is_counted) {
            ticket.failed(&error, self.clock.monotonic());
        }
        error
    }

    fn received(
        &mut self,
        item: Option<Result<Frame<Bytes>, hyper::Error>>,
    ) -> Option<Result<Frame<Bytes>, UpstreamError>> {
        match item {
            Some(Ok(frame)) => {
                self.watch.saw(self.clock.monotonic());
                if self.incoming.is_end_stream() {
                    self.settle();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                let error = UpstreamError::classify(&self.name(), &error);
                Some(Err(self.give_up(error)))
            }
            None => {
                self.settle();
                None
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let this = &mut *self;
        // Asking the body first tells the connection that there is room for more.
        for turn in 0..2 {
            if let Poll::Ready(item) = Pin::new(&mut this.incoming).poll_frame(cx) {
                return Poll::Ready(this.received(item));
            }
            match &mut this.line {
                Some(line) if turn == 0 => line.drive(cx),
                Some(_) => {}
                // Failed before: the error has been reported.
                None => return Poll::Ready(None),
            }
        }
        match this.watch.poll_expired(cx, this.clock.as_ref()) {
            Poll::Ready((limit, after)) => {
                let error = UpstreamError::Timeout { endpoint: this.name(), limit, after };
                Poll::Ready(Some(Err(this.give_up(error))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Watches for silence. One timer a reply, re-armed only when it fires, so that a frame costs one clock
/// reading and no work in the timer wheel.
#[derive(Debug)]
struct Watch {
    timeouts: Timeouts,
    sent: Duration,
    last: Duration,
    seen: u64,
    seen_when_armed: u64,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    fn new(timeouts: Timeouts, sent: Duration, now: Duration) -> Self {
        let spent = now.saturating_sub(sent);
        let first = timeouts.before_first_byte().1.saturating_sub(spent);
        Self { timeouts, sent, last: now, seen: 0, seen_when_armed: 0, timer: Box::pin(sleep(first)) }
    }

    fn saw(&mut self, now: Duration) {
        self.last = now;
        self.seen += 1;
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>, clock: &dyn Clock) -> Poll<(Limit, Duration)> {
        if self.seen > 0 && self.seen_when_armed == 0 {
            // The first byte came: from here on the shorter limit counts, at once.
            self.arm(clock.monotonic());
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.seen == 0 {
                return Poll::Ready(self.timeouts.before_first_byte());
            }
            let now = clock.monotonic();
            if let Some(total) = self.timeouts.total.filter(|total| now.saturating_sub(self.sent) >= *total) {
                return Poll::Ready((Limit::Total, total));
            }
            if self.seen == self.seen_when_armed && now.saturating_sub(self.last) >= self.timeouts.idle {
                return Poll::Ready((Limit::Idle, self.timeouts.idle));
            }
            self.arm(now);
        }
        Poll::Pending
    }

    fn arm(&mut self, now: Duration) {
        let idle = self.timeouts.idle.saturating_sub(now.saturating_sub(self.last));
        let total = self.timeouts.total.map(|total| total.saturating_sub(now.saturating_sub(self.sent)));
        self.seen_when_armed = self.seen;
        self.timer.set(sleep(idle.min(total.unwrap_or(Duration::MAX))));
    }
}
