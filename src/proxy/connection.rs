//! One client's connection.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Version;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Limits;
use super::handler::{Shared, handle, refuse_unread};
use super::refusal::Refusal;
use super::socket::{Socket, Speaking, Spoken};

/// Header lines that the parser holds on the stack when it is given no limit. The configured limit lies below, and is
/// answered with an error that says what it is.
const HEADERS_INLINE_MAX: usize = 100;

/// Header lines that are read where the configured limit does not fit on the stack. Each request then costs two
/// allocations more, and their filling.
const HEADERS_READ_MAX: usize = 256;

/// Bytes of a head that are read at all, and of an answer that are held for a slow client.
const BUFFER_BYTES_MAX: usize = 256 << 10;

/// Silence after which a client's system is asked whether it is still there, …
const ASKED_AFTER: Duration = Duration::from_secs(30);
/// … how often again, …
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// … and how many times without an answer: it is gone after a minute.
const ASKED_TIMES: u32 = 3;

/// What is known of the client beyond its requests.
#[derive(Debug)]
pub(super) struct Peer {
    /// Numbers the connections of this process.
    pub(super) id: u64,
    /// Its requests are HTTP/1.0: an answer without a length ends with the connection, so that only a reset
    /// can tell it from a broken one.
    ends_by_closing: AtomicBool,
}

/// How long a client is listened to after the last answer. To close a socket with bytes unread resets it, and a reset
/// may take away the answer that says what was wrong with them.
const LINGER: Duration = Duration::from_secs(2);

/// Serves a connection until it closes; after `stop` it ends with the request in flight.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, id: u64, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true).and_then(|()| keep_alive(&stream)) {
        debug!("a client left before it was served: {error}");
        return;
    }
    let peer = Arc::new(Peer { id, ends_by_closing: AtomicBool::new(false) });
    let speaking = Arc::new(Speaking::default());
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&speaking), shared.options.limits));
    let service = {
        let (shared, peer) = (Arc::clone(&shared), Arc::clone(&peer));
        service_fn(move |request: http::Request<hyper::body::Incoming>| {
            speaking.begin();
            peer.ends_by_closing.store(request.version() == Version::HTTP_10, Ordering::Relaxed);
            let walk = handle(Arc::clone(&shared), Arc::clone(&peer), request);
            let speaking = Arc::clone(&speaking);
            async move { Ok::<_, Infallible>(walk.await.map(|body| Spoken::new(body, speaking))) }
        })
    };
    let mut connection = builder(&shared.options.limits).serve_connection(socket, service);
    let mut stopped = false;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            () = stop.cancelled(), if !stopped => {
                stopped = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let socket = connection.into_parts().io.into_inner();
    tokio::select! {
        biased; // what there is to say is said first; only the listening afterwards is cut short
        () = close(&shared, &peer, socket, ended) => {}
        () = stop.cancelled() => {}
    }
}

/// Has the system ask for clients that went away without a word, so that they hold no engine.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let often =
        TcpKeepalive::new().with_time(ASKED_AFTER).with_interval(ASKED_EVERY).with_retries(ASKED_TIMES);
    SockRef::from(stream).set_tcp_keepalive(&often)
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The socket knows a pause between requests from a head under way.
    builder.header_read_timeout(None).max_buf_size(BUFFER_BYTES_MAX);
    if limits.headers_max >= HEADERS_INLINE_MAX {
        builder.max_headers(HEADERS_READ_MAX);
    }
    builder
}

/// Ends a connection so that the client can tell how its last answer ended.
async fn close(shared: &Shared, peer: &Peer, mut socket: Socket, ended: Result<(), hyper::Error>) {
    let refusal = match (&ended, socket.refused) {
        (Err(error), _) if error.is_parse_too_large() => Some(Refusal::HeadTooLarge),
        (Err(error), _) if error.is_parse() => Some(Refusal::Head),
        (_, Some(rule)) => Some(Refusal::Framing(rule)),
        _ => None,
    };
    match (ended, refusal) {
        (_, Some(refusal)) => {
            let answer = refuse_unread(shared, &refusal);
            if !matches!(timeout(LINGER, socket.stream.write_all(&answer)).await, Ok(Ok(()))) {
                return;
            }
        }
        (Ok(()), None) => {}
        (Err(error), None) => {
            debug!("a client's connection ended early: {error}");
            if peer.ends_by_closing.load(Ordering::Relaxed) {
                // Closing in order would look like the end of the answer.
                let _ = socket.stream.set_zero_linger();
            }
            return;
        }
    }
    if !socket.is_over && socket.stream.shutdown().await.is_ok() {
        let _ = timeout(LINGER, tokio::io::copy(&mut socket.stream, &mut tokio::io::sink())).await;
    }
}
