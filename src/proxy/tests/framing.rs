//! Requests that two readers could read differently: refused wherever they stand on a connection, or read in one way and
//! written anew. Lines of a head that end without CR are read as lines; bodies go on whole, with one length, in a head of our own.

use super::rig::*;
use crate::upstream::testing::{Engine, Step, whole};

const BODY: &str = r#"{"model":"m","messages":[]}"#;

/// A chat request with these header lines besides `host`, each with its end, and this body as it is.
fn posted(lines: &str, body: &str) -> String {
    format!("POST {CHAT} HTTP/1.1\r\nhost: g\r\n{lines}\r\n{body}")
}

/// A chat request with a good body and its length.
fn with(lines: &str) -> String {
    posted(&format!("content-length: {}\r\n{lines}", BODY.len()), BODY)
}

fn chunked(body: &str) -> String {
    posted("transfer-encoding: chunked\r\n", body)
}

/// One chunk of the good body, with this behind its size, and this behind its last byte.
fn one_chunk(extension: &str, end: &str) -> String {
    chunked(&format!("{:x}{extension}\r\n{BODY}{end}", BODY.len()))
}

/// Asserts a refusal that explains itself, ends the connection in order, and reaches no engine.
async fn refused(requests: &[(String, u16)]) {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::plain(&engine).await;
    for (request, status) in requests {
        let shown: String = request.chars().take(300).collect();
        let mut client = rig.client().await;
        client.send(request.as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.is_whole), (*status, true), "{shown}: {answer:?}");
        let error: serde_json::Value = serde_json::from_str(&answer.body).expect(&shown);
        assert_eq!(error["error"]["type"], "invalid_request_error", "{shown}");
        assert!(error["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{shown}");
        assert!(answer.header("x-goldgate-request-id").is_some(), "{shown}");
        assert_eq!(answer.header("connection"), Some("close"), "{shown}");
        assert!(client.closes().await, "{shown}");
    }
    assert_eq!(engine.connections(), 0);
    let counts = rig.counters.snapshot();
    assert_eq!((counts.requests.refused_client, counts.in_flight), (requests.len() as u64, 0));
}

#[tokio::test]
async fn bodies_whose_end_is_in_doubt_are_refused() {
    let length = |value: &str| posted(&format!("content-length: {value}\r\n"), BODY);
    let coding = |value: &str| posted(&format!("transfer-encoding: {value}\r\n"), "0\r\n\r\n");
    let old = format!("POST {CHAT} HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    let requests = [
        length("27, 27"),
        length("+27"),
        length("-1"),
        length("0x1b"),
        length("27 27"),
        length(""),
        length("99999999999999999999"),
        old,
        coding("identity"),
        coding("gzip"),
        coding("gzip, chunked"),
        coding("chunked, chunked"),
        coding("chunked\r\ntransfer-encoding: chunked"),
        coding("chunked\r\ntransfer-encoding: identity"),
        coding("xchunked"),
        coding("\x0bchunked"),
    ];
    refused(&requests.map(|request| (request, 400))).await;
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let long = format!(";{}", "x".repeat(20 << 10));
    let requests = [
        chunked("zz\r\n"),
        chunked("-1\r\nx\r\n"),
        chunked("0x1\r\nx\r\n"),
        chunked("\r\n"),
        chunked("1 1\r\nx\r\n"),
        chunked("fffffffffffffffff\r\nx\r\n"),
        chunked("1\r\nxyz\r\n0\r\n\r\n"),
        chunked("1\nx\r\n0\r\n\r\n"),
        one_chunk(";a=b\nc", "\r\n0\r\n\r\n"),
        one_chunk(&long, "\r\n0\r\n\r\n"),
        one_chunk("", "\r\n0\r\nbad trailer\r\n\r\n"),
        one_chunk("", "0\r\n\r\n"),
    ];
    refused(&requests.map(|request| (request, 400))).await;
}

#[tokio::test]
async fn heads_that_are_malformed_or_doubled_are_refused() {
    let line = |line: &str| format!("{line}\r\nhost: g\r\n\r\n");
    let host = |lines: &str| format!("GET /v1/models HTTP/1.1\r\n{lines}\r\n");
    let requests = [
        host(""),
        host("host: g\r\nhost: g\r\n"),
        host("host: g\r\nhost: h\r\n"),
        host("host:\r\n"),
        host("host: a b\r\n"),
        host("host: g/v1\r\n"),
        host("host: user@g\r\n"),
        host("host: g, h\r\n"),
        with("authorization: Bearer a\r\nauthorization: Bearer b\r\n"),
        with("authorization: Bearer a\r\nAuthorization: Bearer a\r\n"),
        with("content-type: text/plain\r\ncontent-type: application/json\r\n"),
        with("x_session_id: 1\r\n"),
        with("content_length: 5\r\n"),
        with("x-a: one\r\n two\r\n"),
        with("x-a: one\r\n\ttwo\r\n"),
        with("x-a : one\r\n"),
        with("x a: one\r\n"),
        with(": one\r\n"),
        with("x-a\r\n"),
        with("x-a: on\0e\r\n"),
        with("x-a: on\re\r\n"),
        with("x-a: on\x07e\r\n"),
        with("x-\u{e9}: one\r\n"),
        with("connection: upgrade\r\nupgrade: h2c\r\n"),
        with("connection: upgrade\r\nupgrade: websocket\r\n"),
        line("CONNECT engine:443 HTTP/1.1"),
        line("GET http://engine/v1/models HTTP/1.1"),
        line("GET https://g/v1/models HTTP/1.1"),
        line("OPTIONS * HTTP/1.1"),
        line("GET v1/models HTTP/1.1"),
        line("GET /v1/models HTTP/2.0"),
        line("GET /v1/models HTTP/1.1 x"),
        line("GET  /v1/models HTTP/1.1"),
        line("GET /v1/models"),
        line("G\0T /v1/models HTTP/1.1"),
        line(" GET /v1/models HTTP/1.1"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n".to_owned(),
    ];
    refused(&requests.map(|request| (request, 400))).await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_even_where_they_are_not_read_to_their_end() {
    let lines = |count: usize| "x-a: b\r\n".repeat(count);
    let long = |bytes: usize| format!("x-a: {}\r\n", "v".repeat(bytes));
    let path = format!("GET /{} HTTP/1.1\r\nhost: g\r\n\r\n", "p".repeat(70_000));
    let requests = [with(&lines(96)), with(&lines(101)), with(&lines(20_000)), with(&long(33 << 10))];
    let larger = [with(&long(300 << 10)), with(&long(4 << 20)), path];
    refused(&requests.into_iter().chain(larger).map(|request| (request, 431)).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_body_too_large_is_refused_and_the_client_can_read_why() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| setup.options.limits.body_bytes_max = 1000).await;
    let large = "x".repeat(8 << 20);
    let sized = posted(&format!("content-length: {}\r\n", large.len()), &large);
    let one = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    for request in [sized, chunked(&one)] {
        let mut client = rig.client().await;
        client.send(request.as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.is_whole), (413, true));
        assert!(answer.body.contains("request_too_large"), "{}", answer.body);
        assert!(client.closes().await);
    }
    assert_eq!(engine.connections(), 0);
}

/// Asserts that a request is answered and reaches the engine once, as the good body with its length.
async fn read_in_one_way(request: &str, stays_open: bool) {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::plain(&engine).await;
    let mut client = rig.client().await;
    client.send(request.as_bytes()).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200, "{request:?}: {answer:?}");
    let seen = engine.seen();
    assert_eq!(seen.len(), 1, "{request:?}");
    assert_eq!(
        seen[0].text(),
        BODY.replace(r#""m""#, r#""blue-model""#).replace("[]}", r#"[],"temperature":0.0}"#)
    );
    for absent in ["transfer-encoding", "trailer", "x-late"] {
        assert_eq!(seen[0].header(absent), None, "{request:?}");
    }
    if stays_open {
        assert_eq!(client.ask(CHAT, "", BODY).await.status, 200, "{request:?}");
    } else {
        assert!(client.closes().await, "{request:?}");
        assert_eq!(engine.seen().len(), 1, "{request:?}");
    }
}

#[tokio::test]
async fn well_formed_requests_are_read_in_one_way_and_written_anew() {
    let (length, close) = (BODY.len(), "connection: close\r\n");
    read_in_one_way(&with(""), true).await;
    read_in_one_way(&with(close), false).await;
    read_in_one_way(&one_chunk("", "\r\n0\r\n\r\n"), true).await;
    read_in_one_way(&one_chunk("", "\r\n0\r\nx-late: 1\r\nx-later: \r\n\r\n"), true).await;
    let letters = BODY.chars().map(|letter| format!("1\r\n{letter}\r\n")).collect::<String>();
    read_in_one_way(&chunked(&(letters + "000\r\n\r\n")), true).await;
    read_in_one_way(&format!("\r\n\r\n{}", with("")), true).await;
    read_in_one_way(&format!("POST {CHAT} HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{BODY}"), false).await;
    let head = format!("POST {CHAT} HTTP/1.1\nhost: g\ncontent-length: {length}\n\n");
    read_in_one_way(&(head + BODY), true).await;
}

/// Requests whose end two readers see in two places, and what the refusal says of them.
fn doubtful() -> Vec<(String, &'static str)> {
    let chunks = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    // To a reader of the length, what follows the chunks is part of a body; to one of the chunks it is a request.
    let smuggled = format!("{chunks}GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n");
    let length = format!("content-length: {}\r\n", smuggled.len());
    let coding = "transfer-encoding: chunked\r\n";
    let beside = "content-length must not stand beside transfer-encoding";
    let broken = "its chunks are not well-formed";
    vec![
        (posted(&format!("{length}{coding}"), &smuggled), beside),
        (posted(&format!("{coding}{length}"), &smuggled), beside),
        (with(&format!("Content-Length: {}\r\n", BODY.len())), "content-length must be given once"),
        (with("content-length: 5\r\n"), "content-length must be given once"),
        (one_chunk(";name=\"va;lue\"", "\r\n0\r\n\r\n"), broken),
        (one_chunk("", "\r\n0;x\r\n\r\n"), broken),
        (one_chunk(" ", "\r\n0\r\n\r\n"), broken),
        (one_chunk("", "\n0\r\n\r\n"), broken),
        (one_chunk("", "\r\n0\r\nx-late: 1\n\r\n"), broken),
    ]
}

/// Asserts that the next answer is the refusal, and that the connection ends with it.
async fn refused_next(client: &mut Client, says: &str, shown: &str) {
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.is_whole), (400, true), "{shown}: {answer:?}");
    assert!(answer.body.contains(says), "{shown}: {}", answer.body);
    assert_eq!(answer.header("connection"), Some("close"), "{shown}");
    assert!(client.closes().await, "{shown}");
}

#[tokio::test]
async fn a_request_whose_end_is_in_doubt_is_refused_wherever_it_stands() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::plain(&engine).await;
    let good = with("");
    for (number, (request, says)) in doubtful().iter().enumerate() {
        // On a fresh connection, …
        let mut fresh = rig.client().await;
        fresh.send(request.as_bytes()).await;
        refused_next(&mut fresh, says, request).await;
        // … behind a request that was answered, …
        let mut second = rig.client().await;
        second.send(good.as_bytes()).await;
        assert_eq!(second.answer().await.status, 200);
        second.send(request.as_bytes()).await;
        refused_next(&mut second, says, request).await;
        // … and behind one that came with it.
        let mut pipelined = rig.client().await;
        pipelined.send(format!("{good}{request}").as_bytes()).await;
        assert_eq!(pipelined.answer().await.status, 200, "{request}");
        refused_next(&mut pipelined, says, request).await;
        assert_eq!(engine.seen().len(), 2 * (number + 1), "{request}");
    }
    assert!(engine.seen().iter().all(|seen| seen.text().contains("blue-model")));
    assert_eq!(rig.counters.snapshot().in_flight, 0);
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_refused_or_passed_as_it_is_at_once() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::plain(&engine).await;
    let good = one_chunk("", "\r\n0\r\nx-late: 1\r\n\r\n");
    for (number, (request, says)) in doubtful().iter().enumerate() {
        let mut client = rig.client().await;
        client.stream.set_nodelay(true).unwrap();
        for byte in format!("{good}{request}").bytes() {
            // Whoever was refused need not read on.
            if tokio::io::AsyncWriteExt::write_all(&mut client.stream, &[byte]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(client.answer().await.status, 200, "{request}");
        refused_next(&mut client, says, request).await;
        assert_eq!(engine.seen().len(), number + 1, "{request}");
    }
}

#[tokio::test]
async fn a_doubtful_head_waits_for_the_answer_before_it() {
    let engine = Engine::always([vec![Step::Gate], body_of("x")].concat()).await;
    let rig = Rig::plain(&engine).await;
    for (number, (request, says)) in doubtful().iter().take(4).enumerate() {
        let mut client = rig.client().await;
        client.send(format!("{}{request}", with("")).as_bytes()).await;
        engine.arrived(1).await;
        // A second read of the connection finds it, while the first request is still being answered.
        client.send(request.as_bytes()).await;
        engine.open(1);
        assert_eq!(client.answer().await.status, 200, "{request}");
        refused_next(&mut client, says, request).await;
        assert_eq!(engine.seen().len(), number + 1, "{request}");
    }
    // And a client that leaves meanwhile is still heard, whatever else it has sent.
    let mut client = rig.client().await;
    client.send(format!("{}{}", with(""), doubtful()[0].0).as_bytes()).await;
    engine.arrived(1).await;
    client.send(&[b'x'; 100_000]).await;
    drop(client);
    engine.gone().await;
}

#[tokio::test]
async fn headers_of_one_hop_are_stripped_both_ways() {
    let body = "{}";
    let answer = whole("200 OK", "application/json", body);
    let fields = "connection: keep-alive, x-private\r\nkeep-alive: timeout=5\r\nx-private: 1\r\n\
                  proxy-connection: keep-alive\r\nx-goldgate-arm: forged\r\nx-kept: 1\r\n\r\n";
    let answer = String::from_utf8(answer).unwrap().replacen("\r\n\r\n", &format!("\r\n{fields}"), 1);
    let engine = Engine::always(vec![Step::Send(answer.into_bytes())]).await;
    let rig = Rig::plain(&engine).await;
    let lines = "connection: x-secret, close\r\nconnection: X-Other, host, authorization\r\nx-secret: 1\r\n\
                 x-other: 1\r\nkeep-alive: 5\r\nproxy-connection: close\r\nte: trailers\r\ntrailer: x\r\n\
                 authorization: Bearer k\r\nx-kept: 1\r\n";
    let answer = rig.client().await.ask(CHAT, lines, BODY).await;
    let seen = &engine.seen()[0];
    for name in ["connection", "x-secret", "x-other", "keep-alive", "proxy-connection", "te", "trailer"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("authorization").as_deref(), Some("Bearer k"));
    assert_eq!((seen.header("x-kept").as_deref(), answer.header("x-kept")), (Some("1"), Some("1")));
    assert_eq!((answer.body.as_str(), answer.header("x-goldgate-arm")), (body, Some("baseline")));
    assert_eq!(answer.header("connection"), Some("close"));
    for name in ["x-private", "keep-alive", "proxy-connection"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}
