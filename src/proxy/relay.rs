//! The answer's body on its way to the client: the engine's bytes, watched and not changed.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use tracing::debug;

use super::along::Along;
use super::counters::bump;
use super::flight::{Flight, end_of};
use super::handler::{InFlight, Shared};
use super::recorder::Recorder;
use super::usage_filter::UsageFilter;
use crate::upstream::{ReplyBody, UpstreamError};
use crate::wire::End;

/// A response body of the data port.
pub(super) enum RelayBody {
    /// Bytes that the proxy has.
    Whole(Option<Bytes>),
    /// Bytes that come from an engine.
    Live(Box<Live>),
    /// Bytes that come from an engine for another client, too.
    Along(Along),
}

impl RelayBody {
    pub(super) const fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }
}

/// An answer that is coming in.
pub(super) struct Live {
    pub(super) shared: Arc<Shared>,
    pub(super) body: ReplyBody,
    /// Watches answers that are evidence.
    pub(super) flight: Option<Flight>,
    /// Takes the usage chunk out again where the client did not ask for it.
    pub(super) filter: Option<UsageFilter>,
    pub(super) recorder: Option<Recorder>,
    pub(super) state: State,
    pub(super) _in_flight: InFlight,
}

/// Where a live body stands.
pub(super) enum State {
    Running,
    /// It broke, and what came before is handed to the server, which has yet to write it: an error reported
    /// now would make it throw that away.
    Flushing(UpstreamError),
    /// What came before is written, and the error is next.
    Breaking(UpstreamError),
    Ended,
}

impl Live {
    /// What ends when no other client waits for this answer any more; `None` when none does.
    fn awaited(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let runs = matches!(self.state, State::Running);
        let recorder = self.recorder.as_ref().filter(|recorder| runs && recorder.is_awaited())?;
        Some(recorder.keeping.feed.deserted())
    }

    /// A piece came; gives what goes on.
    fn pass(&mut self, piece: Bytes) -> Bytes {
        if let Some(flight) = &mut self.flight {
            flight.push(&piece);
        }
        if let Some(recorder) = &self.recorder {
            recorder.keep(&piece);
        }
        match &mut self.filter {
            Some(filter) => filter.push(piece),
            None => piece,
        }
    }

    /// The engine's part is whole; gives what was held back.
    pub(super) fn end(&mut self) -> Option<Bytes> {
        self.state = State::Ended;
        let rest = self.filter.as_mut().map(UsageFilter::finish).filter(|rest| !rest.is_empty());
        let ending = self.flight.as_mut().and_then(|flight| flight.finish(End::Clean));
        if let Some(recorder) = self.recorder.take() {
            recorder.end(&self.shared, ending);
        }
        rest
    }

    /// The engine broke off; gives what was held back.
    fn break_off(&mut self, error: UpstreamError) -> Option<Bytes> {
        debug!(reason = error.as_str(), "an answer broke off: {error}");
        bump(&self.shared.parts.counters.requests.broken);
        if let Some(flight) = &mut self.flight {
            flight.finish(end_of(&error));
        }
        self.recorder = None;
        self.state = State::Flushing(error);
        self.filter.as_mut().map(UsageFilter::finish).filter(|rest| !rest.is_empty())
    }

    /// Lets the server write before it hears of the error.
    fn flush(&mut self, error: UpstreamError, cx: &Context<'_>) {
        self.state = State::Breaking(error);
        cx.waker().wake_by_ref();
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match mem::replace(&mut self.state, State::Ended) {
            State::Running => self.state = State::Running,
            State::Flushing(error) => {
                self.flush(error, cx);
                return Poll::Pending;
            }
            State::Breaking(error) => return Poll::Ready(Some(Err(error))),
            State::Ended => return Poll::Ready(None),
        }
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(frame) = self.pass_frame(frame) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Poll::Ready(Some(Err(error))) => match self.break_off(error) {
                    Some(rest) => return Poll::Ready(Some(Ok(Frame::data(rest)))),
                    None => return self.poll_piece(cx),
                },
                Poll::Ready(None) => return Poll::Ready(self.end().map(Frame::data).map(Ok)),
            }
        }
    }

    /// What of a frame goes on; `None` when all of it is held back or taken out.
    fn pass_frame(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let piece = match frame.into_data() {
            Ok(piece) => self.pass(piece),
            Err(trailers) => return Some(trailers),
        };
        // A body of known length is not asked again after its last byte: its end is here.
        if self.filter.is_none() && self.body.is_end_stream() {
            self.end();
        }
        (!piece.is_empty()).then(|| Frame::data(piece))
    }
}

/// The client is gone. Where others wait for the same answer it is read on for them, within the engine's limits and as long
/// as one of them waits.
impl Drop for RelayBody {
    fn drop(&mut self) {
        let Self::Live(live) = self else { return };
        let Some(deserted) = live.awaited() else { return };
        let shared = Arc::clone(&live.shared);
        let (cut, mut rest) = (shared.cut.clone(), mem::replace(self, Self::Whole(None)));
        let read = async move {
            let all = async { while let Some(Ok(_)) = rest.frame().await {} };
            tokio::select! {
                () = all => {}
                () = deserted => {}
                () = cut.cancelled() => {}
            }
        };
        shared.tracker.spawn_on(read, &shared.runtime);
    }
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(Frame::data).map(Ok)),
            Self::Live(live) => live.poll_piece(cx),
            Self::Along(along) => along.poll_piece(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Live(live) => matches!(live.state, State::Ended),
            Self::Along(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Live(live) if live.filter.is_some() => SizeHint::default(),
            Self::Live(live) => live.body.size_hint(),
            Self::Along(_) => SizeHint::default(),
        }
    }
}
