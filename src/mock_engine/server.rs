//! The listening side: accepts, serves, stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Options;
use super::engine::Engine;
use super::routes::respond;

/// Connections served at once. Beyond it new ones wait in the kernel's queue until one ends.
const CONNECTIONS_MAX: usize = 8192;
/// After an accept failed (no file descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running engine. Dropping it breaks every connection, as a killed process would.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    /// The accept loop alone; it owns the connections.
    accepting: JoinSet<()>,
}

/// Starts an engine on a listener. Must be called inside a tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn start(options: Options, listener: TcpListener) -> io::Result<Running> {
    let addr = listener.local_addr()?;
    let mut accepting = JoinSet::new();
    accepting.spawn(accept(Arc::new(Engine::new(options)), listener));
    Ok(Running { addr, accepting })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops at once: no new connection, and the open ones break. Returns when the port is free.
    pub async fn stop(mut self) {
        self.accepting.shutdown().await;
    }
}

async fn accept(engine: Arc<Engine>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(Arc::clone(&engine), stream));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(engine: Arc<Engine>, stream: TcpStream) {
    // Without it a small chunk waits for the client's delayed acknowledgement: 40 ms that no engine took.
    if stream.set_nodelay(true).is_err() {
        return; // the client left already
    }
    let service = service_fn(move |request| respond(Arc::clone(&engine), request));
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // An error is a client that left, or a scripted break: nobody is to be told.
    let _ = connection.await;
}
