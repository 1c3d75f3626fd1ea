//! `json_match@1`: JSON that says what the reference says.

use serde_json::Value;

/// 1 when `output` is one JSON value that includes `reference`, else 0: every field of the reference is there with the same
/// value, in whatever order, and further fields do not matter; arrays are equal item by item; numbers are equal by value.
pub(super) fn score(output: &str, reference: &str) -> f64 {
    let [output, reference] = [output, reference].map(serde_json::from_str::<Value>);
    match (output, reference) {
        (Ok(output), Ok(reference)) if includes(&output, &reference) => 1.0,
        _ => 0.0,
    }
}

/// Whether two values are the same JSON: the order of fields and the spelling of numbers do not matter.
pub(in crate::evals) fn is_same(left: &Value, right: &Value) -> bool {
    includes(left, right) && includes(right, left)
}

fn includes(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| includes(found, value)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(one, other)| includes(one, other))
        }
        // Whole numbers are compared as such: two large ones may be one float.
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        _ => found == expected,
    }
}

#[cfg(test)]
mod tests {
    fn check(output: &str, reference: &str, expected: f64) {
        assert_eq!(super::score(output, reference), expected, "{output} against {reference}");
    }

    #[test]
    fn fields_count_and_their_order_does_not() {
        let reference = r#"{"name": "Ada", "born": {"year": 1815, "month": 12}}"#;
        check(r#"{"born": {"month": 12, "year": 1815}, "name": "Ada"}"#, reference, 1.0);
        check(r#"{"born": {"month": 12, "year": 1815.0}, "name": "Ada", "died": null}"#, reference, 1.0);
        check(r#"{"born": {"year": 1815}, "name": "Ada"}"#, reference, 0.0);
        check(r#"{"born": {"month": 12, "year": "1815"}, "name": "Ada"}"#, reference, 0.0);
        check(r#"Here: {"name": "Ada"}"#, r#"{"name": "Ada"}"#, 0.0);
        check("null", "{}", 0.0);
    }

    #[test]
    fn arrays_are_equal_item_by_item() {
        check("[1, 2]", "[1, 2]", 1.0);
        check("[2, 1]", "[1, 2]", 0.0);
        check("[1, 2, 3]", "[1, 2]", 0.0);
        check(r#"[{"a": 1, "b": 2}]"#, r#"[{"a": 1}]"#, 1.0);
    }

    #[test]
    fn numbers_are_equal_by_value() {
        check("1.0", "1", 1.0);
        check("1e2", "100", 1.0);
        check("9007199254740993", "9007199254740992", 0.0);
        check("-0.0", "0", 1.0);
    }
}
