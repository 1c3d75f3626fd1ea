//! Every way an engine misbehaves × every role it can have × streamed or not.
//!
//! One table says what the engine writes, byte by byte, and what must come of it; [`run`] plays it to the
//! baseline, to the candidate of a split, and to a copy. What is asserted of each cell: what the client sees and
//! how that ends, how the connection to the engine ends, the outcome, what the proxy counts, and the record that
//! pairing makes of it. A fault of a copy must leave the client's answer as it is without any fault.

mod framing;
mod hangs;
mod responses;
mod run;
mod streams;

use std::time::Duration;

use super::rig::*;
use crate::domain::Outcome;
use crate::upstream::Timeouts;
use crate::upstream::testing::{LAST_CHUNK, Step, chunk, chunked_head};

/// Long enough for bytes that are on their way, short enough to wait for.
const SOON: Duration = Duration::from_millis(60);

/// One way of an engine to misbehave.
struct Fault {
    name: &'static str,
    limits: Timeouts,
    /// Towards a request with `"stream": true`.
    stream: Cell,
    /// Towards one without.
    plain: Cell,
}

/// What the engine does, and what must come of it.
#[derive(Clone)]
struct Cell {
    plays: Vec<Step>,
    sees: Sees,
    outcome: Outcome,
    evidence: Evidence,
    line: Line,
}

/// What the client sees where the engine serves it.
#[derive(Clone)]
enum Sees {
    /// A body that ends as HTTP says it should.
    Whole(u16, String),
    /// This much of a body with status 200, and then no end.
    Cut(String),
    /// An error of the proxy's own, by its status and code.
    Error(u16, &'static str),
}

/// What the answer is evidence of, as one half of a pair or as an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    /// A good answer.
    Sound,
    /// The request failed.
    Error,
    /// An answer began and broke.
    Broken,
    /// It ran longer than a copy may: a missing half of the pair. Towards a client it is `Broken`.
    Lost,
}

/// What becomes of the connection to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It carries the next request.
    Kept,
    /// The proxy leaves it, or the engine did.
    Closed,
    /// There is none: nobody listens.
    Refused,
}

/// A fault that looks the same whatever was asked for.
fn alike(name: &'static str, limits: Timeouts, cell: Cell) -> Fault {
    Fault { name, limits, stream: cell.clone(), plain: cell }
}

fn send(bytes: impl AsRef<[u8]>) -> Step {
    Step::Send(bytes.as_ref().to_vec())
}

/// A head that announces `length` bytes.
fn sized(content_type: &str, length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n")
}

/// A streamed answer that begins with these bytes, in one write, so that no limit can cut between them.
fn begins(events: &str) -> Step {
    send([chunked_head("text/event-stream"), chunk(events)].concat())
}

/// A streamed answer of these bytes, and its end.
fn streams(events: &str) -> Vec<Step> {
    vec![begins(events), send(LAST_CHUNK)]
}

/// A good streamed answer.
fn good_stream() -> String {
    [token("a"), finish(), done()].concat()
}

/// A good unstreamed answer.
fn good_body() -> String {
    let choice = r#"{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}"#;
    format!(r#"{{"choices":[{choice}]}}"#)
}

/// An answer's first half.
fn half(text: &str) -> String {
    text[..text.len() / 2].to_owned()
}

#[tokio::test]
async fn a_good_engine_shows_that_the_table_reads_right() {
    run::check(streams::good()).await;
}

#[tokio::test]
async fn an_engine_that_hangs_is_given_up_in_time_and_closed() {
    for fault in hangs::faults() {
        run::check(fault).await;
    }
}

#[tokio::test]
async fn an_engine_that_breaks_the_framing_never_ends_an_answer_clean() {
    for fault in framing::faults() {
        run::check(fault).await;
    }
}

#[tokio::test]
async fn an_engine_that_says_something_odd_is_relayed_as_it_is_and_read_for_what_it_is() {
    for fault in streams::faults() {
        run::check(fault).await;
    }
}

#[tokio::test]
async fn an_engine_that_breaks_a_response_is_read_for_what_it_is() {
    for fault in responses::faults() {
        run::check_on(&responses::ROUTE, fault).await;
    }
}

#[tokio::test]
async fn an_endless_line_is_relayed_to_its_end_and_observed_no_further_than_its_bound() {
    for mode in run::MODES {
        for role in run::ROLES {
            let mut fault = streams::endless_line();
            if role == run::Role::Mirror {
                // A copy is read no further, and whether a long body is an answer is then not known.
                (fault.stream.line, fault.plain.line) = (Line::Closed, Line::Closed);
                fault.plain.evidence = Evidence::Lost;
            }
            run::cell(&fault, role, mode).await;
        }
    }
}
