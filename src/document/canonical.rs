//! One spelling per value, and digests over it.

use serde_json::Value;

/// Compact JSON with object keys in byte order. Floats do not belong in content that is hashed, because programs
/// spell them differently: write them as decimal strings.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
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

/// BLAKE3 over `parts`, each preceded by its length, under a key derived from `domain`: neither a shift of bytes
/// from one part to the next nor equal content of another kind gives the same digest.
#[must_use]
pub fn parts_digest(domain: &str, parts: &[&[u8]]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize()
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

    #[test]
    fn a_byte_that_moves_between_parts_changes_the_digest() {
        let digest = |domain, parts: &[&str]| {
            let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
            parts_digest(domain, &parts)
        };
        let all = [
            digest("d", &["ab", "c"]),
            digest("d", &["a", "bc"]),
            digest("d", &["abc"]),
            digest("e", &["abc"]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }
}
