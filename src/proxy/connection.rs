//! One client's connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Version;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::handler::{Shared, handle};

/// Header lines that the parser holds on the stack when it is given no limit. Beyond them it answers with a bare 431;
/// the configured limit lies below, and is answered with an error that explains itself.
const HEADERS_INLINE_MAX: usize = 100;

/// Header lines that are read where the configured limit does not fit on the stack. Each request then costs two
/// allocations more, and their filling.
const HEADERS_READ_MAX: usize = 256;

/// Bytes of a head that are read at all, and of an answer that are held for a slow client.
const BUFFER_BYTES_MAX: usize = 256 << 10;

/// What is known of the client beyond its requests.
#[derive(Debug)]
pub(super) struct Peer {
    /// Numbers the connections of this process.
    pub(super) id: u64,
    /// Its requests are HTTP/1.0: an answer without a length ends with the connection, so that only a reset
    /// can tell it from a broken one.
    ends_by_closing: AtomicBool,
}

/// Serves a connection until it closes; after `stop` it ends with the request in flight.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, id: u64, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!("a client left before it was served: {error}");
        return;
    }
    let peer = Arc::new(Peer { id, ends_by_closing: AtomicBool::new(false) });
    let limits = shared.options.limits;
    let service = {
        let peer = Arc::clone(&peer);
        service_fn(move |request: http::Request<hyper::body::Incoming>| {
            peer.ends_by_closing.store(request.version() == Version::HTTP_10, Ordering::Relaxed);
            let walk = handle(Arc::clone(&shared), Arc::clone(&peer), request);
            async move { Ok::<_, Infallible>(walk.await) }
        })
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout).max_buf_size(BUFFER_BYTES_MAX);
    if limits.headers_max >= HEADERS_INLINE_MAX {
        builder.max_headers(HEADERS_READ_MAX);
    }
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
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
    if let Err(error) = ended {
        debug!("a client's connection ended early: {error}");
        if peer.ends_by_closing.load(Ordering::Relaxed) {
            let stream = connection.into_parts().io.into_inner();
            // Closing in order would look like the end of the answer.
            let _ = stream.set_zero_linger();
        }
    }
}
