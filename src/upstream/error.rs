//! What can go wrong between us and an engine, told apart by what it means for evidence.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use rustix::io::Errno;

/// Which of the four limits ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The connection was not made in time.
    Connect,
    /// No body byte came in time, counted from the request's sending.
    FirstByte,
    /// Too long a silence after the first byte.
    Idle,
    /// The whole answer took too long.
    Total,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::FirstByte => "first byte",
            Self::Idle => "idle",
            Self::Total => "total",
        })
    }
}

/// Why an engine did not answer, or stopped answering.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection: refused, unreachable, unknown name.
    #[error("cannot connect to {endpoint}: {source}")]
    Connect {
        /// `host:port` of the engine.
        endpoint: String,
        /// What the system said.
        source: io::Error,
    },
    /// No connection for want of something of our own, a descriptor or a port: no fault of the engine.
    #[error("cannot connect to {endpoint}, for want of our own descriptors or ports: {source}")]
    Local {
        /// `host:port` of the engine.
        endpoint: String,
        /// What the system said.
        source: io::Error,
    },
    /// One of the limits ran out.
    #[error("{endpoint} exceeded the {limit} limit of {after:?}")]
    Timeout {
        /// `host:port` of the engine.
        endpoint: String,
        /// Which limit.
        limit: Limit,
        /// Its length.
        after: Duration,
    },
    /// The connection ended before the answer did.
    #[error("{endpoint} closed the connection in mid-answer: {detail}")]
    Reset {
        /// `host:port` of the engine.
        endpoint: String,
        /// What was seen.
        detail: String,
    },
    /// What came is not HTTP/1.1.
    #[error("{endpoint} broke the protocol: {detail}")]
    Protocol {
        /// `host:port` of the engine.
        endpoint: String,
        /// What was seen.
        detail: String,
    },
    /// A reply that was to be read whole is larger than its reader allows.
    #[error("{endpoint} sent more than {bytes_max} bytes")]
    TooLarge {
        /// `host:port` of the engine.
        endpoint: String,
        /// The reader's bound.
        bytes_max: usize,
    },
}

impl UpstreamError {
    /// Names why no connection was made.
    pub(super) fn refused(endpoint: &str, source: io::Error) -> Self {
        let endpoint = endpoint.to_owned();
        if is_own(&source) { Self::Local { endpoint, source } } else { Self::Connect { endpoint, source } }
    }

    /// Names an error of the HTTP client.
    pub(super) fn classify(endpoint: &str, error: &hyper::Error) -> Self {
        let (endpoint, detail) = (endpoint.to_owned(), describe(error));
        if is_protocol(error) {
            Self::Protocol { endpoint, detail }
        } else {
            Self::Reset { endpoint, detail }
        }
    }

    /// Whether the engine was silent for too long, as opposed to gone or wrong.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Whether it says something of this process, and nothing of the engine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// The word used as a reason in counters.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Local { .. } => "local",
            Self::Timeout { .. } => "timeout",
            Self::Reset { .. } => "reset",
            Self::Protocol { .. } => "protocol",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

/// Descriptors, ports and memory for sockets are this machine's to run out of.
fn is_own(error: &io::Error) -> bool {
    const OWN: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|code| OWN.contains(&code))
}

/// The client reports a malformed chunk as an IO error of these kinds inside a body error.
fn is_protocol(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
        }
        source = inner.source();
    }
    error.is_parse()
}

fn describe(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_ran_out_of_is_no_fault_of_the_engine() {
        let named = |code: Errno| UpstreamError::refused("engine:80", io::Error::from(code)).as_str();
        for own in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL] {
            assert_eq!(named(own), "local", "{own:?}");
        }
        for theirs in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::NETUNREACH, Errno::CONNRESET] {
            assert_eq!(named(theirs), "connect", "{theirs:?}");
        }
    }
}
