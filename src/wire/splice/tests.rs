//! Edits, and every byte beside them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn check(body: &str, edits: &[Edit<'_>], expected: &str) {
    let out =
        splice(&Bytes::copy_from_slice(body.as_bytes()), &Fields::read(body.as_bytes()).unwrap(), edits);
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected, "{body}");
}

fn model() -> Edit<'static> {
    Edit::set("model", &json!("new"))
}

#[test]
fn a_value_is_replaced_and_nothing_else_moves() {
    check(r#"{"model":"old"}"#, &[model()], r#"{"model":"new"}"#);
    check(
        " { \"a\" : 1.50,\r\n \"model\" :\t\"old\" , \"b\":{\"model\":\"x\"} } \n",
        &[model()],
        " { \"a\" : 1.50,\r\n \"model\" :\t\"new\" , \"b\":{\"model\":\"x\"} } \n",
    );
    check(r#"{"mod\u0065l":"old"}"#, &[model()], r#"{"mod\u0065l":"new"}"#);
    check(r#"{"a":1}"#, &[], r#"{"a":1}"#);
}

#[test]
fn a_field_that_is_not_there_is_appended() {
    check("{}", &[model()], r#"{"model":"new"}"#);
    check("{ }\n", &[model()], "{\"model\":\"new\" }\n");
    check(r#"{"a":1 }"#, &[model(), Edit::set("b\"", &json!([2]))], r#"{"a":1,"model":"new","b\"":[2] }"#);
}

#[test]
fn fields_are_taken_out_with_their_commas() {
    let remove = |keys: &[&'static str]| keys.iter().map(|&key| Edit::remove(key)).collect::<Vec<_>>();
    let body = r#"{ "a":1, "b":2, "c":3 }"#;
    check(body, &remove(&["a"]), r#"{ "b":2, "c":3 }"#);
    check(body, &remove(&["b"]), r#"{ "a":1, "c":3 }"#);
    check(body, &remove(&["c"]), r#"{ "a":1, "b":2 }"#);
    check(body, &remove(&["a", "b"]), r#"{ "c":3 }"#);
    check(body, &remove(&["b", "c", "x"]), r#"{ "a":1 }"#);
    check(body, &remove(&["a", "b", "c"]), "{ }");
    check(body, &[Edit::remove("c"), model()], r#"{ "a":1, "b":2,"model":"new" }"#);
    check(body, &[Edit::remove("a"), Edit::remove("b"), Edit::remove("c"), model()], r#"{"model":"new" }"#);
}

#[test]
fn what_is_no_object_is_refused() {
    for body in ["", "[]", "{", "{} {}", "\"{}\""] {
        assert!(Fields::read(body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn editing_the_bytes_is_editing_the_value(
        fields in prop::collection::btree_map("[a-e\"\\\\é]{1,3}", "[ -~é]{0,8}", 0..6),
        removed in "[a-e]", set in "[a-e]",
    ) {
        let object: serde_json::Map<String, Value> =
            fields.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        let body = Bytes::from(serde_json::to_string_pretty(&object).unwrap());
        let edits = [Edit::set(set.as_str(), &json!({"x": 1})), Edit::remove(removed.as_str())];
        let edited: Value = serde_json::from_slice(&splice(&body, &Fields::read(&body).unwrap(), &edits)).unwrap();
        let mut expected = object;
        if removed != set {
            expected.remove(&removed);
        }
        expected.insert(set, json!({"x": 1}));
        prop_assert_eq!(edited, Value::Object(expected));
    }
}
