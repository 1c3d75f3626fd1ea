//! Why the admin port does not open.

use std::net::SocketAddr;

/// Why the admin port does not open.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Open to the network, and to everybody there.
    #[error(
        "server.admin listens on {address}, which is not loopback, and no tokens are configured: add tokens, or listen on 127.0.0.1"
    )]
    Unprotected {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; another process may have it")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}
