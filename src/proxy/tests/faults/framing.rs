//! Engines that break off, and engines that do not speak HTTP as they should.

use super::*;
use crate::domain::Finish::Stop;
use crate::domain::Missing::{Finish, Terminator};
use crate::domain::Outcome::{Complete, Errored, Truncated};

/// The engine is not there, or says nothing that is an answer.
fn none(name: &'static str, plays: Vec<Step>, line: Line) -> Fault {
    let sees = Sees::Error(502, "engine_unavailable");
    alike(name, PATIENT, Cell { plays, sees, outcome: Errored(502), evidence: Evidence::Error, line })
}

/// An answer that ends before it should.
fn cut(plays: Vec<Step>, seen: &str, outcome: Outcome) -> Cell {
    let evidence = if outcome.is_complete() { Evidence::Sound } else { Evidence::Broken };
    Cell { plays, sees: Sees::Cut(seen.to_owned()), outcome, evidence, line: Line::Closed }
}

/// Half an event, half a body, and then `end`.
fn breaks(name: &'static str, end: Step) -> Fault {
    let (events, body) = (token("a") + "data: {\"choi", half(&good_body()));
    let plain = send(sized("application/json", good_body().len()) + &body);
    Fault {
        name,
        limits: PATIENT,
        stream: cut(vec![begins(&events), end.clone()], &events, Truncated(Finish)),
        plain: cut(vec![plain, end], &body, Truncated(Finish)),
    }
}

/// A good beginning in one chunk, and then these bytes where a chunk should be.
fn chunks(name: &'static str, bytes: &str, arrives: &str, end: Step) -> Fault {
    let stream = vec![begins(&token("a")), send(bytes), end.clone()];
    let body = half(&good_body());
    let plain = vec![send(chunked_head("application/json")), send(chunk(&body)), send(bytes), end];
    Fault {
        name,
        limits: PATIENT,
        stream: cut(stream, &(token("a") + arrives), Truncated(Finish)),
        plain: cut(plain, &(body + arrives), Truncated(Finish)),
    }
}

/// The length announced is less than what comes: no more is taken, and the connection is not trusted again.
fn length_too_short() -> Fault {
    let cell = |kind: &str, sent: String, lacks: usize, outcome, evidence| {
        let length = sent.len() - lacks;
        let plays = vec![send(sized(kind, length) + &sent), Step::Hang];
        Cell {
            plays,
            sees: Sees::Whole(200, sent[..length].to_owned()),
            outcome,
            evidence,
            line: Line::Closed,
        }
    };
    let (events, body) = (good_stream(), good_body());
    Fault {
        name: "content-length too short",
        limits: PATIENT,
        stream: cell("text/event-stream", events, done().len(), Truncated(Terminator), Evidence::Broken),
        plain: cell("application/json", body, 5, Errored(502), Evidence::Error),
    }
}

/// The length announced never comes. A reader of a stream has stopped at `[DONE]`; one of a body has not.
fn length_too_long() -> Fault {
    let (events, body) = (good_stream(), good_body());
    let plays = |kind, sent: &str| vec![send(sized(kind, sent.len() + 9) + sent), Step::Fin];
    Fault {
        name: "content-length too long",
        limits: PATIENT,
        stream: cut(plays("text/event-stream", &events), &events, Complete(Stop)),
        plain: cut(plays("application/json", &body), &body, Truncated(Terminator)),
    }
}

/// Two lengths, and so two readers that disagree.
fn length_and_chunks(name: &'static str, fields: &str) -> Fault {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{fields}\r\n");
    let plays =
        vec![send([head.into_bytes(), chunk(&good_stream()), LAST_CHUNK.to_vec()].concat()), Step::Hang];
    none(name, plays, Line::Closed)
}

/// Neither length nor chunks: only a reset can be told from the end.
fn without_length(name: &'static str, end: Step, reset: bool) -> Fault {
    let cell = |kind: &str, sent: String| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
        let plays = vec![send(head + &sent), end.clone()];
        match reset {
            true => cut(plays, &sent, Truncated(Finish)),
            false => Cell { sees: Sees::Whole(200, sent), ..cut(plays, "", Complete(Stop)) },
        }
    };
    let (events, body) = if reset { (token("a"), half(&good_body())) } else { (good_stream(), good_body()) };
    let (stream, plain) = (cell("text/event-stream", events), cell("application/json", body));
    Fault { name, limits: PATIENT, stream, plain }
}

pub(super) fn faults() -> Vec<Fault> {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-a: b\r\n".repeat(200));
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nraw";
    vec![
        none("refuses", Vec::new(), Line::Refused),
        none("closes before its answer", vec![Step::Fin], Line::Closed),
        none("resets before its answer", vec![Step::Reset], Line::Closed),
        none("closes in mid-head", vec![send("HTTP/1.1 200 OK\r\ncont"), Step::Fin], Line::Closed),
        none("speaks no HTTP", vec![send("220 mail ESMTP\r\n\r\n"), Step::Hang], Line::Closed),
        none("too many headers", vec![send(many), Step::Hang], Line::Closed),
        none("switches protocols unasked", vec![send(upgrade), Step::Hang], Line::Closed),
        breaks("RST in mid-event", Step::Reset),
        breaks("FIN in mid-event", Step::Fin),
        chunks("truncated chunk", "40\r\nabc", "abc", Step::Fin),
        chunks("no last chunk", "", "", Step::Fin),
        chunks("bad chunk size", "zz\r\nabc\r\n", "", Step::Hang),
        chunks("negative chunk size", "-5\r\nabc\r\n", "", Step::Hang),
        chunks("chunk size beyond 64 bits", "fffffffffffffffff\r\nabc\r\n", "", Step::Hang),
        chunks("chunk longer than its size", "1\r\nabc\r\n", "a", Step::Hang),
        length_too_short(),
        length_too_long(),
        length_and_chunks(
            "content-length and transfer-encoding",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        ),
        length_and_chunks(
            "transfer-encoding and content-length",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        ),
        length_and_chunks("a second coding", "transfer-encoding: gzip, chunked\r\n"),
        length_and_chunks("two lengths", "content-length: 5\r\ncontent-length: 6\r\n"),
        length_and_chunks("a length that is none", "content-length: 5x\r\n"),
        without_length("ends by closing", Step::Fin, false),
        without_length("ends by closing, reset", Step::Reset, true),
    ]
}
