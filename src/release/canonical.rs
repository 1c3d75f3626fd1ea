//! One text per content: sorted keys, floats as decimal strings, digests that cannot run together.

use serde_json::{Map, Number, Value};

/// What stands before a text that would be read as a float, or that begins like this itself.
const TEXT: &str = "@text:";

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

/// `value` with every text marked that [`canonical`] would make of a float, so that the two stay apart.
pub(super) fn marked(value: Value) -> Value {
    match value {
        Value::String(text) if float(&text).is_some() || text.starts_with(TEXT) => {
            format!("{TEXT}{text}").into()
        }
        Value::Array(items) => items.into_iter().map(marked).collect(),
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, marked(value))).collect(),
        other => other,
    }
}

/// The value of which [`marked`] and [`canonical`] made `value`.
pub(super) fn unmarked(value: Value) -> Value {
    match value {
        Value::String(text) => match (text.strip_prefix(TEXT), float(&text)) {
            (Some(rest), _) => rest.into(),
            (None, Some(number)) => number.into(),
            (None, None) => text.into(),
        },
        Value::Array(items) => items.into_iter().map(unmarked).collect(),
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, unmarked(value))).collect(),
        other => other,
    }
}

/// The float that is written just so.
fn float(text: &str) -> Option<Number> {
    let number = Number::from_f64(text.parse().ok()?)?;
    (number.to_string() == text).then_some(number)
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
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_keys_and_form_of_floats_do_not_matter() {
        let one: Value = serde_json::from_str(r#"{"b": 0.50, "a": {"d": 1, "c": [1.5]}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a": {"c": [1.5], "d": 1}, "b": 5e-1}"#).unwrap();
        assert_eq!(canonical(&one).to_string(), r#"{"a":{"c":["1.5"],"d":1},"b":"0.5"}"#);
        assert_eq!(canonical(&one).to_string(), canonical(&two).to_string());
    }

    #[test]
    fn floats_and_texts_that_look_like_them_come_back_as_what_they_were() {
        for value in [
            json!(0.5),
            json!("0.5"),
            json!(-1.5),
            json!("-1.5"),
            json!(1e21),
            json!("1e21"),
            json!("1e+21"),
            json!("3.140"),
            json!("3"),
            json!(3),
            json!("3.0"),
            json!("nan"),
            json!("@text:"),
            json!("@text:0.5"),
            json!("@text:@text:x"),
            json!({"a": [0.1, "0.1", {"b": -0.0, "c": "x", "d": null, "e": true}]}),
        ] {
            let written = canonical(&marked(value.clone())).to_string();
            assert_eq!(unmarked(serde_json::from_str(&written).unwrap()), value, "{written}");
        }
        let of = |value: Value| canonical(&marked(value)).to_string();
        assert_ne!(of(json!(0.5)), of(json!("0.5")));
        assert_eq!(of(json!(0.5)), "\"0.5\"", "as locks have it");
    }

    #[test]
    fn parts_do_not_run_together() {
        let of =
            |parts: &[(&str, &str)]| digest("d", parts.iter().map(|(name, text)| (*name, text.as_bytes())));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", ""), ("b", "")]), of(&[("a", "b")]));
    }
}
