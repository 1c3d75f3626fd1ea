//! Response heads that the HTTP client reads and that must not go on: two readers could read them differently.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::UpstreamError;

/// The response, unless its head is ambiguous; what follows such a head is not to be trusted (RFC 9112 §6.3).
pub(super) fn checked(
    endpoint: &str,
    response: Response<Incoming>,
) -> Result<Response<Incoming>, UpstreamError> {
    match fault(&response) {
        None => Ok(response),
        Some(detail) => {
            Err(UpstreamError::Protocol { endpoint: endpoint.to_owned(), detail: detail.to_owned() })
        }
    }
}

fn fault<B>(response: &Response<B>) -> Option<&'static str> {
    let headers = response.headers();
    let coding = headers.get(TRANSFER_ENCODING);
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Some("it switched protocols, and nobody had asked");
    }
    if coding.is_some() && headers.contains_key(CONTENT_LENGTH) {
        return Some("both content-length and transfer-encoding");
    }
    coding
        .filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        .map(|_| "a transfer-encoding other than chunked")
}
