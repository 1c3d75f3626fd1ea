//! An answer that came as one JSON body.
//!
//! Decided here: a status outside 2xx is `errored(status)`; a 2xx whose whole body is not a JSON answer
//! (a proxy's HTML page, an empty body) is `errored(502)`, because what answered is not an engine; a body
//! that was cut is truncated, without a finish unless the cut came after the last byte.

use super::chunk::Chunk;
use super::items::Whole;
use super::reading::{Finished, Reading, cut_short};
use super::{Answer, End, Form};
use crate::domain::{Clocks, Missing, Outcome};

/// Reads a body of choices that came whole. First-token times do not exist for it; `clocks.end_ms` is its end.
#[must_use]
pub fn read_json_answer(status: u16, body: &[u8], clocks: Clocks) -> Answer {
    read_body(Form::Choices, status, body, End::Clean, clocks)
}

/// Reads what came of a body before it ended in any of the four ways.
pub(super) fn read_body(form: Form, status: u16, body: &[u8], end: End, clocks: Clocks) -> Answer {
    let mut reading = Reading::default();
    // Text is checked once for the whole: the reader then checks no string by itself.
    let is_answer = std::str::from_utf8(body).is_ok_and(|text| match form {
        Form::Choices => take_choices(&mut reading, text),
        Form::Items => take_items(&mut reading, text),
    });
    let outcome = outcome(status, is_answer, &reading, end);
    let foreign = !is_answer && outcome.is_error();
    Answer {
        outcome,
        clocks: Clocks { first_event_ms: None, first_token_ms: None, last_token_ms: None, ..clocks },
        tool_calls: reading.tool_calls(),
        text: reading.text,
        usage: reading.usage,
        fingerprint: reading.fingerprint,
        token_chunks: 0,
        error: reading.error.map(|(_, message)| message).or_else(|| foreign.then(|| quote(body))),
    }
}

/// Whether it is an answer of choices, or an error.
fn take_choices(reading: &mut Reading, text: &str) -> bool {
    let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(text) else { return false };
    if chunk.is_bare_error() {
        reading.fail(text);
        return true;
    }
    reading.take(&chunk);
    chunk.choices.is_there() || chunk.error.is_some()
}

/// Whether it is an answer of items, or an error.
fn take_items(reading: &mut Reading, text: &str) -> bool {
    let Ok(whole) = serde_json::from_str::<Whole<'_>>(text) else { return false };
    if whole.is_bare_error() {
        reading.fail(text);
        return true;
    }
    reading.take_items(&whole);
    whole.output.is_there() || whole.error.is_some()
}

fn outcome(status: u16, is_answer: bool, reading: &Reading, end: End) -> Outcome {
    match end {
        _ if !(200..300).contains(&status) => Outcome::Errored(status),
        End::Stalled => Outcome::Stalled,
        End::ClientGone => Outcome::ClientGone,
        End::Broken if is_answer && reading.finished.is_some() => Outcome::Truncated(Missing::Terminator),
        End::Broken => Outcome::Truncated(Missing::Finish),
        End::Clean if !is_answer => Outcome::Errored(502),
        End::Clean => finished(reading),
    }
}

fn finished(reading: &Reading) -> Outcome {
    match (&reading.error, reading.finished) {
        (Some((code, _)), _) => Outcome::Errored(*code),
        (None, Some(Finished::Errored)) => Outcome::Errored(500),
        (None, Some(Finished::Aborted)) => Outcome::Aborted,
        (None, Some(Finished::As(finish))) => Outcome::Complete(finish),
        (None, None) => Outcome::Truncated(Missing::Finish),
    }
}

/// The beginning of a body that no engine writes, for the log.
fn quote(body: &[u8]) -> String {
    let start = &body[..body.len().min(1024)];
    cut_short(String::from_utf8_lossy(start).trim())
}

#[cfg(test)]
mod tests;
