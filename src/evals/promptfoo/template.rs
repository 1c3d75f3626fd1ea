//! `{{name}}` in prompts, expected texts and variables.
//!
//! Only plain names and paths into them (`{{user.name}}`) are filled in. What else the template language of promptfoo can do
//! (blocks, filters, comments) is refused and never sent as it stands.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// Variables by name.
pub(super) type Vars = Map<String, Value>;

/// A constant; a test compiles it.
static PLAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*\}\}").ok());

/// `text` with its variables filled in.
///
/// # Errors
/// Variables that are not there or are no plain value, and everything that is more than a name.
pub(super) fn fill(text: &str, vars: &Vars) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut seen = 0;
    for found in PLAIN.iter().flat_map(|plain| plain.captures_iter(text)) {
        let (whole, [path]) = (found.get_match().range(), found.extract::<1>().1);
        filled.push_str(plain(&text[seen..whole.start])?);
        filled.push_str(&shown(path, value(path, vars)?)?);
        seen = whole.end;
    }
    filled.push_str(plain(&text[seen..])?);
    Ok(filled)
}

/// `value` with the texts in it filled in.
///
/// # Errors
/// As [`fill`].
pub(super) fn fill_all(value: &Value, vars: &Vars) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, vars)?),
        Value::Array(items) => items.iter().map(|item| fill_all(item, vars)).collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let filled = fields.iter().map(|(key, value)| Ok((key.clone(), fill_all(value, vars)?)));
            Value::Object(filled.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// Text between variables.
fn plain(text: &str) -> Result<&str, String> {
    match ["{{", "{%", "{#"].iter().find_map(|open| text.find(open)) {
        None => Ok(text),
        Some(at) => {
            let begin: String = text[at..].chars().take(30).collect();
            Err(format!("only plain {{{{name}}}} is filled in, not {begin:?}"))
        }
    }
}

fn value<'v>(path: &str, vars: &'v Vars) -> Result<&'v Value, String> {
    let mut names = path.split('.');
    let mut found = names.next().and_then(|name| vars.get(name));
    for name in names {
        found = match found {
            Some(Value::Array(items)) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            other => other.and_then(|value| value.get(name)),
        };
    }
    found.ok_or_else(|| format!("there is no variable {path:?}"))
}

/// A value as JavaScript prints it.
fn shown(path: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(printed(number)),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{path:?} is a list or a map, which has no text of its own"))
        }
    }
}

/// A number as JavaScript prints it: `1.0` is `1`.
pub(super) fn printed(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let vars = json!({"name": "Ada", "n": 2.0, "half": 0.5, "yes": true, "none": null, "user": {"tags": ["a", "b"]}});
        let filled = fill(text, vars.as_object().unwrap());
        match expected {
            Ok(expected) => assert_eq!(filled.as_deref(), Ok(expected), "{text}"),
            Err(rule) => {
                assert!(filled.as_ref().is_err_and(|error| error.contains(rule)), "{text}: {filled:?}")
            }
        }
    }

    #[test]
    fn plain_names_are_filled_in() {
        check("Hi {{name}}, {{ n }} {{half}} {{yes}}{{none}}.", Ok("Hi Ada, 2 0.5 true."));
        check("{{user.tags.1}} {a} }} $1", Ok("b {a} }} $1"));
    }

    #[test]
    fn what_is_no_plain_name_is_refused() {
        check("{{nobody}}", Err("no variable \"nobody\""));
        check("{{user}}", Err("a list or a map"));
        check("{{name | upper}}", Err("only plain"));
        check("{% if name %}x{% endif %}", Err("only plain"));
        check("{# note #}", Err("only plain"));
        check("{{ name", Err("only plain"));
    }
}
