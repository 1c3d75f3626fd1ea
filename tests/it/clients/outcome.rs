//! What a client made of an answer, without what differs between two answers to the same question.

use serde_json::Value;

/// Keys of times.
const TIMES: [&str; 3] = ["created", "created_at", "completed_at"];

/// Where llama.cpp says how long it took. It stands in the chunk with the usage when that was asked for, and goes with
/// that chunk when it was not the client who asked.
const DURATIONS: &str = "timings";

/// How the ids of answers and of their parts begin.
const IDS: [&str; 6] = ["chatcmpl-", "cmpl-", "resp_", "msg_", "fc_", "call_"];

/// Names each id by the order in which it first came, and drops what clocks said.
pub(super) fn normal(mut outcome: Value) -> Value {
    rewrite(&mut outcome, &mut Vec::new());
    outcome
}

fn rewrite(value: &mut Value, seen: &mut Vec<String>) {
    match value {
        Value::String(text) if IDS.iter().any(|begin| text.starts_with(begin)) => {
            let known = seen.iter().position(|id| id == text);
            let number = known.unwrap_or_else(|| {
                seen.push(text.clone());
                seen.len() - 1
            });
            *text = format!("id {number}");
        }
        Value::Array(all) => all.iter_mut().for_each(|value| rewrite(value, seen)),
        Value::Object(fields) => {
            fields.shift_remove(DURATIONS);
            for (key, value) in fields {
                if TIMES.contains(&key.as_str()) && !value.is_null() {
                    *value = Value::from("a time");
                }
                rewrite(value, seen);
            }
        }
        _ => {}
    }
}

/// Where two outcomes first differ, and how. `None`: nowhere.
pub(super) fn difference(direct: &Value, proxied: &Value) -> Option<String> {
    let places: Vec<String> = match (direct, proxied) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            left.keys().cloned().collect()
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            (0..left.len()).map(|place| place.to_string()).collect()
        }
        _ if direct == proxied => return None,
        _ => return Some(format!(": {direct:#} without goldgate, {proxied:#} through it")),
    };
    places.iter().find_map(|place| {
        let inside =
            [direct, proxied].map(|value| value.pointer(&format!("/{place}")).expect("a known place"));
        difference(inside[0], inside[1]).map(|rest| format!("/{place}{rest}"))
    })
}

/// What a stream brought.
pub(super) fn events(outcome: &Value) -> &[Value] {
    outcome["events"].as_array().map_or(&[], Vec::as_slice)
}

/// The texts of a chat stream's chunks.
pub(super) fn pieces(outcome: &Value) -> Vec<&str> {
    events(outcome).iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

/// The arguments of the first function that a chat stream calls.
pub(super) fn arguments(outcome: &Value) -> String {
    let call = |event: &Value| {
        event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned)
    };
    events(outcome).iter().filter_map(call).collect()
}

/// Class, status and field of an error.
pub(super) fn refused(outcome: &Value) -> (&str, u64, &Value) {
    let error = &outcome["error"];
    let class = error["class"].as_str().unwrap_or_else(|| panic!("no error: {outcome}"));
    (class, error["status_code"].as_u64().unwrap_or(0), &error["param"])
}
