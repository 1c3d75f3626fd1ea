//! `tool_call@1`: the tools that were called, and with what.

use serde::Deserialize;
use serde_json::Value;

use super::json_match::is_same;

/// A call as a reference writes it: bare, or as the OpenAI API nests it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Bare(Call),
    Nested { function: Call },
}

/// Name and arguments. Arguments may be JSON in a text, as the OpenAI API sends them; none at all are `{}`.
#[derive(Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// One call, or all of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Calls {
    Many(Vec<Written>),
    One(Written),
}

/// 1 when the answer made the calls of `reference` and no others, in whatever order, else 0. Arguments are equal as JSON:
/// the order of their fields does not matter, a further one does.
pub(super) fn score(tool_calls: Option<&str>, reference: &str) -> f64 {
    let (Some(mut made), Some(expected)) = (read(tool_calls.unwrap_or("[]")), read(reference)) else {
        return 0.0;
    };
    let all_made = expected.iter().all(|call| {
        let found = made.iter().position(|other| other.is(call));
        found.map(|index| made.swap_remove(index)).is_some()
    });
    if all_made && made.is_empty() { 1.0 } else { 0.0 }
}

/// The calls in a text; `None` when it holds none that could be compared.
fn read(text: &str) -> Option<Vec<Call>> {
    let written = match serde_json::from_str(text).ok()? {
        Calls::Many(calls) => calls,
        Calls::One(call) => vec![call],
    };
    Some(written.into_iter().map(Call::from).collect())
}

/// Whether a reference can be read.
pub(super) fn is_readable(reference: &str) -> bool {
    read(reference).is_some()
}

impl Call {
    fn is(&self, other: &Self) -> bool {
        self.name == other.name && is_same(&self.arguments, &other.arguments)
    }
}

impl From<Written> for Call {
    fn from(written: Written) -> Self {
        let (Written::Bare(call) | Written::Nested { function: call }) = written;
        let arguments = match call.arguments {
            Value::Null => Value::Object(serde_json::Map::new()),
            Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            arguments => arguments,
        };
        Self { arguments, ..call }
    }
}

#[cfg(test)]
mod tests {
    const MADE: &str = r#"[{"arguments":{"city":"Paris","days":2},"name":"weather"}]"#;
    const TWO: &str = r#"[{"arguments":{"a":1},"name":"f"},{"arguments":{"a":2},"name":"f"}]"#;

    fn check(made: Option<&str>, reference: &str, expected: f64) {
        assert_eq!(super::score(made, reference), expected, "{made:?} against {reference}");
    }

    #[test]
    fn name_and_arguments_must_be_those_of_the_reference() {
        check(Some(MADE), r#"{"name": "weather", "arguments": {"days": 2.0, "city": "Paris"}}"#, 1.0);
        check(Some(MADE), r#"{"name": "weather", "arguments": {"city": "Paris"}}"#, 0.0);
        check(Some(MADE), r#"{"name": "weather", "arguments": {"city": "Paris", "days": "2"}}"#, 0.0);
        check(Some(MADE), r#"{"name": "climate", "arguments": {"city": "Paris", "days": 2}}"#, 0.0);
        check(None, r#"{"name": "weather"}"#, 0.0);
    }

    #[test]
    fn a_reference_may_be_written_as_the_api_writes_calls() {
        let nested = r#"[{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Paris\", \"days\": 2}"}}]"#;
        check(Some(MADE), nested, 1.0);
        check(Some(r#"[{"arguments":{},"name":"now"}]"#), r#"{"name": "now"}"#, 1.0);
    }

    #[test]
    fn several_calls_may_come_in_any_order_and_none_may_be_left_over() {
        check(
            Some(TWO),
            r#"[{"name": "f", "arguments": {"a": 2}}, {"name": "f", "arguments": {"a": 1}}]"#,
            1.0,
        );
        check(
            Some(TWO),
            r#"[{"name": "f", "arguments": {"a": 1}}, {"name": "f", "arguments": {"a": 1}}]"#,
            0.0,
        );
        check(Some(TWO), r#"{"name": "f", "arguments": {"a": 1}}"#, 0.0);
        check(Some(TWO), "[]", 0.0);
        check(None, "[]", 1.0);
    }

    #[test]
    fn broken_arguments_are_no_arguments() {
        check(Some(r#"[{"arguments":"{\"a\":","name":"f"}]"#), r#"{"name": "f", "arguments": {}}"#, 0.0);
        check(Some(MADE), "weather", 0.0);
    }
}
