//! What a release does to a request: model name, prompt template, sampling defaults, usage chunk, cache salt.
//!
//! Single fields are spliced; every other byte stays the client's. Both arms' copies of one request go
//! through here, each with its own release.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::route::Route;
use super::{Deployed, UsageChunks};
use crate::release::{self, LENGTH_LIMITS, SAMPLING};
use crate::wire::{Asked, Edit, RequestError, RequestHead, splice};

/// A request as one release sends it.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) body: Bytes,
    /// The usage chunk was asked for here and not by the client: it has to go out again.
    pub(super) added_usage: bool,
    /// The temperature that applies; `None` when neither client nor release set one, or what the client sent is none.
    pub(super) temperature: Option<f64>,
    /// Answers asked for at once; 0 when what the client sent is no number of them.
    pub(super) choices: u64,
}

/// Whether the client set `key`: null is not set.
pub(super) fn is_set(head: &RequestHead, body: &[u8], key: &str) -> bool {
    head.fields.value(body, key).is_some_and(|value| value != b"null")
}

/// The names of the limit that `route` knows.
const fn length_limits(route: Route) -> &'static [&'static str] {
    match route {
        Route::Responses => &["max_output_tokens"],
        _ => &["max_tokens", "max_completion_tokens"],
    }
}

/// What `route` calls the release's `key`.
fn name_on(route: Route, key: &str) -> &str {
    match length_limits(route) {
        [first, ..] if LENGTH_LIMITS.contains(&key) && !length_limits(route).contains(&key) => first,
        _ => key,
    }
}

/// Whether clients may set the sampling parameter `key`.
fn may_set(deployed: &Deployed, key: &str) -> bool {
    release::may_set(deployed.client_may_set.as_deref(), key)
}

/// Whether the client set the sampling parameter `key`, and may.
fn chose(deployed: &Deployed, route: Route, head: &RequestHead, body: &[u8], key: &str) -> bool {
    let names: &[&str] = if LENGTH_LIMITS.contains(&key) { length_limits(route) } else { &[key] };
    names.iter().any(|name| is_set(head, body, name)) && may_set(deployed, key)
}

/// The value that the client gave `key`, where it has this type.
fn read<'b, T: serde::Deserialize<'b>>(head: &RequestHead, body: &'b [u8], key: &str) -> Option<T> {
    serde_json::from_slice(head.fields.value(body, key)?).ok()
}

/// What goes to the engine as `key`: the client's value where it may choose, or else the release's.
fn sampled(deployed: &Deployed, route: Route, head: &RequestHead, body: &[u8], key: &str) -> Option<Value> {
    match chose(deployed, route, head, body, key) {
        true => Some(read(head, body, key).unwrap_or_default()),
        false => deployed.sampling.get(key).cloned(),
    }
}

/// The release's sampling where the client chose nothing, and nothing where it chose what it may not.
fn sampling_edits<'d>(
    deployed: &'d Deployed,
    route: Route,
    head: &RequestHead,
    body: &[u8],
) -> Vec<Edit<'d>> {
    let own = deployed.sampling.iter().filter(|(key, _)| !chose(deployed, route, head, body, key));
    let mut edits: Vec<_> = own.map(|(key, value)| Edit::set(name_on(route, key), value)).collect();
    if deployed.client_may_set.is_some() {
        let barred = |key: &&str| is_set(head, body, key) && !may_set(deployed, key);
        // Of two edits of one key the first counts: what the release has stands.
        edits.extend(SAMPLING.into_iter().filter(barred).map(Edit::remove));
    }
    edits
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
    // The Responses route tells its usage by itself.
    let can_ask = matches!(route, Route::Chat | Route::Completions) && usage == UsageChunks::Ask;
    let added_usage = can_ask && head.stream && !head.include_usage;
    if route.is_generation() {
        edits.extend(sampling_edits(deployed, route, head, body));
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
        temperature: sampled(deployed, route, head, body, "temperature").and_then(|value| value.as_f64()),
        choices: sampled(deployed, route, head, body, "n")
            .map_or(1, |value| value.as_u64().unwrap_or_default()),
        body: splice(body, &head.fields, &edits),
        added_usage,
    })
}

#[cfg(test)]
mod tests;
