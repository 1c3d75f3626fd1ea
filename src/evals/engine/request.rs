//! From a case to the body of a chat request.

use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::evals::dataset::{Ask, Case};
use crate::evals::error::EvalError;
use crate::evals::suite::Suite;

/// The body of `case`. Streaming and usage are asked for always: without them there is no first token and no count of tokens.
pub(super) fn body(suite: &Suite, endpoint: &Endpoint, model: &str, case: &Case) -> Result<Value, EvalError> {
    let mut body = match &endpoint.render {
        Some(render) => render(case).map_err(|text| wrong(suite, case, text, RENDER_HINT))?,
        None => plain(suite, case)?,
    };
    body.extend(suite.request.sampling.clone());
    body.insert("model".to_owned(), Value::from(model));
    body.insert("stream".to_owned(), Value::Bool(true));
    body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    Ok(Value::Object(body))
}

const RENDER_HINT: &str = "the variables of the case must fit the template of the release";
const TEMPLATE_HINT: &str = "run the suite on slots with a release, or ask with `prompt` or `messages`";

fn plain(suite: &Suite, case: &Case) -> Result<Map<String, Value>, EvalError> {
    if let Some(template) = &suite.request.template {
        let text = format!("template {template:?} is asked for, and no release is here to render it");
        return Err(wrong(suite, case, text, TEMPLATE_HINT));
    }
    let messages = match &case.ask {
        Ask::Messages(messages) => Value::Array(messages.clone()),
        Ask::Prompt(prompt) => json!([{ "role": "user", "content": prompt }]),
        Ask::Variables(_) => {
            let text = "has variables, and no release is here to render them".to_owned();
            return Err(wrong(suite, case, text, TEMPLATE_HINT));
        }
    };
    Ok(Map::from_iter([("messages".to_owned(), messages)]))
}

fn wrong(suite: &Suite, case: &Case, text: String, hint: &'static str) -> EvalError {
    EvalError::Request { file: suite.file.clone(), case: case.id.clone(), text, hint }
}
