//! What the Responses route has beyond an answer: a memory, and tools that the engine runs.
//!
//! - A request that goes on from what an engine keeps (`previous_response_id`, `conversation`), or whose answer is to be
//!   fetched later (`background`), goes where its client's requests go, and is relayed only: the other arm does not know what
//!   it names, so an error there would say nothing about its release. It is found again as long as its client stays on its arm,
//!   and where the engines of a slot share what they keep. The paths below `/v1/responses/` are plain relays; without a body that
//!   names a user, their client is known by its session header or its connection.
//! - `store` asks for the answer to be kept, and is what OpenAI assumes. Copies are told not to be: `"store": false`.
//! - Tools of the client (`function`, `custom`) are only named in an answer. All others the engine runs itself. Such a request is
//!   evidence of the arm that served it, and is not copied: a copy would search, compute or write a second time.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::admission::Ask;
use super::apply::is_set;
use super::refusal::Refusal;
use super::route::Route;
use crate::wire::{Edit, Fields, RequestHead, splice};

/// Tools that the client runs.
const OF_CLIENTS: [&str; 2] = ["function", "custom"];

#[derive(Deserialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: String,
}

/// Whether a request to this route needs an engine that remembers it.
pub(super) fn needs_memory(head: &RequestHead, body: &[u8]) -> bool {
    let is_background =
        is_set(head, body, "background") && head.fields.value(body, "background") != Some(b"false");
    is_background || ["previous_response_id", "conversation"].iter().any(|name| is_set(head, body, name))
}

/// Whether the engine may do more than answer.
pub(super) fn runs_tools(ask: &Ask) -> bool {
    let Some(head) = ask.head.as_ref().filter(|_| ask.route == Route::Responses) else { return false };
    if !is_set(head, &ask.body, "tools") {
        return false;
    }
    let tools = head.fields.value(&ask.body, "tools").map(serde_json::from_slice::<Vec<Tool>>);
    // What cannot be read is the engine's to refuse, once.
    !matches!(tools, Some(Ok(tools)) if tools.iter().all(|tool| OF_CLIENTS.contains(&tool.kind.as_str())))
}

/// The body of a copy: its answer is not to be kept.
pub(super) fn unkept(body: &Bytes) -> Result<Bytes, Refusal> {
    let fields = Fields::read(body)?;
    Ok(splice(body, &fields, &[Edit::set("store", &Value::Bool(false))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &str, expected: bool) {
        let body = format!(r#"{{"model":"m","input":"hi"{fields}}}"#);
        let head = RequestHead::parse(body.as_bytes()).unwrap();
        assert_eq!(needs_memory(&head, body.as_bytes()), expected, "{fields}");
    }

    #[test]
    fn a_request_that_names_what_is_kept_needs_memory() {
        check("", false);
        check(r#","store":true"#, false);
        check(r#","previous_response_id":null,"conversation":null,"background":false"#, false);
        check(r#","previous_response_id":"resp_1""#, true);
        check(r#","conversation":{"id":"conv_1"}"#, true);
        check(r#","background":true"#, true);
    }

    #[test]
    fn a_copys_answer_is_not_kept_and_nothing_else_changes() {
        let check = |body: &'static str, expected: &str| {
            assert_eq!(unkept(&Bytes::from_static(body.as_bytes())).unwrap(), expected);
        };
        check(r#"{"model":"m", "store": true,"x": 1.50}"#, r#"{"model":"m", "store": false,"x": 1.50}"#);
        check(r#"{"model":"m","x": 1.50}"#, r#"{"model":"m","x": 1.50,"store":false}"#);
    }
}
