//! A client's socket as the HTTP server sees it.
//!
//! The server answers a head that it cannot read by itself, with a bare status. Here those bytes are held back, so
//! that [`super::connection`] can answer with an error that explains itself; and the end of the connection is left
//! to it as well.
//!
//! Bytes go through [`super::strict`] first, and end where it finds a fault.
//!
//! Three waits end here, because the server does not end them or not in this way: for the head of a request, which may take
//! less than the pause before it; for a client that takes nothing of its answer; and for one that left while the server
//! reads nothing, as it does not where bytes follow the request that it is answering.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Limits;
use super::deadline::Deadline;
use super::relay::RelayBody;
use super::strict::{Fault, Framing};
use crate::upstream::UpstreamError;

/// Whether the proxy is answering on a connection.
#[derive(Debug, Default)]
pub(super) struct Speaking {
    /// A request was handed over, and its answer is not yet written out.
    answering: AtomicBool,
    /// Requests that were handed over.
    requests: AtomicU64,
    /// Its body is not yet read to the end.
    has_body: AtomicBool,
}

/// An answer's body that tells when the server has done with it.
pub(super) struct Spoken {
    body: RelayBody,
    speaking: Arc<Speaking>,
}

/// The socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    speaking: Arc<Speaking>,
    /// The client has said that it will send nothing more, or is gone.
    pub(super) is_over: bool,
    limits: Limits,
    framing: Framing,
    /// What is wrong with the head that the connection ends with.
    pub(super) refused: Option<&'static str>,
    /// The server waits for bytes, and so hears of the client's leaving.
    is_read: bool,
    /// Requests before the one whose head is waited for.
    before: u64,
    /// Bytes of its head have come.
    has_begun: bool,
    for_head: Deadline,
    for_room: Deadline,
}

impl Speaking {
    /// A request was handed over.
    pub(super) fn begin(&self) {
        self.answering.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.has_body.store(true, Ordering::Relaxed);
    }

    /// Everything that the server had to write is written; whether an answer ended with it.
    fn flushed(&self) -> bool {
        !self.has_body.load(Ordering::Relaxed) && self.answering.swap(false, Ordering::Relaxed)
    }
}

impl Spoken {
    pub(super) const fn new(body: RelayBody, speaking: Arc<Speaking>) -> Self {
        Self { body, speaking }
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        self.speaking.has_body.store(false, Ordering::Relaxed);
    }
}

impl Body for Spoken {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, speaking: Arc<Speaking>, limits: Limits) -> Self {
        Self {
            stream,
            speaking,
            is_over: false,
            limits,
            framing: Framing::default(),
            refused: None,
            is_read: false,
            before: 0,
            has_begun: false,
            for_head: Deadline::default(),
            for_room: Deadline::default(),
        }
    }

    /// Begins to wait for the next head, when another request was handed over meanwhile.
    fn turn(&mut self) {
        let requests = self.speaking.requests.load(Ordering::Relaxed);
        if requests != self.before {
            (self.before, self.has_begun) = (requests, false);
            self.for_head.clear();
        }
    }

    /// Bytes came.
    fn heard(&mut self) {
        self.turn();
        if !self.has_begun && self.is_complaint() {
            self.has_begun = true;
            if self.before > 0 {
                self.for_head.clear();
            }
        }
    }

    /// Whether the next head takes too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.turn();
        if !self.is_complaint() {
            return Poll::Pending;
        }
        let between = self.before > 0 && !self.has_begun;
        let limit = if between { self.limits.idle_timeout } else { self.limits.head_timeout };
        self.for_head.poll(limit, cx)
    }

    /// Ends the reading where nothing may go on: at once in a body, which the proxy is waiting for, and before a head once
    /// the requests before it are answered.
    fn poll_refused(&mut self, fault: Fault, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match fault {
            Fault::Head(_) if !self.is_complaint() => return self.poll_waste(cx).map(Err),
            Fault::Head(rule) => self.refused = Some(rule),
            Fault::Body => {}
        }
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }

    /// Reads over what nobody will read, until the client leaves.
    fn poll_waste(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.is_read = false;
        let mut waste = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut waste);
            let left = match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => continue,
                Ok(()) => io::ErrorKind::ConnectionAborted.into(),
                Err(error) => error,
            };
            self.is_over = true;
            return Poll::Ready(left);
        }
    }

    /// Whether the client left during an answer, where the server does not look for it. What else there is to read stays.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.is_read || self.is_complaint() {
            return Poll::Pending;
        }
        let mut byte = [0];
        let left = match self.stream.poll_peek(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(0)) => io::ErrorKind::ConnectionAborted.into(),
            Poll::Ready(Err(error)) => error,
            Poll::Ready(Ok(_)) | Poll::Pending => return Poll::Pending,
        };
        self.is_over = true;
        Poll::Ready(left)
    }

    /// What came of a write, unless it takes too long.
    fn written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.for_room.clear();
            return written;
        }
        self.for_room.poll(self.limits.send_timeout, cx).map(Err)
    }

    /// What the server writes while nobody asked it anything is its own complaint about a head.
    fn is_complaint(&self) -> bool {
        !self.speaking.answering.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fault) = self.framing.fault() {
            return self.poll_refused(fault, cx);
        }
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.is_over |= match &read {
            Poll::Ready(Ok(())) => room > 0 && buffer.remaining() == room,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        self.is_read = read.is_pending();
        if self.is_read {
            return self.poll_late(cx).map(Err);
        }
        self.heard();
        let passed = self.framing.pass(&buffer.filled()[before..]);
        buffer.set_filled(before + passed);
        match self.framing.fault() {
            // Nothing would be the end of the connection.
            Some(fault) if passed == 0 => self.poll_refused(fault, cx),
            _ => read,
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_complaint() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.speaking.flushed() && self.framing.fault().is_some() {
            // What was held back until now is next.
            cx.waker().wake_by_ref();
        }
        match self.poll_left(cx) {
            Poll::Ready(left) => Poll::Ready(Err(left)),
            Poll::Pending => Pin::new(&mut self.stream).poll_flush(cx),
        }
    }

    /// Left to whoever ends the connection.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_complaint() {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }
}
