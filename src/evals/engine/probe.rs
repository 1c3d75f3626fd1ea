//! The question before the first question: is an engine there, and what does it serve?

use reqwest::{Client, Response};
use serde_json::Value;

use super::Endpoint;
use crate::evals::error::{EvalError, Role};

/// The name of the first model that the engine lists; `None` when it lists none or has no list.
pub(super) async fn first_model(
    http: &Client,
    role: Role,
    endpoint: &Endpoint,
) -> Result<Option<String>, EvalError> {
    let url = format!("{}/v1/models", endpoint.url);
    let mut request = http.get(&url);
    if let Some(key) = &endpoint.key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.map_err(|error| unreachable(role, endpoint, &error))?;
    if let Some(found) = web_page(&response) {
        return Err(EvalError::NotAnEngine { role, url, found });
    }
    match response.status().as_u16() {
        404 => return Ok(None),
        status if status >= 400 => {
            return Err(EvalError::NotServing { role, url: endpoint.url.clone(), status });
        }
        _ => {}
    }
    let bytes = response.bytes().await.map_err(|error| unreachable(role, endpoint, &error))?;
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(list) => Ok(list.pointer("/data/0/id").and_then(Value::as_str).map(str::to_owned)),
        Err(error) => {
            Err(EvalError::NotAnEngine { role, url, found: format!("a body that is no JSON ({error})") })
        }
    }
}

/// Says so when `response` is a web page.
pub(super) fn web_page(response: &Response) -> Option<String> {
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    (media_type == "text/html")
        .then(|| format!("a web page (status {}, {media_type})", response.status().as_u16()))
}

fn unreachable(role: Role, endpoint: &Endpoint, error: &reqwest::Error) -> EvalError {
    EvalError::Unreachable { role, url: endpoint.url.clone(), text: innermost(error) }
}

/// The last cause of an error: the one that the operating system gave.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
