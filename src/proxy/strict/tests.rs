//! What goes on and what does not, however it is cut.

use proptest::prelude::*;

use super::*;

/// Asserts how many bytes of `text` go on, and what is refused then, whole and byte by byte.
fn check(text: &str, passed: usize, fault: Option<Fault>) {
    for size in [text.len(), 1, 2, 3, 7] {
        let mut framing = Framing::default();
        let mut went = 0;
        for piece in text.as_bytes().chunks(size) {
            let on = framing.pass(piece);
            went += on;
            if on < piece.len() {
                break;
            }
        }
        assert_eq!(framing.fault(), fault, "{text:?} in pieces of {size}");
        // Of a head that comes in pieces those before its last went on; its last did not.
        let expected = if size == text.len() || !matches!(fault, Some(Fault::Head(_))) {
            passed..=passed
        } else {
            passed..=text.len() - 1
        };
        assert!(expected.contains(&went), "{went} of {text:?} in pieces of {size}");
    }
}

fn passes(text: &str) {
    check(text, text.len(), None);
    // And whatever comes next is read as a request again.
    let next = format!("{text}{DOUBLED}");
    check(&next, text.len(), Some(Fault::Head("content-length must be given once")));
}

const DOUBLED: &str = "POST / HTTP/1.1\r\nContent-Length: 1\r\nhost: g\r\ncontent-length: 1\r\n\r\nx";

fn chunked(body: &str) -> String {
    format!("POST /a HTTP/1.1\r\nhost: g\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

#[test]
fn well_formed_requests_of_all_kinds_go_on() {
    for text in [
        "GET / HTTP/1.1\r\nhost: g\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nhost: g\r\n\r\n",
        "GET / HTTP/1.1\nhost: g\n\n",
        "POST / HTTP/1.1\r\nhost: g\r\ncontent-length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: g\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\nGET \r",
        "POST / HTTP/1.1\r\nhost: g\r\ncontent-length: 3\r\n\r\n\r\n\r",
        "GET / HTTP/1.1\r\nhost: g\r\n\r\nGET / HTTP/1.1\r\nhost: g\r\n\r\n",
        "CONNECT e:1 HTTP/1.1\r\nhost: e\r\n\r\n",
    ] {
        passes(text);
    }
    for body in [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\nA\r\n0123456789\r\n00\r\n\r\n",
        "0000000000000001\r\n\n\r\n0\r\n\r\n",
        "2\r\n\r\n\r\n0\r\nx-late: 1\r\nx-later: \r\n\r\n",
    ] {
        passes(&chunked(body));
    }
}

#[test]
fn a_head_that_tells_two_lengths_does_not_go_on() {
    let head = |lines: &str| format!("POST / HTTP/1.1\r\nhost: g\r\n{lines}\r\n0\r\n\r\n");
    let beside = Some(Fault::Head("content-length must not stand beside transfer-encoding"));
    let twice = Some(Fault::Head("content-length must be given once"));
    check(&head("content-length: 5\r\ntransfer-encoding: chunked\r\n"), 0, beside);
    check(&head("Transfer-Encoding: gzip, chunked\r\nCONTENT-LENGTH: 5\r\n"), 0, beside);
    check(&head("content-length: 5\r\nx: y\r\ncontent-length: 5\r\n"), 0, twice);
    check(&head("content-length: 5\r\ncontent-length: 6\r\n"), 0, twice);
}

#[test]
fn of_chunks_nothing_goes_on_from_the_fault_on() {
    let before = chunked("").len();
    for (body, passed) in [
        (";x\r\n\r\n", 0),
        ("5;a=b\r\nhello\r\n0\r\n\r\n", 0),
        ("5 \r\nhello\r\n0\r\n\r\n", 0),
        ("5\nhello\r\n0\r\n\r\n", 0),
        ("\r\n", 0),
        ("-1\r\n", 0),
        ("0x5\r\n", 0),
        ("00000000000000005\r\nhello\r\n", 0),
        ("5\r\nhello0\r\n\r\n", 8),
        ("5\r\nhello\n0\r\n\r\n", 8),
        ("5\r\nhello\rx", 9),
        ("5\r\nhello\r\n0;x\r\n\r\n", 10),
        ("0\r\n\n", 3),
        ("0\r\na: b\n\r\n", 7),
        ("0\r\na: b\rc\r\n", 8),
        ("0\r\n\rx", 4),
    ] {
        let text = chunked(body);
        let mut framing = Framing::default();
        assert_eq!(framing.pass(text.as_bytes()), before + passed, "{body:?}");
        assert_eq!(framing.fault(), Some(Fault::Body), "{body:?}");
        let mut framing = Framing::default();
        assert!(text.bytes().any(|byte| framing.pass(&[byte]) == 0), "{body:?} byte by byte");
        assert_eq!((framing.fault(), framing.pass(b"0\r\n\r\n")), (Some(Fault::Body), 0), "{body:?}");
    }
}

#[test]
fn behind_what_the_server_refuses_nothing_goes_on() {
    for head in [
        "GET  / HTTP/1.1\r\nhost: g\r\n\r\n",
        "GET / HTTP/1.1\r\nx a: b\r\n\r\n",
        "GET / HTTP/1.1\r\nx: a\r\n b\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: +5\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 5, 5\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: \r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
    ] {
        let mut framing = Framing::default();
        let more = format!("{head}GET / HTTP/1.1\r\n\r\n");
        assert_eq!(framing.pass(more.as_bytes()), head.len(), "{head:?}");
        assert!(matches!(framing.fault(), Some(Fault::Head(_))), "{head:?}");
    }
    let mut framing = Framing::default();
    let long = vec![b'a'; HEAD_BYTES_MAX];
    assert_eq!((framing.pass(&long), framing.pass(b"aa"), framing.pass(b"a")), (HEAD_BYTES_MAX, 2, 0));
}

fn request() -> impl Strategy<Value = String> {
    let body = prop::collection::vec("[a-z\r\n]{1,9}", 0..4);
    (body, any::<bool>(), "[a-z]{0,9}").prop_map(|(chunks, is_chunked, value)| {
        let head = format!("POST / HTTP/1.1\r\nhost: g\r\nx-a: {value}\r\n");
        if is_chunked {
            let chunks = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len()));
            return format!(
                "{head}transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
                chunks.collect::<String>()
            );
        }
        let body = chunks.concat();
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    })
}

proptest! {
    #[test]
    fn requests_in_any_number_and_pieces_go_on(
        requests in prop::collection::vec(request(), 1..5),
        size in 1_usize..40,
    ) {
        let text = requests.concat();
        let mut framing = Framing::default();
        for piece in text.as_bytes().chunks(size) {
            prop_assert_eq!(framing.pass(piece), piece.len());
        }
        prop_assert_eq!(framing.fault(), None);
        prop_assert!(matches!(&framing.state, State::Head(held) if held.is_empty()), "{:?}", framing.state);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
        let mut framing = Framing::default();
        let text = [b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", &bytes[..]].concat();
        for piece in text.chunks(size) {
            let passed = framing.pass(piece);
            prop_assert!(passed <= piece.len());
            prop_assert_eq!(passed < piece.len(), framing.fault().is_some());
        }
    }
}
