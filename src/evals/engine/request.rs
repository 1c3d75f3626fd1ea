//! From a case to the body of a chat request.

use serde_json::{Value, json};

use super::Endpoint;
use crate::evals::dataset::{Ask, Case};
use crate::evals::error::EvalError;
use crate::evals::suite::Suite;
use crate::release::Lock;

/// The body of `case`: the suite's sampling over the release's, and messages. Streaming and usage are asked for always:
/// without them there is no first token and no count of tokens.
pub(super) fn body(suite: &Suite, endpoint: &Endpoint, model: &str, case: &Case) -> Result<Value, EvalError> {
    let release = endpoint.release.as_deref();
    let mut body = release.map(|release| release.sampling().clone()).unwrap_or_default();
    body.extend(suite.request.sampling.clone());
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
