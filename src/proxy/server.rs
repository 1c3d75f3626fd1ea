//! Accepting clients, and ending.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::connection::serve;
use super::counters::bump;
use super::handler::Shared;
use super::{ProxyOptions, ProxyParts, timers};

/// A pause after a failed accept: without file descriptors the next one fails as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often idle connections to engines are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A proxy that is serving. Dropping it cuts everything at once.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stop: CancellationToken,
    accepting: JoinSet<DrainReport>,
    _cut: DropGuard,
}

/// What the end of a proxy cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainReport {
    /// Requests that were cut because they outlived the drain.
    pub cut: u64,
}

/// Starts serving on `listener`.
///
/// # Errors
/// When the listener has no address, or there is no runtime to serve on.
pub fn start(options: ProxyOptions, parts: ProxyParts, listener: TcpListener) -> io::Result<Running> {
    let addr = listener.local_addr()?;
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let shared = Arc::new(Shared {
        places: Arc::new(Semaphore::new(options.limits.requests_max)),
        copies: Arc::new(Semaphore::new(options.mirror.in_flight_max)),
        copied_bytes: Arc::new(Semaphore::new(
            options.mirror.in_flight_bytes_max.min(Semaphore::MAX_PERMITS),
        )),
        started: parts.clock.wall().as_millis(),
        sequence: AtomicU64::new(0),
        tracker: TaskTracker::new(),
        cut: cut.clone(),
        runtime,
        options,
        parts,
    });
    let mut accepting = JoinSet::new();
    accepting.spawn(accept(shared, listener, stop.clone()));
    info!(%addr, "serving");
    Ok(Running { addr, stop, accepting, _cut: cut.drop_guard() })
}

impl Running {
    /// Where clients connect.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops accepting, lets requests end within the drain limit, cuts the rest, and hands over every sample.
    pub async fn drain(mut self) -> DrainReport {
        self.stop.cancel();
        match self.accepting.join_next().await {
            Some(Ok(report)) => report,
            Some(Err(_)) | None => DrainReport { cut: 0 },
        }
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) -> DrainReport {
    let mut connections = JoinSet::new();
    let mut sweeps = interval(SWEEP_EVERY);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = pin!(timers::watch(&shared.parts.counters));
    let mut number = 0_u64;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    welcome(&shared, &mut connections, stream, number, &stop);
                }
                Err(error) => {
                    warn!("cannot accept: {error}");
                    bump(&shared.parts.counters.requests.accept_failures);
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = sweeps.tick() => shared.parts.slots.sweep(),
            () = &mut watch => {}
        }
    }
    drop(listener);
    end(&shared, connections).await
}

fn welcome(
    shared: &Arc<Shared>,
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    number: u64,
    stop: &CancellationToken,
) {
    let counters = &shared.parts.counters.requests;
    bump(&counters.connections);
    if connections.len() >= shared.options.limits.connections_max {
        bump(&counters.connections_refused);
        return;
    }
    connections.spawn(serve(Arc::clone(shared), stream, number, stop.clone()));
}

/// Waits for the clients, then for what goes on beside them.
async fn end(shared: &Shared, mut connections: JoinSet<()>) -> DrainReport {
    let all_left = async { while connections.join_next().await.is_some() {} };
    let outlived = timeout(shared.options.drain, all_left).await.is_err();
    let cut = if outlived { shared.parts.counters.snapshot().in_flight } else { 0 };
    if cut > 0 {
        warn!(cut, "requests outlived the drain and were cut");
    }
    connections.shutdown().await;
    shared.cut.cancel();
    shared.tracker.close();
    shared.tracker.wait().await;
    DrainReport { cut }
}
