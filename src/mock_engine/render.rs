//! The bytes of answers: templates filled in, since only a text and a few numbers differ.

use std::io::Write;

use serde_json::{Value, json};

use super::request::Endpoint;
use super::script::{Ending, Plan};

/// Answers carry no real time: a run's bytes are its seed's.
pub(super) const CREATED: u64 = 1_700_000_000;

/// Writes the chunks of one streamed answer.
#[derive(Debug)]
pub(super) struct ChunkWriter {
    endpoint: Endpoint,
    /// `data: {"id":…,"model":…,` of every chunk.
    head: String,
}

impl ChunkWriter {
    pub(super) fn new(endpoint: Endpoint, plan: &Plan, model: &str) -> Self {
        let object = match endpoint {
            Endpoint::Chat => "chat.completion.chunk",
            Endpoint::Completions => "text_completion",
        };
        let (id, model) = (answer_id(endpoint, plan), quoted(model));
        let head = format!(r#"data: {{"id":"{id}","object":"{object}","created":{CREATED},"model":{model},"#);
        Self { endpoint, head }
    }

    /// The chunk that only names the role; the completions route has none.
    pub(super) fn role(&self, out: &mut Vec<u8>) {
        if self.endpoint == Endpoint::Chat {
            self.chunk(
                out,
                r#""choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]"#,
            );
        }
    }

    pub(super) fn text(&self, text: &str, out: &mut Vec<u8>) {
        let text = quoted(text);
        let choice = match self.endpoint {
            Endpoint::Chat => {
                format!(
                    r#""choices":[{{"index":0,"delta":{{"content":{text}}},"logprobs":null,"finish_reason":null}}]"#
                )
            }
            Endpoint::Completions => {
                format!(r#""choices":[{{"index":0,"text":{text},"logprobs":null,"finish_reason":null}}]"#)
            }
        };
        self.chunk(out, &choice);
    }

    pub(super) fn finish(&self, reason: &str, fingerprint: &str, out: &mut Vec<u8>) {
        let part = match self.endpoint {
            Endpoint::Chat => r#""delta":{}"#,
            Endpoint::Completions => r#""text":"""#,
        };
        let fingerprint = quoted(fingerprint);
        self.chunk(
            out,
            &format!(
                r#""choices":[{{"index":0,{part},"logprobs":null,"finish_reason":"{reason}","stop_reason":null}}],"system_fingerprint":{fingerprint}"#
            ),
        );
    }

    pub(super) fn usage(&self, plan: &Plan, out: &mut Vec<u8>) {
        let (usage, fingerprint) = (usage(plan), quoted(&plan.fingerprint));
        self.chunk(out, &format!(r#""choices":[],"usage":{usage},"system_fingerprint":{fingerprint}"#));
    }

    fn chunk(&self, out: &mut Vec<u8>, rest: &str) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{}{rest}}}\n\n", self.head);
    }
}

pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// The error object of a vLLM whose engine died.
pub(super) const ENGINE_ERROR: &str = r#"{"error":{"message":"EngineCore encountered an issue (scripted).","type":"InternalServerError","param":null,"code":500}}"#;

/// An answer in one piece.
pub(super) fn whole(endpoint: Endpoint, plan: &Plan, model: &str) -> String {
    let (id, model, text) = (answer_id(endpoint, plan), quoted(model), quoted(sent_text(plan)));
    let finish = finish_reason(plan.ending).map_or_else(|| "null".to_owned(), quoted);
    let (usage, fingerprint) = (usage(plan), quoted(&plan.fingerprint));
    let (object, part) = match endpoint {
        Endpoint::Chat => {
            ("chat.completion", format!(r#""message":{{"role":"assistant","content":{text}}}"#))
        }
        Endpoint::Completions => ("text_completion", format!(r#""text":{text}"#)),
    };
    format!(
        r#"{{"id":"{id}","object":"{object}","created":{CREATED},"model":{model},"choices":[{{"index":0,{part},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage},"system_fingerprint":{fingerprint}}}"#
    )
}

/// The word for an ending; `None` where the answer breaks before one.
pub(super) const fn finish_reason(ending: Ending) -> Option<&'static str> {
    match ending {
        Ending::Stop | Ending::NoTerminator => Some("stop"),
        Ending::Length => Some("length"),
        Ending::Abort => Some("abort"),
        Ending::ErrorObject | Ending::NoFinish | Ending::Silence | Ending::Reset => None,
    }
}

/// The text of the tokens that are sent.
fn sent_text(plan: &Plan) -> &str {
    let end = plan.tokens.checked_sub(1).and_then(|last| plan.reply.ends.get(last));
    &plan.reply.text[..end.copied().unwrap_or(0)]
}

/// An error in vLLM's shape: the code is a number.
pub(super) fn error(status: u16, kind: &str, message: &str, param: Option<&str>) -> String {
    json!({"error": {"message": message, "type": kind, "param": param, "code": status}}).to_string()
}

fn usage(plan: &Plan) -> String {
    let (prompt, completion, cached) = (plan.prompt_tokens, plan.tokens, plan.cached_tokens);
    let total = prompt + completion;
    format!(
        r#"{{"prompt_tokens":{prompt},"total_tokens":{total},"completion_tokens":{completion},"prompt_tokens_details":{{"cached_tokens":{cached}}}}}"#
    )
}

fn answer_id(endpoint: Endpoint, plan: &Plan) -> String {
    match endpoint {
        Endpoint::Chat => format!("chatcmpl-{:016x}", plan.id),
        Endpoint::Completions => format!("cmpl-{:016x}", plan.id),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
