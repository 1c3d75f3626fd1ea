//! One text per content: sorted keys, floats as decimal strings, digests that cannot run together.

use serde_json::{Map, Value};

/// `value` with the keys of every object sorted and every float written as a decimal string, so that no
/// reader's number parser can change a digest.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::String(number.to_string()),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(object) => {
            let mut sorted: Vec<_> = object.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            Value::Object(
                sorted.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}

/// BLAKE3 over named parts: each name and text is preceded by its length, and `domain` keeps digests of
/// different things apart even where their bytes agree.
pub(super) fn digest<'a>(domain: &str, parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for (name, bytes) in parts {
        for piece in [name.as_bytes(), bytes] {
            hasher.update(&(piece.len() as u64).to_le_bytes()).update(piece);
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_keys_and_form_of_floats_do_not_matter() {
        let one: Value = serde_json::from_str(r#"{"b": 0.50, "a": {"d": 1, "c": [1.5]}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a": {"c": [1.5], "d": 1}, "b": 5e-1}"#).unwrap();
        assert_eq!(canonical(&one).to_string(), r#"{"a":{"c":["1.5"],"d":1},"b":"0.5"}"#);
        assert_eq!(canonical(&one).to_string(), canonical(&two).to_string());
    }

    #[test]
    fn parts_do_not_run_together() {
        let of =
            |parts: &[(&str, &str)]| digest("d", parts.iter().map(|(name, text)| (*name, text.as_bytes())));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", ""), ("b", "")]), of(&[("a", "b")]));
    }
}
