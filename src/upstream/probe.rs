//! Whether engines are ready: not that a port is open, but that a token comes.
//!
//! Every endpoint of a pool is asked; a pool is as ready as its last engine. A wedged engine answers its
//! health route, so the strongest probe reads one real stream to its end.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{Outgoing, Pool, Reply, UpstreamError};
use crate::domain::Outcome;
use crate::wire::{End, ResponseObserver};

/// Bytes of a model list or of a probe's answer that are read; both are short.
pub(super) const PROBE_BYTES_MAX: usize = 1 << 20;

/// Tokens asked of a probe. More than one, because the first chunk of some engines carries none.
const PROBE_TOKENS_MAX: u32 = 8;

/// Characters of an answer quoted in an error.
const QUOTE_CHARS_MAX: usize = 120;

/// What an engine must show before it gets traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Nothing.
    None,
    /// It lists its models, the release's among them.
    Http,
    /// Besides, one stream with a real token ran to its end.
    Stream,
}

/// An endpoint that is not ready, and why.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint} is not ready: {fault}")]
pub struct ProbeError {
    /// `host:port` of the engine.
    pub endpoint: String,
    /// What it showed instead.
    pub fault: ProbeFault,
}

/// What an engine showed instead of being ready.
#[derive(Debug, thiserror::Error)]
pub enum ProbeFault {
    /// It cannot be reached, or broke off.
    #[error("{0}")]
    Upstream(#[from] UpstreamError),
    /// A status that is no success.
    #[error("{path} answered {status}: {quote:?}")]
    Status {
        /// The route asked.
        path: &'static str,
        /// Its status.
        status: StatusCode,
        /// The beginning of what it said.
        quote: String,
    },
    /// The model list is not one: a web page, another service.
    #[error("/v1/models did not answer with a list of models but with {quote:?}")]
    NotAList {
        /// The beginning of what it said.
        quote: String,
    },
    /// The model is not served there.
    #[error("it does not serve {model:?}, only {}", list(known))]
    Model {
        /// The model asked for.
        model: String,
        /// What it serves.
        known: Vec<String>,
    },
    /// A stream ended badly or brought nothing.
    #[error("a probe stream on {path} brought no answer: {outcome}{}", said(error.as_deref()))]
    NoToken {
        /// The route asked.
        path: &'static str,
        /// How the stream ended.
        outcome: Outcome,
        /// What the engine said of it.
        error: Option<String>,
    },
}

/// Checks every endpoint of a pool. `model` is the name the engines serve it under; `None` checks that they serve any.
///
/// # Errors
/// [`ProbeError`] names the first endpoint that is not ready.
pub async fn ready(pool: &Pool, ready: Ready, model: Option<&str>) -> Result<(), ProbeError> {
    for (index, endpoint) in pool.endpoints().into_iter().map(|state| state.name).enumerate() {
        let checked = check(pool, index, ready, model).await;
        checked.map_err(|fault| ProbeError { endpoint: endpoint.to_owned(), fault })?;
    }
    Ok(())
}

/// The models that every endpoint of a pool lists, without repetition, in the order they are listed.
///
/// # Errors
/// [`ProbeError`] names the first endpoint that lists none.
pub async fn models(pool: &Pool) -> Result<Vec<String>, ProbeError> {
    let mut all = Vec::new();
    for (index, endpoint) in pool.endpoints().into_iter().map(|state| state.name).enumerate() {
        let listed = list_models(pool, index).await;
        let listed = listed.map_err(|fault| ProbeError { endpoint: endpoint.to_owned(), fault })?;
        all.extend(listed);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|model| seen.insert(model.clone()));
    Ok(all)
}

/// Sends `rounds` of short and long questions, greedy and sampled, to every endpoint: kernels are compiled per
/// shape, and a user should not be the one who waits for that.
///
/// # Errors
/// [`ProbeError`] names the first endpoint that did not answer.
pub async fn warm(pool: &Pool, model: &str, rounds: usize) -> Result<(), ProbeError> {
    for (index, endpoint) in pool.endpoints().into_iter().map(|state| state.name).enumerate() {
        for _ in 0..rounds {
            for (words, temperature) in [(4, 0.0), (256, 0.0), (4, 1.0), (256, 1.0)] {
                let question = Question { model, words, temperature };
                let answered = stream(pool, index, &question).await;
                answered.map_err(|fault| ProbeError { endpoint: endpoint.to_owned(), fault })?;
            }
        }
    }
    Ok(())
}

async fn check(pool: &Pool, index: usize, ready: Ready, model: Option<&str>) -> Result<(), ProbeFault> {
    if ready == Ready::None {
        return Ok(());
    }
    let known = list_models(pool, index).await?;
    let served = match model {
        Some(model) => known.iter().find(|listed| *listed == model),
        None => known.first(),
    };
    let Some(served) = served else {
        return Err(ProbeFault::Model { model: model.unwrap_or("any model").to_owned(), known });
    };
    match ready {
        Ready::Stream => stream(pool, index, &Question { model: served, words: 4, temperature: 0.0 }).await,
        Ready::None | Ready::Http => Ok(()),
    }
}

async fn list_models(pool: &Pool, index: usize) -> Result<Vec<String>, ProbeFault> {
    let path = "/v1/models";
    let reply = pool.send_to(index, &Outgoing::get(path)).await?;
    let status = reply.status;
    let body = reply.collect(PROBE_BYTES_MAX).await?;
    if !status.is_success() {
        return Err(ProbeFault::Status { path, status, quote: quote(&body) });
    }
    let list: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(entries) = list["data"].as_array() else {
        return Err(ProbeFault::NotAList { quote: quote(&body) });
    };
    Ok(entries.iter().filter_map(|entry| entry["id"].as_str()).map(str::to_owned).collect())
}

struct Question<'a> {
    model: &'a str,
    words: usize,
    temperature: f64,
}

impl Question<'_> {
    fn text(&self) -> String {
        vec!["hello"; self.words].join(" ")
    }

    fn body(&self, asked: (&str, Value)) -> Bytes {
        let (model, temperature) = (self.model, self.temperature);
        let mut body = json!({"model": model, "stream": true, "max_tokens": PROBE_TOKENS_MAX, "temperature": temperature});
        body[asked.0] = asked.1;
        Bytes::from(body.to_string())
    }
}

/// Reads one short stream to its end; a base model without a chat template is asked for a completion.
async fn stream(pool: &Pool, index: usize, question: &Question<'_>) -> Result<(), ProbeFault> {
    let messages = json!([{"role": "user", "content": question.text()}]);
    let chat = "/v1/chat/completions";
    let reply = ask(pool, index, chat, question.body(("messages", messages))).await?;
    if !reply.status.is_client_error() {
        return read(reply, chat).await;
    }
    let completions = "/v1/completions";
    let reply = ask(pool, index, completions, question.body(("prompt", question.text().into()))).await?;
    read(reply, completions).await
}

async fn ask(pool: &Pool, index: usize, path: &'static str, body: Bytes) -> Result<Reply, ProbeFault> {
    Ok(pool.send_to(index, &Outgoing::post_json(path, body)).await?)
}

async fn read(mut reply: Reply, path: &'static str) -> Result<(), ProbeFault> {
    let status = reply.status;
    if !status.is_success() {
        let quote = quote(&reply.collect(PROBE_BYTES_MAX).await?);
        return Err(ProbeFault::Status { path, status, quote });
    }
    // The times are nobody's evidence: a probe asks whether, not how fast.
    let mut observer = ResponseObserver::new(0.0);
    let content_type = reply.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    observer.headers(status.as_u16(), content_type, 0.0);
    while let Some(frame) = reply.body.frame().await {
        if let Some(piece) = frame?.data_ref() {
            observer.push(piece, 0.0);
        }
    }
    let streamed = observer.is_streamed();
    let answer = observer.finish(End::Clean, 0.0);
    if streamed && answer.outcome.is_complete() && answer.clocks.first_token_ms.is_some() {
        return Ok(());
    }
    Err(ProbeFault::NoToken { path, outcome: answer.outcome, error: answer.error })
}

pub(super) fn quote(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim().chars().take(QUOTE_CHARS_MAX).collect()
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "nothing".to_owned() } else { known.join(", ") }
}

fn said(error: Option<&str>) -> impl fmt::Display {
    error.map_or_else(String::new, |error| format!(", {error:?}"))
}

#[cfg(test)]
mod tests;
