//! Which heads are refused: what is too large, what two readers could read differently, and what is not there.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};

/// Names the arm; see [`super::pin`].
pub(super) const PIN: HeaderName = HeaderName::from_static("x-goldgate-pin");

/// Headers that may stand once only: two of them mean two readers that disagree.
pub(super) const SINGLE: [HeaderName; 6] =
    [HOST, AUTHORIZATION, CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, PIN];

/// What all headers of a request may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadersMax {
    pub(super) count: usize,
    /// Names and values together.
    pub(super) bytes: usize,
}

/// What is wrong with a head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeadFault {
    #[error("there is no route {method} {path}")]
    NoRoute { method: String, path: String },
    #[error("{path} does not answer {method}")]
    Method { method: String, path: String },
    #[error("the request target must be a path, not {0:?}")]
    Target(String),
    #[error("the header {name:?} {rule}")]
    Header { name: String, rule: &'static str },
    #[error(
        "the request has {count} headers of {bytes} bytes, above the limit of {} and {}", .max.count, .max.bytes
    )]
    TooLarge { count: usize, bytes: usize, max: HeadersMax },
}

/// Refuses heads that are too large or that two readers could read differently.
pub(super) fn check(headers: &HeaderMap, version: Version, max: HeadersMax) -> Result<(), HeadFault> {
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > max.count || bytes > max.bytes {
        return Err(HeadFault::TooLarge { count: headers.len(), bytes, max });
    }
    let refused = |name: &HeaderName, rule| HeadFault::Header { name: name.as_str().to_owned(), rule };
    for (name, value) in headers {
        check_line(name, value).map_err(|rule| refused(name, rule))?;
    }
    for name in SINGLE {
        if headers.get_all(&name).iter().nth(1).is_some() {
            return Err(refused(&name, "must be given once"));
        }
    }
    if version == Version::HTTP_11 && !headers.contains_key(HOST) {
        return Err(refused(&HOST, "must be given once"));
    }
    Ok(())
}

/// What is wrong with one line that the parser let pass.
fn check_line(name: &HeaderName, value: &HeaderValue) -> Result<(), &'static str> {
    match *name {
        HOST if !is_host(value) => Err("must be a host and nothing else"),
        TRANSFER_ENCODING if !value.as_bytes().eq_ignore_ascii_case(b"chunked") => Err("must be chunked"),
        UPGRADE => Err("is not served: this port speaks HTTP/1.1"),
        // Behind a gateway that turns dashes into underscores it would be another header.
        _ if name.as_str().contains('_') => Err("has an underscore in its name"),
        _ => Ok(()),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let authority = Authority::try_from(value.as_bytes());
    authority.is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// Refuses targets that name a server: there is one server here, and it takes paths.
pub(super) fn check_target(target: &Uri) -> Result<(), HeadFault> {
    if target.authority().is_none() && target.path().starts_with('/') {
        return Ok(());
    }
    Err(HeadFault::Target(target.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_two_readers_could_read_differently_are_refused() {
        let max = HeadersMax { count: 4, bytes: 60 };
        let check = |lines: &[(&'static str, &str)], version, expected: Option<&str>| {
            let headers =
                lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            let told = check(&headers.collect(), version, max).err().map(|fault| fault.to_string());
            assert_eq!(told.as_deref(), expected, "{lines:?}");
        };
        let once = |name: &str| format!("the header {name:?} must be given once");
        check(&[("host", "a")], Version::HTTP_11, None);
        check(&[], Version::HTTP_10, None);
        check(&[], Version::HTTP_11, Some(&once("host")));
        check(&[("host", "a"), ("host", "b")], Version::HTTP_11, Some(&once("host")));
        let keys = [("host", "a"), ("authorization", "x"), ("authorization", "y")];
        check(&keys, Version::HTTP_11, Some(&once("authorization")));
        let large = |count, bytes| {
            format!("the request has {count} headers of {bytes} bytes, above the limit of 4 and 60")
        };
        check(&[("host", "a"), ("x-a", &"v".repeat(80))], Version::HTTP_11, Some(&large(2, 88)));
        let many = [("host", "a"), ("x-a", ""), ("x-b", ""), ("x-c", ""), ("x-d", "")];
        check(&many, Version::HTTP_11, Some(&large(5, 17)));
    }
}
