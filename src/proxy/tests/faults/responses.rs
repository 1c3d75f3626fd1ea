//! What an engine can do wrong on the Responses route alone; what breaks HTTP breaks it on every route.

use serde_json::{Value, json};

use super::run::Route;
use super::*;
use crate::domain::Finish::{Length, Stop, ToolCalls};
use crate::domain::Missing::{Finish, Terminator};
use crate::domain::Outcome::{Aborted, Complete, Errored, Truncated};

pub(super) const ROUTE: Route = Route { path: "/v1/responses", asks, good_stream, good_body };

fn asks(fields: &str) -> String {
    format!(r#"{{"model":"chat","input":"hi"{fields}}}"#)
}

fn response(status: &str, output: &Value) -> Value {
    json!({"object": "response", "status": status, "output": output, "usage": {"input_tokens": 3, "output_tokens": 2}})
}

fn message() -> Value {
    json!([{"type": "message", "content": [{"type": "output_text", "text": "a"}]}])
}

fn event(kind: &str, fields: &Value) -> String {
    let mut data = json!({"type": kind});
    data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("event: {kind}\ndata: {data}\n\n")
}

fn last(kind: &str, response: &Value) -> String {
    event(kind, &json!({"response": response}))
}

/// A piece of text.
fn said() -> String {
    event("response.output_text.delta", &json!({"delta": "a"}))
}

fn completed() -> String {
    last("response.completed", &response("completed", &message()))
}

fn good_stream() -> String {
    said() + &completed()
}

fn good_body() -> String {
    response("completed", &message()).to_string()
}

fn cell(plays: Vec<Step>, sees: Sees, outcome: Outcome, line: Line) -> Cell {
    let evidence = match outcome {
        Complete(_) => Evidence::Sound,
        Errored(_) => Evidence::Error,
        _ => Evidence::Broken,
    };
    Cell { plays, sees, outcome, evidence, line }
}

/// An event stream, answered to whoever asks.
fn events(name: &'static str, events: &str, outcome: Outcome) -> Fault {
    let sees = Sees::Whole(200, events.to_owned());
    alike(name, PATIENT, cell(streams(events), sees, outcome, Line::Kept))
}

/// One body, answered to whoever asks.
fn body(name: &'static str, body: &str, outcome: Outcome) -> Fault {
    let plays = vec![send(sized("application/json", body.len()) + body)];
    alike(name, PATIENT, cell(plays, Sees::Whole(200, body.to_owned()), outcome, Line::Kept))
}

/// A connection that ends in the middle of the last event, or of the body.
fn cut(name: &'static str, ends: Step) -> Fault {
    let (torn, whole) = (said() + &half(&completed()), good_body());
    let plays = vec![begins(&torn), ends.clone()];
    let mut fault = alike(name, PATIENT, cell(plays, Sees::Cut(torn), Truncated(Finish), Line::Closed));
    let plays = vec![send(sized("application/json", whole.len()) + &half(&whole)), ends];
    fault.plain = cell(plays, Sees::Cut(half(&whole)), Truncated(Finish), Line::Closed);
    fault
}

fn odd_streams() -> Vec<Fault> {
    let (said, completed, good) = (said(), completed(), good_stream());
    let call = json!([{"type": "function_call", "name": "f", "arguments": "{}"}]);
    let failed = json!({"status": "failed", "error": {"code": "server_error", "message": "gone"}});
    let error = event("error", &json!({"code": "503", "message": "gone"}));
    let ended = |kind: &str, response: &Value| said.clone() + &last(kind, response);
    vec![
        events("no fault", &good, Complete(Stop)),
        events("no last event", &said, Truncated(Finish)),
        events("[DONE] for a last event", &(said.clone() + &done()), Truncated(Finish)),
        events("[DONE] behind it", &(good.clone() + &done()), Complete(Stop)),
        events("two last events", &(good.clone() + &completed), Complete(Stop)),
        events("text behind the last event", &(good.clone() + &said + "data: {torn"), Complete(Stop)),
        events("malformed JSON", &(said.clone() + "data: {\"type\":\n\n" + &completed), Truncated(Finish)),
        events(
            "an event of another day",
            &(event("response.new", &json!({"x": [1]})) + &good),
            Complete(Stop),
        ),
        events("CR alone", &good.replace('\n', "\r"), Complete(Stop)),
        events("CR LF", &good.replace('\n', "\r\n"), Complete(Stop)),
        events("a byte order mark", &format!("\u{feff}{good}"), Complete(Stop)),
        events("a failed response", &ended("response.failed", &failed), Errored(500)),
        events("an error event", &(said.clone() + &error), Errored(503)),
        events("an error event, then a last one", &(error + &completed), Errored(503)),
        events(
            "an incomplete response",
            &ended("response.incomplete", &response("incomplete", &message())),
            Complete(Length),
        ),
        events("a cancelled one", &ended("response.completed", &response("cancelled", &message())), Aborted),
        events("a call", &ended("response.completed", &response("completed", &call)), Complete(ToolCalls)),
        events("chunks of the chat route", &super::good_stream(), Truncated(Finish)),
    ]
}

fn odd_bodies() -> Vec<Fault> {
    let of = |status: &str| response(status, &message()).to_string();
    vec![
        body("no fault in a body", &good_body(), Complete(Stop)),
        body("a body that failed", &of("failed"), Errored(500)),
        body("an incomplete body", &of("incomplete"), Complete(Length)),
        body("a cancelled body", &of("cancelled"), Aborted),
        body("a body that goes on elsewhere", &of("queued"), Truncated(Finish)),
        body("an error object as the body", r#"{"error":{"code":429}}"#, Errored(429)),
        body("an answer of the chat route", &super::good_body(), Errored(502)),
        body("JSON of no answer", "{}", Errored(502)),
    ]
}

/// A whole body whose connection says that more was to come.
fn longer_than_it_is() -> Fault {
    let (body, length) = (good_body(), good_body().len() + 1);
    let plays = vec![send(sized("application/json", length) + &body), Step::Close];
    alike("a length too long", PATIENT, cell(plays, Sees::Cut(body), Truncated(Terminator), Line::Closed))
}

pub(super) fn faults() -> Vec<Fault> {
    let cuts =
        vec![cut("reset in an event", Step::Reset), cut("end in an event", Step::Close), longer_than_it_is()];
    [odd_streams(), odd_bodies(), cuts].into_iter().flatten().collect()
}
