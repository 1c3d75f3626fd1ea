//! What is the same, and what keeps answers apart.

use http::HeaderValue;

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

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = lines.iter();
    pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[test]
fn who_asks_is_told_by_every_identity_header_its_name_its_value_and_how_often_it_stands() {
    let secret = TenantSecret::default();
    let all = [
        headers(&[]),
        headers(&[("authorization", "a")]),
        headers(&[("api-key", "a")]),
        headers(&[("x-api-key", "a")]),
        headers(&[("cookie", "a")]),
        headers(&[("cookie", "ab")]),
        headers(&[("cookie", "a"), ("x-api-key", "b")]),
        headers(&[("cookie", "b"), ("x-api-key", "a")]),
        headers(&[("authorization", "a"), ("cookie", "a")]),
        headers(&[("authorization", "a"), ("openai-project", "a")]),
    ];
    let mut tenants: Vec<Tenant> = all.iter().map(|headers| secret.tenant(headers)).collect();
    let mut twice = headers(&[("cookie", "a")]);
    twice.append("cookie", HeaderValue::from_static("b"));
    tenants.push(secret.tenant(&twice));
    for (at, one) in tenants.iter().enumerate() {
        assert!(tenants[at + 1..].iter().all(|other| one != other), "{at}");
    }
    let order = headers(&[("x-api-key", "b"), ("cookie", "a"), ("x-request-id", "7")]);
    assert_eq!(secret.tenant(&order), tenants[6], "neither their order nor other headers count");
}

#[test]
fn one_authorization_is_one_client_whatever_stands_beside_it() {
    let secret = TenantSecret::default();
    let (alone, beside) =
        (Tenant::of(&secret, Some(b"a")), headers(&[("authorization", "a"), ("cookie", "b")]));
    assert_eq!(alone, secret.tenant(&headers(&[("authorization", "a")])));
    assert_eq!(secret.tenant(&beside).by_key(), alone);
    assert_eq!(secret.tenant(&beside).hex()[..32], alone.hex()[..32]);
    let keyed = secret.tenant(&headers(&[("api-key", "b")]));
    assert_ne!(keyed.by_key(), Tenant::of(&secret, None), "a client with another key is not anonymous");
}

#[test]
fn headers_that_are_named_take_the_place_of_the_usual_ones_beside_the_authorization() {
    let named = TenantSecret::default().with_headers(["x-b", "x-a", "x-a"].map(HeaderName::from_static));
    let same = TenantSecret::default().with_headers(["x-a", "x-b"].map(HeaderName::from_static));
    let both = headers(&[("x-a", "1"), ("x-b", "2")]);
    assert_eq!(named.tenant(&both), same.tenant(&both));
    assert_ne!(named.tenant(&both), named.tenant(&headers(&[("x-a", "1")])));
    assert_eq!(named.tenant(&headers(&[("cookie", "a")])), named.tenant(&headers(&[])));
    assert_ne!(named.tenant(&headers(&[("authorization", "a")])), named.tenant(&headers(&[])));
}
