//! A streamed answer: one timer, no task, acted out as the connection asks for more.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::engine::InFlight;
use super::metrics::add;
use super::script::{Ending, Plan};
use super::writer::Writer;

/// The body of a response.
#[derive(Debug)]
pub(super) enum EngineBody {
    /// One piece; `None` once it was taken.
    Whole(Option<Bytes>),
    Stream(Box<StreamBody>),
}

/// What a [`StreamBody`] is made of.
#[derive(Debug)]
pub(super) struct StreamBody {
    in_flight: InFlight,
    writer: Writer,
    plan: Plan,
    sent: usize,
    state: State,
    /// When the next step is due; `None` when nothing has to be waited for.
    due: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Silent,
    /// What was written must leave before the connection breaks.
    Breaking,
    Broken,
    Over,
}

impl StreamBody {
    pub(super) fn new(in_flight: InFlight, writer: Writer, plan: Plan) -> Self {
        let prefill = plan.pace.prefill(plan.prompt_tokens - plan.cached_tokens);
        in_flight.engine.metrics.first_token.observe(prefill);
        let mut body = Self { in_flight, writer, plan, sent: 0, state: State::Running, due: None };
        body.wait(prefill);
        body
    }

    /// Waits from when the last step was due, so that late timers do not add up.
    fn wait(&mut self, time: Duration) {
        if time.is_zero() {
            return;
        }
        match &mut self.due {
            Some(due) => {
                let next = due.deadline() + time;
                due.as_mut().reset(next);
            }
            None => self.due = Some(Box::pin(sleep(time))),
        }
    }

    /// Writes what is due now and says how long to wait for the next step.
    fn step(&mut self, out: &mut Vec<u8>) -> Duration {
        if self.sent == 0 && self.plan.tokens > 0 {
            self.writer.begin(&self.plan, out);
        }
        let timing = &self.in_flight.engine.options.timing;
        let count = timing.tokens_per_chunk.max(1).min(self.plan.tokens - self.sent);
        if count > 0 {
            self.send_tokens(count, out);
        }
        if self.sent < self.plan.tokens {
            let metrics = &self.in_flight.engine.metrics;
            let gap = self.plan.pace.gap(count, self.in_flight.engine.in_flight());
            metrics.inter_token.observe(gap);
            return gap;
        }
        self.end(out);
        Duration::ZERO
    }

    fn send_tokens(&mut self, count: usize, out: &mut Vec<u8>) {
        let ends = &self.plan.reply.ends;
        let start = self.sent.checked_sub(1).map_or(0, |last| ends[last]);
        self.sent += count;
        self.writer.text(&self.plan, &self.plan.reply.text[start..ends[self.sent - 1]], out);
        add(&self.in_flight.engine.metrics.generation_tokens, count);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.state = match self.plan.ending {
            Ending::Silence => State::Silent,
            Ending::Reset => State::Breaking,
            _ => State::Over,
        };
        self.writer.end(&self.plan, out);
        if matches!(self.plan.ending, Ending::Stop | Ending::Length) {
            add(&self.in_flight.engine.metrics.finished, 1);
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let mut out = Vec::new();
        while out.is_empty() {
            match self.state {
                State::Over => return Poll::Ready(None),
                State::Silent => return Poll::Pending, // the connection sees by itself when its client leaves
                State::Breaking => {
                    self.state = State::Broken;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Broken => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
                State::Running => {}
            }
            if let Some(due) = &mut self.due {
                ready!(due.as_mut().poll(context));
            }
            self.run_until_wait(&mut out);
        }
        Poll::Ready(Some(Ok(out.into())))
    }

    fn run_until_wait(&mut self, out: &mut Vec<u8>) {
        while self.state == State::Running {
            let gap = self.step(out);
            if !gap.is_zero() {
                return self.wait(gap);
            }
        }
    }
}

impl Body for EngineBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => {
                stream.poll_piece(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
