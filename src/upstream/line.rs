//! One connection to an engine, driven by whoever uses it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Endpoint, Limit, UpstreamError};

/// One HTTP/1.1 connection. No task owns it: it moves only while polled, and closes when dropped.
#[derive(Debug)]
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
    finished: bool,
    /// When it was last given back; monotonic.
    pub(super) idle_since: Duration,
}

/// A request without a response head.
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    /// Nothing of it was sent.
    pub(super) is_unsent: bool,
}

impl Line {
    pub(super) async fn open(endpoint: &Endpoint, limit: Duration) -> Result<Self, UpstreamError> {
        let name = || endpoint.authority().to_owned();
        let connected = timeout(limit, TcpStream::connect(endpoint.authority())).await;
        let elapsed = |_| UpstreamError::Timeout { endpoint: name(), limit: Limit::Connect, after: limit };
        let refused = |source: io::Error| UpstreamError::refused(endpoint.authority(), source);
        let stream = connected.map_err(elapsed)?.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        // Left at its default, the client reads up to 100 header lines on the stack and fails beyond; any other
        // limit, a smaller one too, would cost two allocations and their filling for every answer.
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) =
            handshake.map_err(|error| UpstreamError::classify(endpoint.authority(), &error))?;
        Ok(Self { sender, connection: Box::pin(connection), finished: false, idle_since: Duration::ZERO })
    }

    /// Moves bytes in both directions as far as they go now.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        // Its error, if any, reaches the response future or the body, which report it with more context.
        if !self.finished && self.connection.as_mut().poll(cx).is_ready() {
            self.finished = true;
        }
    }

    /// Sends the request and waits for the response head.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut response = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            self.drive(cx);
            response.as_mut().poll(cx)
        })
        .await
        .map_err(|failed| Unanswered { is_unsent: failed.message().is_some(), error: failed.into_error() })
    }

    /// Whether another request can be sent: the last answer is read to its end, and the engine has neither
    /// closed the connection nor sent bytes nobody asked for.
    pub(super) fn is_reusable(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.drive(&mut cx);
        !self.finished && matches!(self.sender.poll_ready(&mut cx), Poll::Ready(Ok(())))
    }
}
