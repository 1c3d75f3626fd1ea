//! Watches a streamed answer go by and says how it ended, and when what was seen.
//!
//! Decided here, because the recorded streams of real servers leave no other choice:
//! - Complete means a `finish_reason` *and* an event whose data is exactly `[DONE]`; either alone is an
//!   answer that broke. A `finish_reason` of `""` or `null` is none. An answer of items has one last event instead,
//!   which is both; see `items.rs`.
//! - An error object decides, whatever follows it: vLLM sends `[DONE]` after it.
//! - Once `[DONE]` came, nothing later matters: the official clients have stopped reading.
//! - A chunk that is not JSON ends the reading, since the official clients raise an exception there.
//!   A chunk that is JSON of another shape is skipped: clients skip what they do not know.
//! - An event past the parser's bound ends the reading as well; both leave the answer truncated.

use super::alike::Alike;
use super::chunk::Chunk;
use super::items::ItemEvent;
use super::reading::{Finished, Reading, cut_short};
use super::{Answer, Event, EventParser, Form};
use crate::domain::{Clocks, Missing, Outcome};

/// How the bytes of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The body ended as HTTP says it should.
    Clean,
    /// The connection failed, or the body's framing broke.
    Broken,
    /// Nothing came for longer than a time-out allows.
    Stalled,
    /// The client left, and so the request was cancelled.
    ClientGone,
}

/// Reads the pieces of one streamed answer. Times are milliseconds on the clock of [`Clocks`].
#[derive(Debug)]
pub struct StreamObserver {
    parser: EventParser,
    reading: Progress,
}

#[derive(Debug)]
struct Progress {
    form: Form,
    clocks: Clocks,
    reading: Reading,
    alike: Alike,
    token_chunks: u32,
    /// `[DONE]` came, or the last event of an answer of items.
    terminated: bool,
    /// Why reading stopped before the stream did.
    gave_up: Option<String>,
}

impl StreamObserver {
    /// An observer of a request for choices that was sent at `sent_ms`.
    #[must_use]
    pub fn new(sent_ms: f64) -> Self {
        let clocks = Clocks { sent_ms, ..Clocks::default() };
        Self::resume(Form::Choices, clocks, EventParser::EVENT_BYTES_MAX)
    }

    /// An observer of a body whose head was already seen; an event of it may hold `event_bytes_max` bytes.
    pub(super) fn resume(form: Form, clocks: Clocks, event_bytes_max: usize) -> Self {
        let reading = Progress {
            form,
            clocks,
            reading: Reading::default(),
            alike: Alike::default(),
            token_chunks: 0,
            terminated: false,
            gave_up: None,
        };
        Self { parser: EventParser::within(event_bytes_max), reading }
    }

    /// The response head arrived.
    pub fn headers(&mut self, at_ms: f64) {
        self.reading.clocks.headers_ms.get_or_insert(at_ms);
    }

    /// The next piece of the body arrived. Costs nothing more once the end was seen.
    pub fn push(&mut self, bytes: &[u8], at_ms: f64) {
        let progress = &mut self.reading;
        if bytes.is_empty() || progress.is_over() {
            return;
        }
        progress.clocks.first_byte_ms.get_or_insert(at_ms);
        if let Err(error) = self.parser.push(bytes, |event| progress.take(event, at_ms)) {
            progress.gave_up.get_or_insert_with(|| error.to_string());
        }
        if progress.is_over() {
            self.parser.forget();
        }
    }

    /// Whether an event was larger than is read.
    #[must_use]
    pub(super) const fn is_too_large(&self) -> bool {
        self.parser.gave_up()
    }

    /// Whether the last event came: the reader has all it waits for, however the connection ends.
    #[must_use]
    pub const fn is_terminated(&self) -> bool {
        self.reading.terminated
    }

    /// The bytes ended. An end before any response head is a failed connection: `errored(502)`.
    #[must_use]
    pub fn finish(self, end: End, at_ms: f64) -> Answer {
        let outcome = self.reading.outcome(end);
        let Progress { mut clocks, reading, token_chunks, gave_up, .. } = self.reading;
        clocks.end_ms = at_ms;
        Answer {
            outcome,
            clocks,
            tool_calls: reading.tool_calls(),
            text: reading.text,
            usage: reading.usage,
            fingerprint: reading.fingerprint,
            token_chunks,
            error: reading.error.map(|(_, message)| message).or(gave_up),
        }
    }
}

impl Progress {
    const fn is_over(&self) -> bool {
        self.terminated || self.gave_up.is_some()
    }

    fn take(&mut self, event: Event<'_>, at_ms: f64) {
        if self.is_over() {
            return;
        }
        self.clocks.first_event_ms.get_or_insert(at_ms);
        if event.data == b"[DONE]" {
            self.terminated = true;
            return;
        }
        // Text is checked once for the whole: the reader then checks no string by itself.
        let read = match std::str::from_utf8(event.data) {
            Ok(data) if self.form == Form::Choices => self.take_chunk(data),
            Ok(data) => self.take_item_event(event.name, data),
            Err(error) => return self.give_up(&error),
        };
        match read {
            Ok(true) => self.take_token(at_ms),
            Ok(false) => {}
            Err(error) if error.is_data() => {}
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&mut self, error: &dyn std::error::Error) {
        self.gave_up = Some(cut_short(&format!("a chunk is not JSON: {error}")));
    }

    /// Reads a chunk of choices; whether it carries a token.
    fn take_chunk(&mut self, data: &str) -> serde_json::Result<bool> {
        if let Some(text) = self.alike.text(data) {
            self.reading.push_text(text);
            return Ok(true);
        }
        let chunk: Chunk<'_> = serde_json::from_str(data)?;
        if chunk.is_bare_error() {
            self.reading.fail(data);
            return Ok(false);
        }
        self.alike.remember(data, &chunk);
        Ok(self.reading.take(&chunk))
    }

    /// Reads an event of an answer of items; whether it carries a token.
    fn take_item_event(&mut self, name: &[u8], data: &str) -> serde_json::Result<bool> {
        let event: ItemEvent<'_> = serde_json::from_str(data)?;
        if event.is_error(name) {
            self.reading.fail(event.error_in(data));
            return Ok(false);
        }
        self.terminated = event.is_last();
        Ok(self.reading.take_item_event(&event))
    }

    fn take_token(&mut self, at_ms: f64) {
        self.token_chunks = self.token_chunks.saturating_add(1);
        self.clocks.first_token_ms.get_or_insert(at_ms);
        self.clocks.last_token_ms = Some(at_ms);
    }

    fn outcome(&self, end: End) -> Outcome {
        match (&self.reading.error, self.reading.finished) {
            (Some((code, _)), _) => Outcome::Errored(*code),
            (None, Some(Finished::Errored)) => Outcome::Errored(500),
            (None, Some(Finished::Aborted)) => Outcome::Aborted,
            (None, Some(Finished::As(finish))) if self.terminated => Outcome::Complete(finish),
            (None, None) if self.is_over() => Outcome::Truncated(Missing::Finish),
            (None, Some(_)) if self.is_over() => Outcome::Truncated(Missing::Terminator),
            (None, finished) => self.unfinished(finished.is_some(), end),
        }
    }

    const fn unfinished(&self, finished: bool, end: End) -> Outcome {
        match end {
            End::Stalled => Outcome::Stalled,
            End::ClientGone => Outcome::ClientGone,
            End::Clean | End::Broken if self.clocks.headers_ms.is_none() => Outcome::Errored(502),
            End::Clean | End::Broken if finished => Outcome::Truncated(Missing::Terminator),
            End::Clean | End::Broken => Outcome::Truncated(Missing::Finish),
        }
    }
}

#[cfg(test)]
mod tests;
