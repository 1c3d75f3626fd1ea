//! Questions as data: a method of the clients, and what it is given.

use serde_json::{Value, json};

fn messages() -> Value {
    json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a gate? 🚪 Where?"}])
}

/// A chat question with further fields of the body.
pub(super) fn chat(fields: Value) -> Value {
    let mut params = json!({"messages": messages(), "temperature": 0.0, "max_tokens": 24, "seed": 1});
    merge(&mut params, fields);
    json!({"params": params})
}

fn merge(into: &mut Value, fields: Value) {
    for (key, value) in fields.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

/// A function that must be called.
pub(super) fn tools() -> Value {
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let function =
        json!({"name": "weather", "description": "The weather of a city", "parameters": parameters});
    json!({"tools": [{"type": "function", "function": function}], "tool_choice": "required", "max_tokens": 100})
}

/// Fields that demand an answer of this JSON schema.
fn structured(schema: &Value) -> Value {
    let format = json!({"name": "gate", "strict": true, "schema": schema});
    json!({"response_format": {"type": "json_schema", "json_schema": format}, "max_tokens": 400})
}

/// An answer that is an object with one boolean.
pub(super) fn open_or_not() -> Value {
    structured(&json!({"type": "object", "properties": {"open": {"type": "boolean"}}, "required": ["open"],
        "additionalProperties": false}))
}

/// A schema of a type that does not exist.
pub(super) fn nonsense() -> Value {
    structured(&json!({"type": "nonsense"}))
}

/// The same question with an answer in events.
pub(super) fn streamed(mut ask: Value) -> Value {
    ask["params"]["stream"] = json!(true);
    ask
}

/// A question to the completions route.
pub(super) fn completion(fields: Value) -> Value {
    let mut params = json!({"prompt": "A gate is", "temperature": 0.0, "max_tokens": 24, "seed": 1});
    merge(&mut params, fields);
    json!({"call": "completions.create", "params": params})
}

/// A question to the responses route with further fields of the body.
pub(super) fn response(fields: Value) -> Value {
    let mut params = json!({"input": "What is a gate?", "max_output_tokens": 24, "temperature": 0.0});
    merge(&mut params, fields);
    json!({"call": "responses.create", "params": params})
}

/// A function that must be called, as the responses route writes it.
pub(super) fn response_tools() -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let function = json!({"type": "function", "name": "weather", "parameters": parameters, "strict": false});
    json!({"tools": [function], "tool_choice": "required", "max_output_tokens": 100})
}

pub(super) fn embedding() -> Value {
    json!({"call": "embeddings.create", "params": {"input": "gate", "encoding_format": "float"}})
}

/// A conversation in which a function was called and gave its answer.
pub(super) fn called() -> Value {
    let function = json!({"name": "weather", "arguments": "{\"city\": \"Bonn\"}"});
    let call = json!({"id": "call_1", "type": "function", "function": function});
    json!({"messages": [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "no such city"},
    ]})
}
