//! Follows the requests on a connection, before the HTTP server reads them, and stops at what two readers could read
//! differently.
//!
//! The server settles some of that silently: it forgets a length beside chunks and the same length a second time, and reads
//! over what stands behind a chunk's size. A reader before it or behind it may settle it otherwise, and then a body to one is a
//! request to the other (RFC 9112 §6.3, §7.1.1, §11.2). Nothing of such a head reaches the server, and of such a body nothing
//! from the fault on.
//!
//! The parser is the server's own, so that both see the same heads. Bodies are counted, not copied; only a head that comes in
//! pieces is held, until it is whole. What the parser refuses is left to the server, which answers it, and nothing behind it goes on.

use std::mem::{self, MaybeUninit};

use httparse::{Header, Request, Status};
use memchr::{memchr, memchr_iter, memchr2};

/// Bytes of a head that comes in pieces. The server gives up before.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// Header lines that are read; the server reads no more.
const HEADERS_MAX: usize = 256;
/// The line of a chunk's size: sixteen digits and its end.
const SIZE_LINE_MAX: usize = 18;

/// Where a connection stands.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    fault: Option<Fault>,
}

/// What was refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A head, of which nothing went on.
    Head(&'static str),
    /// The chunks of a request that went on.
    Body,
}

#[derive(Debug)]
enum State {
    /// Before a head or in it, with what came of it in earlier pieces.
    Head(Vec<u8>),
    /// In a body that has so many bytes left.
    Body(u64),
    /// In the line of a chunk's size.
    Size(SizeLine),
    /// In a chunk that has so many bytes left.
    Chunk(u64),
    /// Behind a chunk.
    ChunkEnd(LineEnd),
    /// Behind the last chunk.
    Trailers(Trailers),
    /// Behind what the server will refuse.
    Lost,
}

/// What came of a chunk's size so far.
#[derive(Clone, Copy, Debug, Default)]
struct SizeLine {
    bytes: [u8; SIZE_LINE_MAX],
    len: usize,
}

/// How much of a line's end has come.
#[derive(Clone, Copy, Debug)]
enum LineEnd {
    Nothing,
    Cr,
}

#[derive(Clone, Copy, Debug)]
enum Trailers {
    LineStart,
    Line,
    LineCr,
    LastCr,
}

/// What a head says of what follows, or what is wrong with it.
enum Follows {
    State(State),
    Fault(&'static str),
}

impl Default for Framing {
    fn default() -> Self {
        Self { state: State::Head(Vec::new()), fault: None }
    }
}

impl Framing {
    /// Follows the next bytes; gives how many of them may go on: all, or those before a fault.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() && self.fault.is_none() {
            passed += self.step(&bytes[passed..]);
        }
        passed
    }

    /// What was refused; nothing goes on after it.
    pub(super) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Takes at least one byte, or finds a fault.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match mem::replace(&mut self.state, State::Lost) {
            State::Head(held) => self.head(held, bytes),
            State::Body(left) => {
                let (taken, left) = count(left, bytes);
                self.state = if left == 0 { State::Head(Vec::new()) } else { State::Body(left) };
                taken
            }
            State::Size(line) => self.size(line, bytes),
            State::Chunk(left) => {
                let (taken, left) = count(left, bytes);
                self.state = if left == 0 { State::ChunkEnd(LineEnd::Nothing) } else { State::Chunk(left) };
                taken
            }
            State::ChunkEnd(end) => self.byte(match (end, bytes[0]) {
                (LineEnd::Nothing, b'\r') => Some(State::ChunkEnd(LineEnd::Cr)),
                (LineEnd::Cr, b'\n') => Some(State::Size(SizeLine::default())),
                _ => None,
            }),
            State::Trailers(Trailers::Line) => {
                let end = memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
                self.state = State::Trailers(Trailers::Line);
                if end > 0 { end } else { self.byte(trailer(Trailers::Line, bytes[0])) }
            }
            State::Trailers(at) => self.byte(trailer(at, bytes[0])),
            State::Lost => self.refuse(Fault::Head("what is before it cannot be read")),
        }
    }

    fn head(&mut self, mut held: Vec<u8>, bytes: &[u8]) -> usize {
        if held.is_empty() && matches!(bytes[0], b'\r' | b'\n') {
            // The server reads over empty lines before a request, too.
            self.state = State::Head(held);
            return 1;
        }
        let Some(end) = end_of_head(&held, bytes) else {
            held.extend_from_slice(bytes);
            self.state = if held.len() > HEAD_BYTES_MAX { State::Lost } else { State::Head(held) };
            return bytes.len();
        };
        let follows = if held.is_empty() {
            follows(&bytes[..end])
        } else {
            held.extend_from_slice(&bytes[..end]);
            follows(&held)
        };
        match follows {
            Follows::State(state) => {
                self.state = state;
                end
            }
            Follows::Fault(rule) => self.refuse(Fault::Head(rule)),
        }
    }

    fn size(&mut self, mut line: SizeLine, bytes: &[u8]) -> usize {
        let room = bytes.len().min(SIZE_LINE_MAX - line.len);
        let end = memchr(b'\n', &bytes[..room]).map(|at| at + 1);
        let taken = end.unwrap_or(room);
        line.bytes[line.len..line.len + taken].copy_from_slice(&bytes[..taken]);
        line.len += taken;
        let state = match end {
            Some(_) => chunk_size(&line.bytes[..line.len]).map(|size| match size {
                0 => State::Trailers(Trailers::LineStart),
                size => State::Chunk(size),
            }),
            None if line.len < SIZE_LINE_MAX => Some(State::Size(line)),
            None => None,
        };
        match state {
            Some(state) => {
                self.state = state;
                taken
            }
            None => self.refuse(Fault::Body),
        }
    }

    /// Takes one byte, if anything may follow it.
    fn byte(&mut self, next: Option<State>) -> usize {
        match next {
            Some(state) => {
                self.state = state;
                1
            }
            None => self.refuse(Fault::Body),
        }
    }

    fn refuse(&mut self, fault: Fault) -> usize {
        self.fault = Some(fault);
        0
    }
}

/// How many of `bytes` belong to something that has `left`, and what it then has left.
fn count(left: u64, bytes: &[u8]) -> (usize, u64) {
    let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    (taken, left - taken as u64)
}

/// Where in `bytes`, which come behind `held`, a head ends: behind an empty line, whether or not its lines end with CR.
fn end_of_head(held: &[u8], bytes: &[u8]) -> Option<usize> {
    let before = |at: usize, back: usize| match at.checked_sub(back) {
        Some(at) => Some(bytes[at]),
        None => held.len().checked_sub(back - at).map(|at| held[at]),
    };
    let is_end = |at: &usize| match before(*at, 1) {
        Some(b'\n') => true,
        Some(b'\r') => before(*at, 2) == Some(b'\n'),
        _ => false,
    };
    memchr_iter(b'\n', bytes).find(is_end).map(|at| at + 1)
}

/// What follows a whole head.
fn follows(head: &[u8]) -> Follows {
    let mut lines = [const { MaybeUninit::<Header<'_>>::uninit() }; HEADERS_MAX];
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut lines) {
        Ok(Status::Complete(end)) if end == head.len() => {}
        _ => return Follows::State(State::Lost),
    }
    let (mut length, mut has_coding) = (None, false);
    for line in request.headers.iter() {
        if line.name.eq_ignore_ascii_case("content-length") {
            if length.replace(line.value).is_some() {
                return Follows::Fault("content-length must be given once");
            }
        } else if line.name.eq_ignore_ascii_case("transfer-encoding") {
            has_coding = true;
        }
    }
    match (length, has_coding) {
        (Some(_), true) => Follows::Fault("content-length must not stand beside transfer-encoding"),
        // Another coding than chunked the server refuses.
        (None, true) => Follows::State(State::Size(SizeLine::default())),
        (Some(length), false) => Follows::State(match content_length(length) {
            Some(0) => State::Head(Vec::new()),
            Some(length) => State::Body(length),
            None => State::Lost,
        }),
        (None, false) => Follows::State(State::Head(Vec::new())),
    }
}

fn content_length(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

/// The size that a line tells, if it is nothing but that.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.strip_suffix(b"\r\n")?;
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((_, size))) if !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit) => {
            Some(size)
        }
        _ => None,
    }
}

/// What follows a byte of the trailers; `None`: it must not stand there.
const fn trailer(at: Trailers, byte: u8) -> Option<State> {
    Some(State::Trailers(match (at, byte) {
        (Trailers::LineStart, b'\r') => Trailers::LastCr,
        (Trailers::LastCr, b'\n') => return Some(State::Head(Vec::new())),
        (Trailers::LineCr, b'\n') => Trailers::LineStart,
        (Trailers::Line, b'\r') => Trailers::LineCr,
        (Trailers::LineStart | Trailers::Line, byte) if byte != b'\n' => Trailers::Line,
        _ => return None,
    }))
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
