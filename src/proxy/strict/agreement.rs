//! The server reads the requests that were followed before it, and no others, whatever a client sends.

use std::convert::Infallible;
use std::slice;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// What tells two readers apart, where it stands in the wrong place.
const MARKS: [&str; 12] = [
    "\r",
    "\n",
    "\r\n",
    " ",
    "0",
    "5",
    ";",
    ":",
    "content-length: 3\r\n",
    "transfer-encoding: chunked\r\n",
    "0\r\n\r\n",
    "x",
];

/// Requests one behind the other, with others in their bodies.
fn requests() -> String {
    let inner = "GET /inner HTTP/1.1\r\nhost: g\r\n\r\n";
    let length = inner.len();
    let sized =
        |path: &str| format!("POST {path} HTTP/1.1\r\nhost: g\r\ncontent-length: {length}\r\n\r\n{inner}");
    let chunked = format!(
        "POST /2 HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n3\r\nabc\r\n0\r\nx-a: b\r\n\r\n"
    );
    [&sized("/1"), &chunked, "GET /3 HTTP/1.1\r\nhost: g\r\n\r\n", &sized("/4")].concat()
}

/// The paths of the requests that went on whole.
fn followed(bytes: &[u8]) -> Vec<String> {
    let (mut framing, mut begun, mut paths) = (Framing::default(), 0, Vec::new());
    for (at, byte) in bytes.iter().enumerate() {
        assert_eq!(framing.pass(slice::from_ref(byte)), 1, "it went on before");
        if matches!(&framing.state, State::Head(held) if held.is_empty()) {
            paths.extend(path(&bytes[begun..=at]));
            begun = at + 1;
        }
    }
    paths
}

/// The path of a request; `None` for an empty line before one.
fn path(request: &[u8]) -> Option<String> {
    let start = request.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = Request::new(&mut lines);
    head.parse(&request[start..]).unwrap();
    let target = head.path.unwrap();
    Some(target.parse::<Uri>().map_or_else(|_| target.to_owned(), |target| target.path().to_owned()))
}

/// The paths of the requests that the server read whole.
fn served(bytes: &[u8]) -> Vec<String> {
    let seen = Mutex::new(Vec::new());
    let service = service_fn(async |request: http::Request<Incoming>| {
        let (head, body) = request.into_parts();
        if body.collect().await.is_ok() {
            seen.lock().unwrap().push(head.uri.path().to_owned());
        }
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let io = TokioIo::new(tokio::io::join(bytes, tokio::io::sink()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let connection =
        http1::Builder::new().header_read_timeout(None).half_close(true).serve_connection(io, service);
    // An error is a request that it refused.
    let _ = runtime.block_on(connection);
    seen.into_inner().unwrap()
}

#[test]
fn well_formed_requests_are_read_by_both() {
    let all = requests();
    let expected = ["/1", "/2", "/3", "/4"];
    assert_eq!(
        (followed(all.as_bytes()), served(all.as_bytes())),
        (expected.map(str::to_owned).to_vec(), expected.map(str::to_owned).to_vec())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn the_server_reads_what_was_followed_and_nothing_else(
        edits in prop::collection::vec((any::<Index>(), 0..3_usize, select(&MARKS[..])), 1..4),
    ) {
        let mut text = requests();
        for (place, taken, mark) in edits {
            let start = place.index(text.len());
            let end = (start + taken).min(text.len());
            text.replace_range(start..end, mark);
        }
        let passed = Framing::default().pass(text.as_bytes());
        let passed = &text.as_bytes()[..passed];
        let (followed, served) = (followed(passed), served(passed));
        // It may refuse one, and then reads no further.
        prop_assert!(followed.starts_with(&served), "{followed:?} and {served:?} of {text:?}");
    }
}
