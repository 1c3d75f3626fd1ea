//! What a manifest must not hold: secrets in clear, since a lock is passed around and kept, and names of engines that will
//! mean something else tomorrow.

mod secret_names;

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::ReleaseError;
use super::error::place;
use secret_names::is_secret;

/// Words for whatever is newest.
const MOVING: [&str; 10] =
    ["latest", "main", "master", "head", "trunk", "tip", "stable", "edge", "rolling", "current"];

/// Words for builds that have a date or a number besides.
const MOVING_ALONE: [&str; 3] = ["nightly", "dev", "canary"];

const IN_CLEAR: &str = "let the engine read it from its environment, and write only the reference here: \"$NAME\", \"env:NAME\" or \"file:PATH\"";

/// One thing that is refused.
struct Slip {
    span: Range<usize>,
    rule: String,
    hint: &'static str,
}

/// Refuses the first such thing in `text`, which came from `file`.
pub(super) fn refuse(file: &Path, text: &str) -> Result<(), ReleaseError> {
    // What is no TOML was told before.
    let Ok(table) = DeTable::parse(text) else { return Ok(()) };
    let Some(Slip { span, rule, hint }) = in_table("", table.get_ref()) else { return Ok(()) };
    let (line, column) = place(text, span.start);
    Err(ReleaseError::Refused { path: file.to_owned(), line, column, rule, hint })
}

/// Whether a value under `name` is better not shown.
pub(super) fn hides(name: &str, value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => clear_in("ops", name, text).is_some(),
        serde_json::Value::Array(items) => {
            let texts: Vec<_> = items.iter().map(|item| item.as_str().unwrap_or_default()).collect();
            items.iter().any(|item| hides(name, item)) || after_flag(&texts).is_some()
        }
        serde_json::Value::Number(_) => is_secret(name),
        _ => false,
    }
}

fn in_table(path: &str, table: &DeTable<'_>) -> Option<Slip> {
    table.iter().find_map(|(key, value)| {
        let name: &str = key.get_ref();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        in_value(&path, name, value)
    })
}

fn in_value(path: &str, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Slip> {
    let slip = |rule: String, hint| Some(Slip { span: value.span(), rule, hint });
    match value.get_ref() {
        DeValue::Table(table) => in_table(path, table),
        DeValue::Array(items) => in_array(path, name, items),
        DeValue::Integer(_) | DeValue::Float(_) if is_secret(name) => slip(in_clear(path, name), IN_CLEAR),
        DeValue::String(text) => match clear_in(path, name, text) {
            Some(what) => slip(in_clear(path, what), IN_CLEAR),
            None => moving(path, name, text).and_then(|(rule, hint)| slip(rule, hint)),
        },
        _ => None,
    }
}

fn in_array(path: &str, name: &str, items: &DeArray<'_>) -> Option<Slip> {
    let alone = items.iter().find_map(|item| in_value(path, name, item));
    let texts: Vec<_> = items.iter().map(|item| item.get_ref().as_str().unwrap_or_default()).collect();
    let slip = |at: usize, rule, hint| Some(Slip { span: items.get(at)?.span(), rule, hint });
    alone.or_else(|| match (after_flag(&texts), moving_revision(&texts)) {
        (Some(at), _) => slip(at, in_clear(path, texts[at - 1]), IN_CLEAR),
        (None, Some(at)) => slip(at, moves(path, texts[at]), "name a commit of forty hex digits"),
        (None, None) => None,
    })
}

fn in_clear(path: &str, what: &str) -> String {
    format!("{path} holds a secret in clear ({what}): whoever reads the lock has it")
}

/// The index of a text that follows the flag of a secret, as in `["--api-key", "k"]`.
fn after_flag(texts: &[&str]) -> Option<usize> {
    let is_flag = |text: &str| text.starts_with('-') && !text.contains(['=', ' ']);
    let follows = |pair: &[&str]| {
        is_flag(pair[0]) && is_secret(pair[0]) && !pair[1].starts_with('-') && is_clear(pair[1])
    };
    texts.windows(2).position(follows).map(|at| at + 1)
}

/// The name of a secret that `text`, the value of `name`, holds in clear.
fn clear_in<'a>(path: &str, name: &'a str, text: &'a str) -> Option<&'a str> {
    if is_secret(name) && is_clear(text) {
        return Some(name);
    }
    // What a model samples and is told is text, and no command line.
    let is_text = path.starts_with("sampling") || path.starts_with("prompts");
    if is_text { None } else { assigned(text).or_else(|| header(text)).or_else(|| user_info(text)) }
}

/// `--api-key=k`, `--api-key k`, `HF_TOKEN=k`, `--env=HF_TOKEN=k`.
fn assigned(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_flag = text.starts_with('-');
    let end = text.find(|char: char| char == '=' || (is_flag && char.is_whitespace()))?;
    let (name, value) = (&text[..end], text[end + 1..].trim().trim_matches(['"', '\'']));
    let is_name = name.chars().all(|char| char.is_alphanumeric() || "-_.".contains(char));
    if is_name && is_secret(name) && is_clear(value) {
        return Some(name);
    }
    if is_flag { assigned(value) } else { None }
}

/// `Authorization: Bearer k`, as commands write headers.
fn header(text: &str) -> Option<&'static str> {
    const NAME: &str = "authorization:";
    let lower = text.to_ascii_lowercase();
    let value = &lower[lower.find(NAME)? + NAME.len()..];
    let words: Vec<_> = value.split_whitespace().collect();
    // A scheme and what it is for; a sentence goes on.
    let is_value = matches!(&words[..], ["bearer" | "basic" | "token", secret] if is_clear(secret));
    is_value.then_some("Authorization")
}

/// `https://user:k@host`.
fn user_info(text: &str) -> Option<&'static str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', ' ']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    is_clear(password).then_some("the address's password")
}

/// Whether a text is no reference to where a secret is kept.
fn is_clear(text: &str) -> bool {
    let text = text.trim().trim_start_matches("Bearer ").trim();
    !text.is_empty() && !["env:", "file:", "$", "{{"].iter().any(|begin| text.starts_with(begin))
}

fn moves(path: &str, what: &str) -> String {
    format!("{path} {what:?} moves: what it names today is not what it names tomorrow")
}

/// A name of an engine that moves: what is wrong, and what to do.
fn moving(path: &str, name: &str, text: &str) -> Option<(String, &'static str)> {
    if path == "engine.version" && is_moving(text) {
        return Some((moves(path, text), "name the version that runs, such as \"0.32.0\""));
    }
    let is_image =
        name.eq_ignore_ascii_case("image") && (path.starts_with("engine.") || path.starts_with("ops."));
    let moves = || (moves(path, text), "name the image by its digest: NAME@sha256:DIGEST");
    (is_image && !is_pinned(text)).then(moves)
}

/// The index of a flag that asks for a revision which moves, as in `--revision=main`, or of the text after such a flag.
fn moving_revision(texts: &[&str]) -> Option<usize> {
    let is_revision = |flag: &str| flag.starts_with("--") && flag.ends_with("revision");
    texts.iter().enumerate().position(|(at, text)| match text.split_once(['=', ' ']) {
        Some((flag, value)) => is_revision(flag) && is_moving(value),
        None => at > 0 && is_revision(texts[at - 1]) && is_moving(text),
    })
}

fn is_moving(version: &str) -> bool {
    let has_number = version.contains(|char: char| char.is_ascii_digit());
    let mut words = version.split(|char: char| !char.is_alphanumeric()).map(str::to_ascii_lowercase);
    words
        .any(|word| MOVING.contains(&word.as_str()) || (!has_number && MOVING_ALONE.contains(&word.as_str())))
}

fn is_pinned(image: &str) -> bool {
    let digest = image.rsplit_once("@sha256:").map(|(_, digest)| digest);
    digest.is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
