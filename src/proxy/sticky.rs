//! What keeps a conversation on one arm.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderName};

use crate::routing::StickyKey;

/// One place where a key may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StickySource {
    /// A request header.
    Header(HeaderName),
    /// The `user` field of the body.
    BodyUser,
    /// The client's connection.
    Connection,
}

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sticky key is \"header:NAME\", \"body:user\" or \"connection\", not {0:?}")]
pub struct StickyForm(pub String);

impl StickySource {
    /// The session header, then the user, then the connection.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        let session = HeaderName::from_static("x-session-id");
        vec![Self::Header(session), Self::BodyUser, Self::Connection]
    }

    fn find(&self, headers: &HeaderMap, user: Option<&str>) -> Option<Vec<u8>> {
        let value = match self {
            Self::Header(name) => headers.get(name).map(http::HeaderValue::as_bytes),
            Self::BodyUser => user.map(str::as_bytes),
            Self::Connection => None,
        };
        // The source is part of the key: a user called like a session is somebody else.
        value
            .filter(|value| !value.is_empty())
            .map(|value| [self.to_string().as_bytes(), b"=", value].concat())
    }
}

impl FromStr for StickySource {
    type Err = StickyForm;

    fn from_str(text: &str) -> Result<Self, StickyForm> {
        let form = || StickyForm(text.to_owned());
        match text {
            "body:user" => Ok(Self::BodyUser),
            "connection" => Ok(Self::Connection),
            _ => {
                let name = text.strip_prefix("header:").ok_or_else(form)?;
                name.parse().map(Self::Header).map_err(|_| form())
            }
        }
    }
}

impl fmt::Display for StickySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::BodyUser => f.write_str("body:user"),
            Self::Connection => f.write_str("connection"),
        }
    }
}

/// The key of a request: the first source present wins, and every request has a `connection`, named so that no other one
/// has its name, on another replica or after a restart.
pub(super) fn key_of(
    sources: &[StickySource],
    headers: &HeaderMap,
    user: Option<&str>,
    connection: fmt::Arguments<'_>,
) -> StickyKey {
    let before_connection = sources.iter().take_while(|source| **source != StickySource::Connection);
    let found = before_connection.filter_map(|source| source.find(headers, user)).next();
    StickyKey(found.unwrap_or_else(|| format!("connection={connection}").into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sources: &[&str], headers: &[(&'static str, &str)], user: Option<&str>, expected: &str) {
        let sources: Vec<StickySource> = sources.iter().map(|text| text.parse().unwrap()).collect();
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let key = key_of(&sources, &headers.collect(), user, format_args!("n-1-7"));
        assert_eq!(String::from_utf8(key.0).unwrap(), expected);
    }

    #[test]
    fn the_first_source_present_wins_and_the_connection_is_last() {
        let all = ["header:x-session-id", "body:user", "connection"];
        check(&all, &[("x-session-id", "s")], Some("u"), "header:x-session-id=s");
        check(&all, &[("x-session-id", "")], Some("u"), "body:user=u");
        check(&all, &[], Some("u"), "body:user=u");
        check(&all, &[], None, "connection=n-1-7");
        check(&["connection", "body:user"], &[], Some("u"), "connection=n-1-7");
        check(&["body:user"], &[("x-session-id", "s")], None, "connection=n-1-7");
    }

    #[test]
    fn a_source_is_named_as_it_is_shown() {
        for source in StickySource::defaults() {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        for text in ["", "header:", "header:a b", "cookie:x", "body:model"] {
            assert_eq!(text.parse::<StickySource>(), Err(StickyForm(text.to_owned())));
        }
    }
}
