//! The event-stream format of WHATWG HTML §9.2, read from bytes in whatever pieces they come.
//!
//! Two departures, both because the reader is an observer and not a browser: `id` and `retry` are
//! skipped, since nothing here reconnects; and data stays bytes, since whoever reads it decides what
//! invalid UTF-8 means (for a JSON reader: not JSON).

use memchr::memchr2;

/// One event: what stood between two blank lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty when there was none, which a browser would call `message`.
    pub name: &'a [u8],
    /// The `data` lines, joined by line feeds. Never absent: an event without data is none.
    pub data: &'a [u8],
}

/// An event grew past [`EventParser::EVENT_BYTES_MAX`]; nothing after it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {} bytes", EventParser::EVENT_BYTES_MAX)]
pub struct EventTooLarge;

/// Turns pieces of a byte stream into events. However the bytes are cut, the events are the same.
#[derive(Debug, Default)]
pub struct EventParser {
    /// The line that has begun and not ended.
    line: Vec<u8>,
    /// Data lines of the event that has begun, each with its line feed.
    data: Vec<u8>,
    name: Vec<u8>,
    past_first_line: bool,
    /// The last byte was CR, so that an LF that comes next belongs to it.
    after_cr: bool,
    too_large: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl EventParser {
    /// Bytes that one event may hold. A chunk of a real answer holds some hundred; a server that
    /// never ends its line must not fill the memory.
    pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next piece and calls `on_event` for every event that it ends.
    ///
    /// # Errors
    /// [`EventTooLarge`] once an event is too large, and from then on for every piece.
    pub fn push(&mut self, bytes: &[u8], mut on_event: impl FnMut(Event<'_>)) -> Result<(), EventTooLarge> {
        let mut rest = bytes;
        while !self.too_large && !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.too_large = !self.fits(rest.len());
                self.line.extend_from_slice(if self.too_large { &[] } else { rest });
                break;
            };
            self.after_cr = rest[end] == b'\r';
            self.end_line(&rest[..end], &mut on_event);
            rest = &rest[end + 1..];
        }
        if self.too_large { Err(EventTooLarge) } else { Ok(()) }
    }

    fn fits(&self, more: usize) -> bool {
        self.line.len() + self.data.len() + self.name.len() + more <= Self::EVENT_BYTES_MAX
    }

    fn end_line(&mut self, tail: &[u8], on_event: &mut impl FnMut(Event<'_>)) {
        if !self.fits(tail.len()) {
            self.too_large = true;
        } else if self.line.is_empty() {
            self.take_line(tail, on_event);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(tail);
            self.take_line(&line, on_event);
            line.clear();
            self.line = line; // keeps the allocation
        }
    }

    fn take_line(&mut self, mut line: &[u8], on_event: &mut impl FnMut(Event<'_>)) {
        if !std::mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(on_event);
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => value.clone_into(&mut self.name),
            _ => {} // a comment, `id`, `retry`, or a field that the format says to ignore
        }
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if let Some(data) = self.data.strip_suffix(b"\n") {
            on_event(Event { name: &self.name, data });
        }
        self.data.clear();
        self.name.clear();
    }
}

#[cfg(test)]
mod tests;
