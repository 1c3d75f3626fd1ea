//! From a case to the body of a chat request.

use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::evals::dataset::{Ask, Case};
use crate::evals::error::EvalError;
use crate::evals::suite::Suite;
use crate::release::{LENGTH_LIMITS, Lock, SAMPLING, may_set};

/// The suite's sampling as the release would take it from a client, over the release's own: a suite that got other answers
/// than clients get would say nothing of theirs.
fn sampling(suite: &Suite, release: Option<&Lock>) -> Map<String, Value> {
    let asked = &suite.request.sampling;
    let Some(release) = release else { return asked.clone() };
    let may = |key: &str| may_set(release.client_may_set(), key);
    let is_asked = |key: &str| match LENGTH_LIMITS.contains(&key) {
        true => LENGTH_LIMITS.iter().any(|name| asked.contains_key(*name)),
        false => asked.contains_key(key),
    };
    let is_chosen = |key: &str| may(key) && is_asked(key);
    let own = release.sampling().iter().filter(|(key, _)| !is_chosen(key));
    let taken = asked.iter().filter(|(key, _)| may(key) || !SAMPLING.contains(&key.as_str()));
    own.chain(taken).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What of the suite's sampling the release keeps from it, as from every client.
pub(super) fn kept_from<'s>(suite: &'s Suite, release: Option<&Lock>) -> Vec<&'s str> {
    let taken = sampling(suite, release);
    let asked = suite.request.sampling.iter();
    asked.filter(|(key, value)| taken.get(*key) != Some(value)).map(|(key, _)| key.as_str()).collect()
}

/// The body of `case`: sampling and messages. Streaming and usage are asked for always: without them there is no first token
/// and no count of tokens.
pub(super) fn body(suite: &Suite, endpoint: &Endpoint, model: &str, case: &Case) -> Result<Value, EvalError> {
    let release = endpoint.release.as_deref();
    let mut body = sampling(suite, release);
    body.insert("messages".to_owned(), messages(suite, release, case)?);
    body.insert("model".to_owned(), Value::from(model));
    body.insert("stream".to_owned(), Value::Bool(true));
    body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    Ok(Value::Object(body))
}

/// Puts `nonce` before the first message, so that no cache of prefixes helps the arm that is asked second, or a second run.
pub(super) fn prefix(body: &mut Value, nonce: &str) {
    match body.pointer_mut("/messages/0/content") {
        Some(Value::String(text)) => text.insert_str(0, nonce),
        Some(Value::Array(parts)) => parts.insert(0, json!({ "type": "text", "text": nonce })),
        _ => {}
    }
}

/// The variable of a template that a case's `prompt` becomes.
const PROMPT_VARIABLE: &str = "question";

const TEMPLATE_HINT: &str = "set template under [request] in the suite, and run it on slots with a release";
const RENDER_HINT: &str = "the variables of the case must fit the template of the release";

fn messages(suite: &Suite, release: Option<&Lock>, case: &Case) -> Result<Value, EvalError> {
    let wrong = |text: &str, hint| wrong(suite, case, text.to_owned(), hint);
    let (template, variables) = match (&suite.request.template, &case.ask) {
        (None, Ask::Messages(messages)) => return Ok(Value::Array(messages.clone())),
        (None, Ask::Prompt(prompt)) => return Ok(json!([{ "role": "user", "content": prompt }])),
        (None, Ask::Variables(_)) => {
            return Err(wrong("has variables, and no template is asked for", TEMPLATE_HINT));
        }
        (Some(_), Ask::Messages(_)) => {
            let hint = "leave template out of the suite, or give the case variables";
            return Err(wrong("has ready messages, and a template is asked for", hint));
        }
        (Some(template), Ask::Prompt(prompt)) => (template, json!({ PROMPT_VARIABLE: prompt })),
        (Some(template), Ask::Variables(variables)) => (template, Value::Object(variables.clone())),
    };
    let Some(release) = release else {
        return Err(wrong("needs a template, and no release is here to render it", TEMPLATE_HINT));
    };
    release.prompts().render(template, &variables).map_err(|error| wrong(&error.to_string(), RENDER_HINT))
}

fn wrong(suite: &Suite, case: &Case, text: String, hint: &'static str) -> EvalError {
    EvalError::Request { file: suite.file.clone(), case: case.id.clone(), text, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evals::suite::RequestSpec;

    fn check(may_set: &str, asked: Value, expected: Value, kept: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "name = \"r\"\n[model]\nid = \"m\"\n[sampling]\ntemperature = 0.7\nmax_tokens = 9\n{may_set}\n[engine]\n\
             kind = \"vllm\"\n"
        );
        std::fs::write(folder.path().join("release.toml"), manifest).unwrap();
        let release = Lock::resolve(&folder.path().join("release.toml")).unwrap();
        let Value::Object(asked) = asked else { panic!("an object") };
        let mut suite = crate::evals::run::tests::suite(&[]);
        suite.request = RequestSpec { sampling: asked, ..suite.request };
        assert_eq!(Value::Object(sampling(&suite, Some(&release))), expected, "{may_set}");
        assert_eq!(kept_from(&suite, Some(&release)), kept, "{may_set}");
    }

    #[test]
    fn a_suite_samples_as_clients_do() {
        let all = json!({"temperature": 0.0, "max_tokens": 64, "top_p": 0.5, "tools": []});
        check("", all.clone(), all.clone(), &[]);
        let kept = json!({"temperature": 0.7, "max_tokens": 64, "tools": []});
        check("client_may_set = [\"max_tokens\"]", all.clone(), kept, &["temperature", "top_p"]);
        let kept = json!({"temperature": 0.7, "max_tokens": 9, "tools": []});
        check("client_may_set = []", all, kept, &["temperature", "max_tokens", "top_p"]);
        // Both names of the limit are one.
        let other = json!({"max_completion_tokens": 64});
        let taken = json!({"temperature": 0.7, "max_completion_tokens": 64});
        check("client_may_set = [\"max_tokens\"]", other, taken, &[]);
    }
}
