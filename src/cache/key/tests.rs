//! What is the same, and what keeps answers apart.

use super::*;
use crate::cache::testing::{Case, changed};

const BODY: &str = r#"{"a": "x \" y", "b": [1, 2]}"#;

fn key(change: impl FnOnce(&mut Case)) -> CacheKey {
    let mut case = Case { body: BODY.to_owned(), ..Case::default() };
    change(&mut case);
    case.key()
}

#[test]
fn white_space_between_tokens_is_nothing_and_inside_strings_is_something() {
    let check = |body: &str, same: bool| {
        assert_eq!(key(|_| ()) == key(|case| case.body = body.to_owned()), same, "{body}");
    };
    check(BODY, true);
    check("{\"a\":\"x \\\" y\",\n\t\"b\":[1,2]}\r\n", true);
    check(r#"{"a": "x \"  y", "b": [1, 2]}"#, false);
    check(r#"{"a": "x \" y", "b": [12]}"#, false);
    check(r#"{"b": [1, 2], "a": "x \" y"}"#, false);
}

#[test]
fn each_component_alone_makes_another_key() {
    let mut keys = vec![Case::default().key()];
    keys.extend(changed().into_iter().map(|(_, case)| case.key()));
    keys.push(key(|case| case.question = Some(1..4)));
    for (at, one) in keys.iter().enumerate() {
        assert!(keys[at + 1..].iter().all(|other| one.digest != other.digest), "{at}");
    }
}

#[test]
fn with_the_question_left_out_only_the_rest_counts() {
    let partition = |body: &str, question: &str| {
        let start = body.find(question).unwrap();
        key(|case| {
            case.body = body.to_owned();
            case.question = Some(start..start + question.len());
        })
    };
    let one = partition(r#"{"q": "a", "seed": 1}"#, "\"a\"");
    assert_eq!(one, partition(r#"{"q": "something else",  "seed": 1}"#, "\"something else\""));
    assert_ne!(one, partition(r#"{"q": "a", "seed": 2}"#, "\"a\""));
    assert_ne!(one, partition(r#"{"p": "a", "seed": 1}"#, "\"a\""));
}

#[test]
fn a_range_outside_the_body_leaves_nothing_out() {
    assert_eq!(key(|case| case.question = Some(5..1_000)), key(|_| ()));
}

#[test]
fn another_installations_secret_gives_other_tenants() {
    let of = |secret: &str| Tenant::of(&TenantSecret::new(secret), Some(b"Bearer ann"));
    assert_eq!(of("a"), of("a"));
    assert_ne!(of("a"), of("b"));
    assert_ne!(of("a"), Tenant::of(&TenantSecret::new("a"), Some(b"Bearer bob")));
    assert_eq!(format!("{:?}", TenantSecret::new("a")), "TenantSecret");
}
