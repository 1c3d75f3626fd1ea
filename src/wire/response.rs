//! One observer for whatever comes back: a stream, or one body although a stream was asked for.

use super::json_answer::read_body;
use super::{Answer, End, Form, StreamObserver};
use crate::domain::{Clocks, Missing, Outcome};

/// Watches one response from its head to its end. What the answer is, its head decides, not the request.
#[derive(Debug)]
pub struct ResponseObserver {
    form: Form,
    clocks: Clocks,
    bytes_max: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// No head yet.
    Awaited,
    Stream(Box<StreamObserver>),
    Body {
        status: u16,
        /// `None` once it grew too large.
        bytes: Option<Vec<u8>>,
    },
}

impl ResponseObserver {
    /// Bytes of an unstreamed body that are kept for reading. A longer one is not read: its outcome is
    /// truncated, and the text says why.
    pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

    /// An observer of a request for choices that was sent at `sent_ms`.
    #[must_use]
    pub fn new(sent_ms: f64) -> Self {
        Self::within(Self::BODY_BYTES_MAX, sent_ms)
    }

    /// One that holds at most about `bytes_max` bytes of an event or of an unstreamed body.
    #[must_use]
    pub fn within(bytes_max: usize, sent_ms: f64) -> Self {
        let clocks = Clocks { sent_ms, ..Clocks::default() };
        Self { form: Form::Choices, clocks, bytes_max, kind: Kind::Awaited }
    }

    /// The same for an answer that is written in `form`.
    #[must_use]
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// The response head arrived. A 2xx of type `text/event-stream` is a stream; anything else is a body.
    pub fn headers(&mut self, status: u16, content_type: Option<&str>, at_ms: f64) {
        self.clocks.headers_ms = Some(at_ms);
        self.kind = if (200..300).contains(&status) && is_event_stream(content_type) {
            Kind::Stream(Box::new(StreamObserver::resume(self.form, self.clocks, self.bytes_max)))
        } else {
            Kind::Body { status, bytes: Some(Vec::new()) }
        };
    }

    /// The next piece of the body arrived.
    pub fn push(&mut self, piece: &[u8], at_ms: f64) {
        match &mut self.kind {
            Kind::Stream(stream) => stream.push(piece, at_ms),
            Kind::Body { bytes, .. } if !piece.is_empty() => {
                self.clocks.first_byte_ms.get_or_insert(at_ms);
                let fits = |kept: &Vec<u8>| kept.len() + piece.len() <= self.bytes_max;
                *bytes = bytes.take().filter(fits);
                bytes.iter_mut().for_each(|kept| kept.extend_from_slice(piece));
            }
            Kind::Awaited | Kind::Body { .. } => {}
        }
    }

    /// Whether an event or the body is larger than is read.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        match &self.kind {
            Kind::Stream(stream) => stream.is_too_large(),
            Kind::Body { bytes, .. } => bytes.is_none(),
            Kind::Awaited => false,
        }
    }

    /// Whether the answer came as an event stream. `false` before the head.
    #[must_use]
    pub const fn is_streamed(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    /// Whether a stream's last event came: the reader has all it waits for.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        matches!(&self.kind, Kind::Stream(stream) if stream.is_terminated())
    }

    /// The response ended; without a head, a clean or broken end is `errored(502)`.
    #[must_use]
    pub fn finish(self, end: End, at_ms: f64) -> Answer {
        let clocks = Clocks { end_ms: at_ms, ..self.clocks };
        match self.kind {
            Kind::Awaited => StreamObserver::resume(self.form, clocks, self.bytes_max).finish(end, at_ms),
            Kind::Stream(stream) => stream.finish(end, at_ms),
            Kind::Body { status, bytes: Some(bytes) } => read_body(self.form, status, &bytes, end, clocks),
            Kind::Body { status, .. } => {
                too_large(self.bytes_max, read_body(self.form, status, b"", End::Broken, clocks))
            }
        }
    }
}

fn too_large(bytes_max: usize, answer: Answer) -> Answer {
    let error = Some(format!("the body is larger than {bytes_max} bytes and was not read"));
    match answer.outcome {
        Outcome::Errored(_) => Answer { error, ..answer },
        _ => Answer { outcome: Outcome::Truncated(Missing::Terminator), error, ..answer },
    }
}

fn is_event_stream(content_type: Option<&str>) -> bool {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/event-stream")
}

#[cfg(test)]
mod tests;
