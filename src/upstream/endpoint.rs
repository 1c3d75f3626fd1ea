//! Where an engine listens.

use std::fmt;
use std::str::FromStr;

use http::{HeaderValue, Uri};

/// One engine's address, checked: clear text, a host, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `host:port`, as a socket address or a name to look up.
    authority: String,
    host: HeaderValue,
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address at all.
    #[error("an endpoint is written as \"http://host:port\", not {0:?}")]
    Form(String),
    /// TLS is asked for, and is not built in.
    #[error(
        "endpoint {0:?} asks for https, but engines are reached in clear text only: put a TLS \
             terminator beside the engine, or use its http address"
    )]
    Tls(String),
    /// A path, query or user information follows the host.
    #[error("endpoint {0:?} must end after the port: the client's own path is used")]
    Path(String),
    /// A pool without endpoints can answer nothing.
    #[error("a pool needs at least one endpoint")]
    None,
}

impl Endpoint {
    /// `host:port`, for connecting and for people.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The value of the `host` header.
    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let form = || EndpointError::Form(text.to_owned());
        let uri: Uri = text.trim().parse().map_err(|_| form())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(EndpointError::Tls(text.to_owned())),
            _ => return Err(form()),
        }
        let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(form)?;
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(EndpointError::Path(text.to_owned()));
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| form())?;
        Ok(Self { authority: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)), host })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match text.parse::<Endpoint>() {
            Ok(endpoint) => assert_eq!(Ok(endpoint.authority()), expected, "{text}"),
            Err(error) => assert!(error.to_string().contains(expected.unwrap_err()), "{text}: {error}"),
        }
    }

    #[test]
    fn an_endpoint_is_a_clear_text_host_and_port() {
        check("http://127.0.0.1:8101", Ok("127.0.0.1:8101"));
        check("http://[::1]:8101/", Ok("[::1]:8101"));
        check("http://engine.internal", Ok("engine.internal:80"));
        check("https://engine.internal", Err("TLS terminator"));
        check("http://engine/v1", Err("must end after the port"));
        check("http://engine?x=1", Err("must end after the port"));
        check("http://user@engine", Err("must end after the port"));
        check("engine:80", Err("is written as"));
        check("ftp://engine", Err("is written as"));
        check("", Err("is written as"));
    }
}
