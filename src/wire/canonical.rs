//! One spelling per JSON value, so that equal questions have equal digests.

use serde_json::Value;

/// Compact JSON with object keys in byte order. Numbers keep the spelling `serde_json` gives them.
pub(super) fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_str());
            for (position, (key, value)) in sorted.into_iter().enumerate() {
                out.push(if position == 0 { '{' } else { ',' });
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push_str(if fields.is_empty() { "{}" } else { "}" });
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                out.push(if position == 0 { '[' } else { ',' });
                write(item, out);
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::String(text) => write_text(text, out),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Most texts need no escape and are copied in one go.
fn write_text(text: &str, out: &mut String) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        return out.push_str(&Value::from(text).to_string());
    }
    out.reserve(text.len() + 2);
    out.push('"');
    out.push_str(text);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_spaces_of_objects_do_not_matter_and_order_of_arrays_does() {
        let check = |text: &str, expected: &str| {
            assert_eq!(canonical_json(&serde_json::from_str(text).unwrap()), expected);
        };
        check(
            r#"{ "b": [1, {"z": null, "a": "é\n"}], "a": {} }"#,
            r#"{"a":{},"b":[1,{"a":"é\n","z":null}]}"#,
        );
        check("[ 2, 1, [] ]", "[2,1,[]]");
        check("1.50", "1.5");
        check(r#"{"a\"b": "\\ \u0001 \/ \u007f"}"#, "{\"a\\\"b\":\"\\\\ \\u0001 / \u{7f}\"}");
    }
}
