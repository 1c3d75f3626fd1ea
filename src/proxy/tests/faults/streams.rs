//! Engines that keep to HTTP and say something odd.

use super::*;
use crate::domain::Finish::Stop;
use crate::domain::Missing::{Finish, Terminator};
use crate::domain::Outcome::{Aborted, Complete, Errored, Truncated};

/// Bytes in an endless line; the observer gives up at a sixth of it.
const LINE_BYTES: usize = 100_000_000;

fn whole(plays: Vec<Step>, status: u16, body: String, outcome: Outcome) -> Cell {
    let evidence = match outcome {
        Complete(_) => Evidence::Sound,
        Errored(_) => Evidence::Error,
        _ => Evidence::Broken,
    };
    Cell { plays, sees: Sees::Whole(status, body), outcome, evidence, line: Line::Kept }
}

/// An event stream, answered to whoever asks.
fn events(name: &'static str, events: &str, outcome: Outcome) -> Fault {
    alike(name, PATIENT, whole(streams(events), 200, events.to_owned(), outcome))
}

/// One body with its length, answered to whoever asks.
fn body(name: &'static str, status: &str, fields: &str, body: &str, outcome: Outcome) -> Fault {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{fields}\r\n{body}");
    let status = status[..3].parse().unwrap();
    alike(name, PATIENT, whole(vec![send(text)], status, body.to_owned(), outcome))
}

pub(super) fn good() -> Fault {
    let plain = send(sized("application/json", good_body().len()) + &good_body());
    Fault {
        name: "no fault",
        limits: PATIENT,
        stream: whole(streams(&good_stream()), 200, good_stream(), Complete(Stop)),
        plain: whole(vec![plain], 200, good_body(), Complete(Stop)),
    }
}

/// The same good answer, cut into these pieces of the wire.
fn pieces(name: &'static str, stream: Vec<Step>, seen: String) -> Fault {
    let mut fault = alike(name, PATIENT, whole(stream, 200, seen, Complete(Stop)));
    let text = sized("application/json", good_body().len()) + &good_body();
    fault.plain = whole(text.bytes().map(|byte| send([byte])).collect(), 200, good_body(), Complete(Stop));
    fault
}

/// Multi-byte text whose chunks end inside characters.
fn split_utf8() -> Fault {
    let text = [token("né 日本 🦀"), finish(), done()].concat();
    let cut = |piece: &[u8]| send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    let mut stream = vec![send(chunked_head("text/event-stream"))];
    stream.extend(text.as_bytes().chunks(1).map(cut));
    stream.push(send(LAST_CHUNK));
    pieces("split UTF-8", stream, text)
}

fn head_in_single_bytes() -> Fault {
    let head = String::from_utf8(chunked_head("text/event-stream")).unwrap();
    let mut stream: Vec<Step> = head.bytes().map(|byte| send([byte])).collect();
    stream.extend([send(chunk(&good_stream())), send(LAST_CHUNK)]);
    pieces("a head in single bytes", stream, good_stream())
}

fn hints_first() -> Fault {
    let mut fault = good();
    fault.name = "1xx, then an answer";
    for cell in [&mut fault.stream, &mut fault.plain] {
        cell.plays.insert(0, send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"));
    }
    fault
}

/// An answer after which the engine wants no other.
fn last_answer() -> Fault {
    let text = format!("{}{}", sized("application/json", good_body().len()), good_body());
    let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let cell = whole(vec![send(text), Step::Fin], 200, good_body(), Complete(Stop));
    alike("the engine's last answer", PATIENT, Cell { line: Line::Closed, ..cell })
}

/// Not in the list: 100 MB in every role at once would only show how much memory there is.
pub(super) fn endless_line() -> Fault {
    let line = "x".repeat(LINE_BYTES);
    let chunked = vec![
        send(chunked_head("text/event-stream")),
        send(format!("{LINE_BYTES:x}\r\n")),
        Step::Fill(LINE_BYTES),
        send("\r\n"),
        send(LAST_CHUNK),
    ];
    let sized = vec![send(sized("application/json", LINE_BYTES)), Step::Fill(LINE_BYTES)];
    Fault {
        name: "an endless line",
        limits: PATIENT,
        stream: whole(chunked, 200, line.clone(), Truncated(Finish)),
        plain: whole(sized, 200, line, Truncated(Terminator)),
    }
}

fn odd_events() -> Vec<Fault> {
    let error = "data: {\"error\": {\"message\": \"EngineCore\", \"type\": \"InternalServerError\", \"code\": 503}}\n\n";
    let abort = finish().replace("stop", "abort");
    let of = |parts: &[&str]| parts.concat();
    let (a, end, done) = (&*token("a"), &*finish(), &*done());
    vec![
        events("no [DONE]", &of(&[a, end]), Truncated(Terminator)),
        events("no finish reason", &of(&[a, done]), Truncated(Finish)),
        events("an empty stream of comments", ": ping\n\n", Truncated(Finish)),
        events("two [DONE]", &of(&[a, end, done, done]), Complete(Stop)),
        events("text after [DONE]", &of(&[a, end, done, a, "data: {torn"]), Complete(Stop)),
        events("[DONE] with junk", &of(&[a, end, "data: [DONE]junk\n\n"]), Truncated(Terminator)),
        events("malformed JSON", &of(&[a, "data: {\"choices\": [}\n\n", end, done]), Truncated(Finish)),
        events("JSON of another shape", &of(&[a, "data: [1, \"x\"]\n\n", end, done]), Complete(Stop)),
        events("CR alone", &of(&[a, end, done]).replace('\n', "\r"), Complete(Stop)),
        events("CR LF", &of(&[a, end, done]).replace('\n', "\r\n"), Complete(Stop)),
        events("no last blank line", of(&[a, end, done]).trim_end(), Truncated(Terminator)),
        events("a byte order mark", &of(&["\u{feff}", a, end, done]), Complete(Stop)),
        events("an error object", &of(&[a, error]), Errored(503)),
        events("an error object, then [DONE]", &of(&[a, error, done]), Errored(503)),
        events("finish reason abort", &of(&[a, &abort, done]), Aborted),
    ]
}

fn odd_bodies() -> Vec<Fault> {
    let error = r#"{"error":{"message":"busy","code":"rate_limit"}}"#;
    let json = "content-type: application/json\r\n";
    let twice = format!("{json}content-length: {}\r\n", good_body().len());
    let wait = "content-type: application/json\r\nretry-after: 7\r\n";
    vec![
        body("429 with Retry-After", "429 Too Many Requests", wait, error, Errored(429)),
        body("500 with Retry-After", "500 Internal Server Error", wait, error, Errored(500)),
        body("503 with Retry-After", "503 Service Unavailable", wait, error, Errored(503)),
        body("503 as an event stream", "503 x", "content-type: text/event-stream\r\n", error, Errored(503)),
        body("an error object as the body", "200 OK", json, r#"{"error":{"code":500}}"#, Errored(500)),
        body("two equal lengths", "200 OK", &twice, &good_body(), Complete(Stop)),
        body("HTML for JSON", "200 OK", "content-type: text/html\r\n", "<html>busy</html>", Errored(502)),
        body("events as plain text", "200 OK", "content-type: text/plain\r\n", &good_stream(), Errored(502)),
        body("JSON as plain text", "200 OK", "content-type: text/plain\r\n", &good_body(), Complete(Stop)),
        body("JSON without a type", "200 OK", "", &good_body(), Complete(Stop)),
        body("JSON of no answer", "200 OK", json, "[]", Errored(502)),
        body("an empty body", "200 OK", json, "", Errored(502)),
    ]
}

pub(super) fn faults() -> Vec<Fault> {
    let pieces = vec![split_utf8(), head_in_single_bytes(), hints_first(), last_answer()];
    [odd_events(), odd_bodies(), pieces].into_iter().flatten().collect()
}
