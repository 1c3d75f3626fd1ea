//! A client's socket as the HTTP server sees it.
//!
//! The server answers a head that it cannot read by itself, with a bare status. Here those bytes are held back, so
//! that [`super::connection`] can answer with an error that explains itself; and the end of the connection is left
//! to it as well.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::relay::RelayBody;
use crate::upstream::UpstreamError;

/// Whether the proxy is answering on a connection.
#[derive(Debug, Default)]
pub(super) struct Speaking {
    /// A request was handed over, and its answer is not yet written out.
    answering: AtomicBool,
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
}

impl Speaking {
    /// A request was handed over.
    pub(super) fn begin(&self) {
        self.answering.store(true, Ordering::Relaxed);
        self.has_body.store(true, Ordering::Relaxed);
    }

    /// Everything that the server had to write is written.
    fn flushed(&self) {
        if !self.has_body.load(Ordering::Relaxed) {
            self.answering.store(false, Ordering::Relaxed);
        }
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
    pub(super) const fn new(stream: TcpStream, speaking: Arc<Speaking>) -> Self {
        Self { stream, speaking, is_over: false }
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
        let before = buffer.remaining();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.is_over |= match &read {
            Poll::Ready(Ok(())) => before > 0 && buffer.remaining() == before,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_complaint() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.speaking.flushed();
        Pin::new(&mut self.stream).poll_flush(cx)
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}
