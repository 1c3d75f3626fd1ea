//! Takes out of a stream the one event that the client did not ask for: the usage chunk.
//!
//! Used only where the proxy itself asked the engine for usage. Bytes go on as soon as the event that they
//! belong to is whole; engines send whole events, so nothing waits in practice.
//!
//! Whatever else the engine puts into that event goes with it: llama.cpp then moves its `timings` object there from
//! the last chunk, so that a client which wants the timings asks for usage itself.

use std::borrow::Cow;
use std::mem;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use memchr::{memchr2, memmem};
use serde_json::Value;

use crate::wire::EventParser;

/// Bytes of one unfinished event that are held back. A usage chunk has some hundred; whatever is larger is
/// none, and goes on at once.
const HELD_BYTES_MAX: usize = 64 << 10;

/// Searched for in every event: made once.
static USAGE_FIELD: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\"usage\""));

/// Where in the stream's lines the filter stands.
#[derive(Debug, Default)]
pub(super) struct UsageFilter {
    held: BytesMut,
    line: Line,
    after_cr: bool,
    /// The last whole event was taken out; a line feed that belongs to its end goes with it.
    dropped_last: bool,
    /// The present event is too large to be a usage chunk and is passing.
    is_passing: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Empty,
    Begun,
}

impl UsageFilter {
    /// Takes in a piece of the stream and gives out what can go on.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        let mut out = BytesMut::new();
        let (mut start, mut at, mut dropped_any) = (0, 0, false);
        let was_held = !self.held.is_empty();
        while let Some(text) = memchr2(b'\n', b'\r', &piece[at..]) {
            self.saw_text(text);
            let end = at + text;
            at = end + 1;
            if mem::take(&mut self.after_cr) && piece[end] == b'\n' {
                // The second half of a line end; after a whole event it goes where that event went, and at
                // once: some readers wait for it.
                if start == end && self.held.is_empty() {
                    out.extend_from_slice(if self.dropped_last { b"" } else { b"\n" });
                    dropped_any |= self.dropped_last;
                    start = at;
                }
                continue;
            }
            self.dropped_last = false;
            self.after_cr = piece[end] == b'\r';
            if mem::replace(&mut self.line, Line::Empty) == Line::Empty {
                dropped_any |= self.end_event(&piece[start..at], &mut out);
                start = at;
            }
        }
        self.saw_text(piece.len() - at);
        let rest = &piece[start..];
        if !was_held && !dropped_any && rest.is_empty() {
            return piece;
        }
        self.hold(rest, &mut out);
        out.freeze()
    }

    /// The stream ended; what is still held was no whole event.
    pub(super) fn finish(&mut self) -> Bytes {
        mem::take(&mut self.held).freeze()
    }

    /// So many bytes came that end no line.
    const fn saw_text(&mut self, bytes: usize) {
        if bytes > 0 {
            (self.line, self.after_cr, self.dropped_last) = (Line::Begun, false, false);
        }
    }

    /// Ends the present event and says whether it was taken out.
    fn end_event(&mut self, tail: &[u8], out: &mut BytesMut) -> bool {
        let held = mem::take(&mut self.held);
        let is_whole = !mem::take(&mut self.is_passing);
        self.dropped_last = is_whole && is_usage(&held, tail);
        if !self.dropped_last {
            out.extend_from_slice(&held);
            out.extend_from_slice(tail);
        }
        self.dropped_last
    }

    fn hold(&mut self, rest: &[u8], out: &mut BytesMut) {
        if self.is_passing || self.held.len() + rest.len() > HELD_BYTES_MAX {
            out.extend_from_slice(&mem::take(&mut self.held));
            out.extend_from_slice(rest);
            self.is_passing = !rest.is_empty() || self.is_passing;
        } else {
            self.held.extend_from_slice(rest);
        }
    }
}

/// Whether an event is a chunk without choices that carries usage. Most events are told apart without
/// being read as JSON.
fn is_usage(held: &[u8], tail: &[u8]) -> bool {
    let event = if held.is_empty() { Cow::Borrowed(tail) } else { Cow::Owned([held, tail].concat()) };
    USAGE_FIELD.find(&event).is_some() && reads_as_usage(&event)
}

fn reads_as_usage(event: &[u8]) -> bool {
    let mut is_usage = false;
    let read = EventParser::new().push(event, |event| {
        let chunk: Value = serde_json::from_slice(event.data).unwrap_or_default();
        is_usage = chunk["usage"].is_object() && chunk["choices"].as_array().is_some_and(Vec::is_empty);
    });
    read.is_ok() && is_usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = r#"data: {"choices":[{"delta":{"content":"usage \"usage\""}}],"usage":null}"#;
    const USAGE: &str = r#"data: {"choices":[],"usage":{"prompt_tokens":1}}"#;
    const FINISH_WITH_USAGE: &str =
        r#"data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#;

    fn run(pieces: &[&[u8]]) -> String {
        let mut filter = UsageFilter::default();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&filter.push(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&filter.finish());
        String::from_utf8(out).unwrap()
    }

    fn stream(end: &str, with_usage: bool) -> String {
        let usage = if with_usage { vec![USAGE] } else { vec![] };
        let lines: Vec<&str> = [": ping", TOKEN, FINISH_WITH_USAGE, "event: x\ndata: é"]
            .into_iter()
            .chain(usage)
            .chain(["data: [DONE]"])
            .collect();
        lines.iter().map(|line| format!("{}{end}{end}", line.replace('\n', end))).collect()
    }

    #[test]
    fn exactly_the_usage_chunk_is_taken_out_whatever_ends_a_line() {
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(run(&[stream(end, true).as_bytes()]), stream(end, false), "{end:?}");
        }
    }

    #[test]
    fn a_whole_piece_without_usage_goes_on_as_the_same_bytes() {
        let piece = Bytes::from(stream("\n", false));
        let passed = UsageFilter::default().push(piece.clone());
        assert_eq!(passed.as_ptr(), piece.as_ptr());
    }

    #[test]
    fn an_event_too_large_to_be_usage_goes_on_before_it_ends() {
        let mut filter = UsageFilter::default();
        let large = vec![b'x'; HELD_BYTES_MAX + 1];
        assert_eq!(filter.push(Bytes::from(large)).len(), HELD_BYTES_MAX + 1);
        assert_eq!(&filter.push(Bytes::from_static(b"\"usage\""))[..], b"\"usage\"");
        assert_eq!(&filter.push(Bytes::from_static(b"\n\ndata: 1"))[..], b"\n\n");
        assert_eq!(&filter.finish()[..], b"data: 1");
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let whole = stream(end, true);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len())).collect();
            at.extend([0, whole.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &whole.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(run(&pieces), stream(end, false));
        }

        #[test]
        fn any_other_bytes_go_on_untouched(bytes in "[a\r\n:{}\"]{0,60}", cut in any::<prop::sample::Index>()) {
            let (one, other) = bytes.as_bytes().split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(run(&[one, other]), bytes);
        }
    }
}
