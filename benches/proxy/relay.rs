//! The least that a relay on this runtime and this HTTP library can do: a head and a body in each direction, one engine
//! connection for each client connection. No split, no observer, no copies, no limits, no deadlines.
//!
//! What goldgate costs beyond it is goldgate's own; what it costs beyond nginx is the library's and the runtime's.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// The connection to the engine that belongs to a client's.
type Engine = Arc<Mutex<client::SendRequest<Full<Bytes>>>>;

/// The runtime that goldgate's program has.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Serves before the engine on `port` until it is killed, and says on stdout where.
pub(crate) async fn run(port: u16) -> anyhow::Result<()> {
    let engine = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that leaves is no fault.
                connections.spawn(serve(accepted?.0, engine));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, engine: SocketAddr) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let to_engine = TcpStream::connect(engine).await?;
    to_engine.set_nodelay(true)?;
    let (sender, connection) = client::handshake(TokioIo::new(to_engine)).await?;
    let engine: Engine = Arc::new(Mutex::new(sender));
    let service = service_fn(move |request| {
        let engine = Arc::clone(&engine);
        async move { Ok::<_, Infallible>(relay(&engine, request).await.unwrap_or_else(refused)) }
    });
    let clients = server::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = clients => ended.context("a client left"),
        ended = connection => ended.context("the engine left"),
    }
}

type Body = Either<Incoming, Full<Bytes>>;

/// The request's body is read whole first, as goldgate must: it has to see the model before it knows where to send it.
async fn relay(engine: &Engine, request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut engine = engine.lock().await;
    engine.ready().await?;
    let reply = engine.send_request(Request::from_parts(head, Full::new(body))).await?;
    Ok(reply.map(Either::Left))
}

fn refused(error: anyhow::Error) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(format!("{error:#}\n")))));
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
}
