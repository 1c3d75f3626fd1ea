//! Engines that stop: before the head, before the first token, in mid-answer.

use super::*;
use crate::domain::Outcome::Stalled;

const FIRST: Timeouts = Timeouts { first_byte: SOON, ..PATIENT };
const IDLE: Timeouts = Timeouts { idle: SOON, ..PATIENT };
const TOTAL: Timeouts = Timeouts { total: Some(SOON), ..PATIENT };

/// No byte of the body comes: the client gets an error of ours.
fn silent(name: &'static str, before: &str) -> Fault {
    let sees = Sees::Error(504, "engine_timeout");
    let plays = vec![send(before), Step::Hang];
    alike(name, FIRST, Cell { plays, sees, outcome: Stalled, evidence: Evidence::Broken, line: Line::Closed })
}

/// The answer begins as given and stays unfinished.
fn stuck(name: &'static str, limits: Timeouts, events: &str, body: &str) -> Fault {
    let cell = |begun: Step, seen: &str| Cell {
        plays: vec![begun, Step::Hang],
        sees: Sees::Cut(seen.to_owned()),
        outcome: Stalled,
        evidence: Evidence::Broken,
        line: Line::Closed,
    };
    let head = chunked_head("text/event-stream");
    let stream = if events.is_empty() { send(head) } else { begins(events) };
    let plain = send(sized("application/json", good_body().len()) + body);
    Fault { name, limits, stream: cell(stream, events), plain: cell(plain, body) }
}

/// The answer has no fault but its length in time.
fn too_long() -> Fault {
    let mut fault = stuck("longer than the total limit", TOTAL, &token("a"), &half(&good_body()));
    fault.stream.evidence = Evidence::Lost;
    fault.plain.evidence = Evidence::Lost;
    fault
}

pub(super) fn faults() -> Vec<Fault> {
    let role = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n";
    vec![
        silent("black hole", ""),
        silent("slow headers", "HTTP/1.1 200 OK\r\ncontent-ty"),
        silent("1xx, then a stall", "HTTP/1.1 100 Continue\r\n\r\n"),
        silent("three 1xx, then a stall", &"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(3)),
        stuck("200, then a hang", FIRST, "", ""),
        stuck("hang before the first token", IDLE, role, "{"),
        stuck("hang after a comment", IDLE, ": ping\n\n", " "),
        stuck("hang in mid-stream", IDLE, &token("a"), &half(&good_body())),
        stuck("hang in mid-event", IDLE, &(token("a") + "data: {\"choi"), &half(&good_body())),
        too_long(),
    ]
}
