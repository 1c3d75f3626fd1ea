//! What goes to the engine, byte for byte, and what of it the cache is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::domain::ReleaseId;
use crate::release::{PromptTexts, Prompts};

fn deployed() -> Deployed {
    let text = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let texts = PromptTexts {
        entries: text("answer", "answer.j2"),
        files: text("answer.j2", "Q: {{ question }}"),
        schemas: BTreeMap::new(),
    };
    let sampling = json!({"temperature": 0.0, "max_tokens": 64}).as_object().unwrap().clone();
    let prompts = Arc::new(Prompts::compile(&texts).unwrap());
    let (sem, model) = (ReleaseId::from("sem:1"), Some("engine-name".to_owned()));
    Deployed { sem, model, sampling, client_may_set: None, salts_prefixes: false, prompts }
}

fn check(route: Route, body: &str, expected: &str) -> Applied {
    let head = RequestHead::parse(body.as_bytes()).unwrap();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let applied = apply(&deployed(), route, &head, &body, UsageChunks::Ask).unwrap();
    assert_eq!(String::from_utf8_lossy(&applied.body), expected);
    applied
}

#[test]
fn only_what_the_release_says_changes_and_the_rest_stays_byte_for_byte() {
    let applied = check(
        Route::Chat,
        r#"{"model": "chat",  "messages": [1.50], "max_completion_tokens": 5, "new": {"b":1, "a":2}}"#,
        r#"{"model": "engine-name",  "messages": [1.50], "max_completion_tokens": 5, "new": {"b":1, "a":2},"temperature":0.0}"#,
    );
    assert_eq!((applied.temperature, applied.choices, applied.added_usage), (Some(0.0), 1, false));
}

#[test]
fn the_clients_own_sampling_wins_and_null_is_not_set() {
    let applied = check(
        Route::Completions,
        r#"{"model":"chat","prompt":"x","temperature":0.7,"max_tokens":null,"n":2}"#,
        r#"{"model":"engine-name","prompt":"x","temperature":0.7,"max_tokens":64,"n":2}"#,
    );
    assert_eq!((applied.temperature, applied.choices), (Some(0.7), 2));
}

#[test]
fn a_prompt_becomes_the_messages_of_this_release() {
    check(
        Route::Chat,
        r#"{"model":"chat","prompt":{"id":"answer","variables":{"question":"1+1?"}},"temperature":1,"max_tokens":1}"#,
        r#"{"model":"engine-name","temperature":1,"max_tokens":1,"messages":[{"role":"user","content":"Q: 1+1?"}]}"#,
    );
}

#[test]
fn the_usage_chunk_is_asked_for_beside_the_clients_other_stream_options() {
    let asked = check(
        Route::Chat,
        r#"{"model":"engine-name","messages":[],"temperature":0,"max_tokens":1,"stream":true,"stream_options":{"x":1}}"#,
        r#"{"model":"engine-name","messages":[],"temperature":0,"max_tokens":1,"stream":true,"stream_options":{"x":1,"include_usage":true}}"#,
    );
    assert!(asked.added_usage);
    let body = r#"{"model":"engine-name","messages":[],"temperature":0,"max_tokens":1,"stream":true,"stream_options":{"include_usage":true}}"#;
    assert!(!check(Route::Chat, body, body).added_usage);
}

#[test]
fn the_responses_route_calls_the_length_by_its_own_name_and_is_not_asked_for_usage() {
    let applied = check(
        Route::Responses,
        r#"{"model":"chat","input":"x","stream":true,"max_tokens":5}"#,
        r#"{"model":"engine-name","input":"x","stream":true,"max_tokens":5,"temperature":0.0,"max_output_tokens":64}"#,
    );
    assert!(!applied.added_usage);
    let own = r#"{"model":"engine-name","input":"x","temperature":1,"max_output_tokens":5}"#;
    check(Route::Responses, own, own);
    check(
        Route::Chat,
        r#"{"model":"engine-name","messages":[],"temperature":0,"max_output_tokens":5}"#,
        r#"{"model":"engine-name","messages":[],"temperature":0,"max_output_tokens":5,"max_tokens":64}"#,
    );
    let listed = |may_set: &[&str]| {
        let client_may_set = Some(may_set.iter().map(|key| (*key).to_owned()).collect());
        let release = Deployed { client_may_set, ..deployed() };
        let body = Bytes::from_static(br#"{"model":"m","input":"x","max_output_tokens":5}"#);
        let head = RequestHead::parse(&body).unwrap();
        let applied = apply(&release, Route::Responses, &head, &body, UsageChunks::Ask).unwrap();
        serde_json::from_slice::<Value>(&applied.body).unwrap()["max_output_tokens"].clone()
    };
    assert_eq!((listed(&["max_tokens"]), listed(&[])), (json!(5), json!(64)));
}

#[test]
fn an_engine_that_takes_a_salt_gets_the_releases_or_the_clients_under_it() {
    let apply_as = |sem: &str, body: &str| {
        let release = Deployed { sem: ReleaseId::from(sem), salts_prefixes: true, ..deployed() };
        let head = RequestHead::parse(body.as_bytes()).unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let applied = apply(&release, Route::Chat, &head, &body, UsageChunks::Ask).unwrap();
        String::from_utf8(applied.body.to_vec()).unwrap()
    };
    let body = |salt: &str| {
        format!(r#"{{"model":"engine-name","temperature":0,"max_tokens":1{salt},"messages": [1.50]}}"#)
    };
    let appended = apply_as("sem:1", &body(""));
    assert_eq!(appended, body("").replace("[1.50]}", r#"[1.50],"cache_salt":"sem:1"}"#));
    assert_eq!(apply_as("sem:1", &body(r#","cache_salt":null"#)), body(r#","cache_salt":"sem:1""#));
    let salts = [("sem:1", "a"), ("sem:1", "b"), ("sem:2", "a")].map(|(sem, salt)| {
        let told = apply_as(sem, &body(&format!(r#","cache_salt":"{salt}""#)));
        let salt = serde_json::from_str::<Value>(&told).unwrap()["cache_salt"].as_str().unwrap().to_owned();
        assert_eq!(told, body(&format!(r#","cache_salt":"{salt}""#)), "nothing else changes");
        salt
    });
    assert!(salts[0] != salts[1] && salts[0] != salts[2] && salts.iter().all(|salt| salt.len() == 64));
    for wrong in [r#","cache_salt":"""#, r#","cache_salt":7"#] {
        assert_eq!(apply_as("sem:1", &body(wrong)), body(wrong), "the engine refuses it");
    }
}

#[test]
fn other_routes_get_the_model_name_and_nothing_else() {
    check(Route::Embeddings, r#"{"model":"chat","input":"x"}"#, r#"{"model":"engine-name","input":"x"}"#);
}

#[test]
fn a_prompt_that_cannot_be_rendered_is_the_clients_error() {
    let refuse = |route, body: &'static str| {
        let head = RequestHead::parse(body.as_bytes()).unwrap();
        let body = Bytes::from_static(body.as_bytes());
        apply(&deployed(), route, &head, &body, UsageChunks::Ask).unwrap_err().status().as_u16()
    };
    let (unknown, missing) =
        (r#"{"model":"m","prompt":{"id":"nope"}}"#, r#"{"model":"m","prompt":{"id":"answer"}}"#);
    assert_eq!(refuse(Route::Chat, unknown), 400);
    assert_eq!(refuse(Route::Chat, missing), 400);
    assert_eq!(refuse(Route::Completions, missing), 400);
}

/// What a release with this sampling, which lets clients set this, makes of `body`.
fn sampled_as(sampling: &Value, may_set: Option<&[&str]>, body: &str) -> (Value, Applied) {
    let may_set = may_set.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
    let sampling = sampling.as_object().unwrap().clone();
    let release = Deployed { sampling, client_may_set: may_set, ..deployed() };
    let head = RequestHead::parse(body.as_bytes()).unwrap();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let applied = apply(&release, Route::Chat, &head, &body, UsageChunks::AsClient).unwrap();
    (serde_json::from_slice(&applied.body).unwrap(), applied)
}

#[test]
fn a_value_that_cannot_be_read_is_not_certain_and_the_releases_n_counts() {
    let check = |sampling: Value, fields: &str, expected: (Option<f64>, u64)| {
        let body = format!(r#"{{"model":"m","messages":[]{fields}}}"#);
        let (_, applied) = sampled_as(&sampling, None, &body);
        assert_eq!((applied.temperature, applied.choices), expected, "{sampling} {fields}");
    };
    let zero = || json!({"temperature": 0.0});
    check(zero(), "", (Some(0.0), 1));
    check(zero(), r#","temperature":null,"n":null"#, (Some(0.0), 1));
    check(zero(), r#","temperature":"1.0""#, (None, 1));
    check(zero(), r#","temperature":[0]"#, (None, 1));
    check(zero(), r#","n":"3""#, (Some(0.0), 0));
    check(zero(), r#","n":-1"#, (Some(0.0), 0));
    check(zero(), r#","n":3"#, (Some(0.0), 3));
    check(json!({"temperature": 0.0, "n": 2}), "", (Some(0.0), 2));
    check(json!({"temperature": 0.0, "n": 2}), r#","n":1"#, (Some(0.0), 1));
    check(json!({}), "", (None, 1));
}

#[test]
fn a_client_sets_what_the_release_lists_and_of_the_rest_the_releases_own_stands() {
    let sampling = json!({"temperature": 0.0, "max_tokens": 64, "stop": ["END"], "house_rule": 3});
    for (number, key) in SAMPLING.into_iter().chain(["house_rule"]).enumerate() {
        let body = format!(r#"{{"model":"m","messages":[],"{key}":{number},"unlisted":1}}"#);
        let check = |may_set: Option<&[&str]>, expected: Option<&Value>| {
            let (sent, _) = sampled_as(&sampling, may_set, &body);
            assert_eq!(
                (sent.get(key), &sent["unlisted"]),
                (expected, &json!(1)),
                "{key} {may_set:?}: {sent}"
            );
        };
        let own = sampling.get(key);
        check(None, Some(&json!(number)));
        check(Some(&[key]), Some(&json!(number)));
        check(Some(&[]), own);
        check(Some(&["another"]), own);
    }
}

#[test]
fn both_names_of_the_length_are_let_through_or_held_back_alike() {
    let sampling = json!({"max_tokens": 64});
    for (listed, sent) in [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")] {
        let body = format!(r#"{{"model":"m","messages":[],"{sent}":5}}"#);
        let (told, _) = sampled_as(&sampling, Some(&[listed]), &body);
        assert_eq!((&told[sent], told.get(listed)), (&json!(5), None), "{told}");
        let (told, _) = sampled_as(&sampling, Some(&[]), &body);
        assert_eq!((&told["max_tokens"], told.get("max_completion_tokens")), (&json!(64), None), "{told}");
    }
}

#[test]
fn what_a_client_may_not_set_does_not_decide_what_is_certain() {
    let body = r#"{"model":"m","messages":[],"temperature":"1.0","n":3}"#;
    let certain = |sampling: Value, may_set: Option<&[&str]>| {
        let (_, applied) = sampled_as(&sampling, may_set, body);
        (applied.temperature, applied.choices)
    };
    assert_eq!(certain(json!({"temperature": 0.0}), Some(&[])), (Some(0.0), 1));
    assert_eq!(certain(json!({"temperature": 0.7, "n": 2}), Some(&[])), (Some(0.7), 2));
    assert_eq!(certain(json!({"temperature": 0.0}), Some(&["n"])), (Some(0.0), 3));
    assert_eq!(certain(json!({}), Some(&[])), (None, 1));
}
