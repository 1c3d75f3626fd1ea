//! Opening the port.

use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::router::router;
use super::{Access, AdminError, AdminParts};

/// A port that is open and not served yet.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
}

/// Opens the port. Without tokens it opens on loopback only.
///
/// # Errors
/// When the address is not loopback and there are no tokens, or it cannot be had.
pub async fn bind(address: SocketAddr, parts: AdminParts) -> Result<AdminServer, AdminError> {
    let protected = matches!(&parts.access, Access::Tokens(tokens) if !tokens.is_empty());
    if !protected && !address.ip().is_loopback() {
        return Err(AdminError::Unprotected { address });
    }
    let listener = TcpListener::bind(address).await.map_err(|source| AdminError::Bind { address, source })?;
    let stop = CancellationToken::new();
    let router = router(parts, stop.clone());
    Ok(AdminServer { listener, router, stop })
}

impl AdminServer {
    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`; requests under way are finished, event streams end.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        let listener = self.listener.tap_io(|stream| {
            // A verb is one small packet: it does not wait for a second one.
            let _ = stream.set_nodelay(true);
        });
        let streams = self.stop;
        axum::serve(listener, self.router)
            .with_graceful_shutdown(async move {
                stop.cancelled().await;
                streams.cancel();
            })
            .await
    }
}
