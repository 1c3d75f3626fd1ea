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
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            list(out, ['{', '}'], fields.into_iter(), |out, (key, value)| {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
            });
        }
        Value::Array(items) => list(out, ['[', ']'], items.iter(), |out, item| write(item, out)),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut one: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(',');
        }
        one(out, item);
    }
    out.push(close);
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
    fn keys_are_sorted_at_every_depth_and_order_of_arrays_is_kept() {
        let check = |text: &str, expected: &str| {
            assert_eq!(canonical_json(&serde_json::from_str(text).expect("JSON")), expected);
        };
        check(
            r#"{ "b": [2, 1, {"z": null, "a": "é\n"}], "a": {} }"#,
            r#"{"a":{},"b":[2,1,{"a":"é\n","z":null}]}"#,
        );
        check("[]", "[]");
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
