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

/// An event grew past the parser's bound; nothing after it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {bytes_max} bytes")]
pub struct EventTooLarge {
    /// The bound.
    pub bytes_max: usize,
}

/// Turns pieces of a byte stream into events. However the bytes are cut, the events are the same.
#[derive(Debug)]
pub struct EventParser {
    bytes_max: usize,
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

/// A buffer that one event made larger than this is given back after it: streams are many, and last.
const BUFFER_KEPT_BYTES_MAX: usize = 64 << 10;

impl Default for EventParser {
    fn default() -> Self {
        Self::new()
    }
}

impl EventParser {
    /// Bytes that one event may hold. A chunk of a real answer holds some hundred; a server that
    /// never ends its line must not fill the memory.
    pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

    /// A parser at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self::within(Self::EVENT_BYTES_MAX)
    }

    /// A parser whose events may hold `bytes_max` bytes.
    #[must_use]
    pub const fn within(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            line: Vec::new(),
            data: Vec::new(),
            name: Vec::new(),
            past_first_line: false,
            after_cr: false,
            too_large: false,
        }
    }

    /// Whether an event was too large, and nothing is read any more.
    #[must_use]
    pub const fn gave_up(&self) -> bool {
        self.too_large
    }

    /// Gives back its memory, with what has begun and not ended.
    pub(super) fn forget(&mut self) {
        (self.line, self.data, self.name) = Default::default();
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
        if !self.too_large {
            return Ok(());
        }
        self.forget();
        Err(EventTooLarge { bytes_max: self.bytes_max })
    }

    fn fits(&self, more: usize) -> bool {
        self.line.len() + self.data.len() + self.name.len() + more <= self.bytes_max
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
            self.line = emptied(line);
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
        self.data = emptied(std::mem::take(&mut self.data));
        self.name = emptied(std::mem::take(&mut self.name));
    }
}

/// Keeps the allocation for the next one, unless it is large.
fn emptied(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    buffer.shrink_to(BUFFER_KEPT_BYTES_MAX);
    buffer
}

#[cfg(test)]
mod tests;
