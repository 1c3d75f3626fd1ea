//! What a release does to a request: model name, prompt template, sampling defaults, usage chunk, cache salt.
//!
//! Single fields are spliced; every other byte stays the client's. Both arms' copies of one request go
//! through here, each with its own release.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::route::Route;
use super::{Deployed, UsageChunks};
use crate::wire::{Asked, Edit, RequestError, RequestHead, splice};

/// A request as one release sends it.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) body: Bytes,
    /// The usage chunk was asked for here and not by the client: it has to go out again.
    pub(super) added_usage: bool,
    /// The temperature that applies; `None` when neither client nor release set one.
    pub(super) temperature: Option<f64>,
    /// Answers asked for at once.
    pub(super) choices: u64,
}

/// The two names under which clients bound an answer's length.
const LENGTH_LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Whether the client set `key`: null is not set.
fn is_set(head: &RequestHead, body: &[u8], key: &str) -> bool {
    let is_set = |key| head.fields.value(body, key).is_some_and(|value| value != b"null");
    if LENGTH_LIMITS.contains(&key) { LENGTH_LIMITS.into_iter().any(is_set) } else { is_set(key) }
}

/// The value that the client gave `key`, where it has this type.
fn read<'b, T: serde::Deserialize<'b>>(head: &RequestHead, body: &'b [u8], key: &str) -> Option<T> {
    serde_json::from_slice(head.fields.value(body, key)?).ok()
}

/// Keeps an engine's prefix cache apart by release, and inside of it as the client asked: a release's own salt is its digest,
/// and a client's is hashed with that for a key. `None`: what the client sent is no salt, and the engine says so.
fn cache_salt(deployed: &Deployed, head: &RequestHead, body: &[u8]) -> Option<String> {
    let release = deployed.sem.as_str();
    if !is_set(head, body, "cache_salt") {
        return Some(release.to_owned());
    }
    let own: String = read(head, body, "cache_salt").filter(|own: &String| !own.is_empty())?;
    let key = blake3::derive_key("goldgate 2026 prefix cache salt", release.as_bytes());
    Some(blake3::keyed_hash(&key, own.as_bytes()).to_hex().to_string())
}

/// Applies `deployed` to a request on `route`.
pub(super) fn apply(
    deployed: &Deployed,
    route: Route,
    head: &RequestHead,
    body: &Bytes,
    usage: UsageChunks,
) -> Result<Applied, Refusal> {
    let mut edits = Vec::new();
    if let Some(model) = deployed.model.as_ref().filter(|model| **model != head.model) {
        edits.push(Edit::set("model", &json!(model)));
    }
    if let Asked::Template { id, variables } = &head.asked {
        if route != Route::Chat {
            return Err(Refusal::PromptRoute);
        }
        let variables = match variables.as_ref().and_then(|range| body.get(range.clone())) {
            Some(text) => serde_json::from_slice(text).map_err(RequestError::from)?,
            None => Value::Object(Map::new()),
        };
        edits.push(Edit::remove("prompt"));
        edits.push(Edit::set("messages", &deployed.prompts.render(id, &variables)?));
    }
    let added_usage =
        route.is_generation() && usage == UsageChunks::Ask && head.stream && !head.include_usage;
    if route.is_generation() {
        let missing = deployed.sampling.iter().filter(|(key, _)| !is_set(head, body, key));
        edits.extend(missing.map(|(key, value)| Edit::set(key.clone(), value)));
    }
    if added_usage {
        let mut options: Map<String, Value> = read(head, body, "stream_options").unwrap_or_default();
        options.insert("include_usage".to_owned(), Value::Bool(true));
        edits.push(Edit::set("stream_options", &Value::Object(options)));
    }
    let takes_salt = deployed.salts_prefixes && route.is_generation();
    if let Some(salt) = takes_salt.then(|| cache_salt(deployed, head, body)).flatten() {
        edits.push(Edit::set("cache_salt", &Value::String(salt)));
    }
    Ok(Applied {
        temperature: read(head, body, "temperature")
            .or_else(|| deployed.sampling.get("temperature")?.as_f64()),
        choices: read(head, body, "n").unwrap_or(1),
        body: splice(body, &head.fields, &edits),
        added_usage,
    })
}

#[cfg(test)]
mod tests {
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
        Deployed { sem, model, sampling, salts_prefixes: false, prompts }
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
            let salt =
                serde_json::from_str::<Value>(&told).unwrap()["cache_salt"].as_str().unwrap().to_owned();
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
}
