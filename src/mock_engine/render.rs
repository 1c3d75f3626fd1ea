//! The bytes of answers of choices: templates filled in, since only a text and a few numbers differ.

use std::io::Write;

use serde_json::{Value, json};

use super::request::{Endpoint, EngineRequest};
use super::script::{Ending, Plan};

/// Answers carry no real time: a run's bytes are its seed's.
pub(super) const CREATED: u64 = 1_700_000_000;

/// Writes the chunks of one streamed answer.
#[derive(Debug)]
pub(super) struct ChunkWriter {
    is_chat: bool,
    include_usage: bool,
    /// `data: {"id":…,"model":…,` of every chunk.
    head: String,
    /// How the call of a function begins, where the answer is one.
    call: Option<String>,
}

impl ChunkWriter {
    pub(super) fn new(endpoint: Endpoint, request: &EngineRequest, plan: &Plan, model: &str) -> Self {
        let (is_chat, include_usage) = (endpoint == Endpoint::Chat, request.include_usage());
        let object = if is_chat { "chat.completion.chunk" } else { "text_completion" };
        let (id, model) = (answer_id(endpoint, plan), quoted(model));
        let head = format!(r#"data: {{"id":"{id}","object":"{object}","created":{CREATED},"model":{model},"#);
        let call = plan.called.as_deref().map(|name| call(plan, name, ""));
        Self { is_chat, include_usage, head, call }
    }

    /// The chunk that only names the role, and the one that names the function; the completions route has neither.
    pub(super) fn role(&self, out: &mut Vec<u8>) {
        if self.is_chat {
            self.choice(out, r#""delta":{"role":"assistant","content":""}"#);
            if let Some(call) = &self.call {
                self.choice(out, &format!(r#""delta":{{"tool_calls":[{call}]}}"#));
            }
        }
    }

    pub(super) fn text(&self, text: &str, out: &mut Vec<u8>) {
        let text = quoted(text);
        let part = match (self.is_chat, &self.call) {
            (true, None) => format!(r#""delta":{{"content":{text}}}"#),
            (true, Some(_)) => {
                format!(r#""delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":{text}}}}}]}}"#)
            }
            (false, _) => format!(r#""text":{text}"#),
        };
        self.choice(out, &part);
    }

    /// What comes after the last token.
    pub(super) fn end(&self, plan: &Plan, out: &mut Vec<u8>) {
        if let Some(reason) = finish_reason(plan) {
            self.finish(reason, &plan.fingerprint, out);
            if self.include_usage {
                self.usage(plan, out);
            }
        }
        match plan.ending {
            Ending::Stop | Ending::Length | Ending::Abort => out.extend_from_slice(DONE),
            Ending::ErrorObject => {
                out.extend_from_slice(format!("data: {ENGINE_ERROR}\n\n").as_bytes());
                out.extend_from_slice(DONE);
            }
            Ending::NoFinish | Ending::NoTerminator | Ending::Silence | Ending::Reset => {}
        }
    }

    fn finish(&self, reason: &str, fingerprint: &str, out: &mut Vec<u8>) {
        let part = if self.is_chat { r#""delta":{}"# } else { r#""text":"""# };
        let fingerprint = quoted(fingerprint);
        self.chunk(
            out,
            &format!(
                r#""choices":[{{"index":0,{part},"logprobs":null,"finish_reason":"{reason}","stop_reason":null}}],"system_fingerprint":{fingerprint}"#
            ),
        );
    }

    fn usage(&self, plan: &Plan, out: &mut Vec<u8>) {
        let (usage, fingerprint) = (usage(plan), quoted(&plan.fingerprint));
        self.chunk(out, &format!(r#""choices":[],"usage":{usage},"system_fingerprint":{fingerprint}"#));
    }

    /// A chunk of an answer that goes on.
    fn choice(&self, out: &mut Vec<u8>, part: &str) {
        self.chunk(out, &format!(r#""choices":[{{"index":0,{part},"logprobs":null,"finish_reason":null}}]"#));
    }

    fn chunk(&self, out: &mut Vec<u8>, rest: &str) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{}{rest}}}\n\n", self.head);
    }
}

const DONE: &[u8] = b"data: [DONE]\n\n";

/// The error object of a vLLM whose engine died.
pub(super) const ENGINE_ERROR: &str = r#"{"error":{"message":"EngineCore encountered an issue (scripted).","type":"InternalServerError","param":null,"code":500}}"#;

/// An answer in one piece.
pub(super) fn whole(endpoint: Endpoint, plan: &Plan, model: &str) -> String {
    let (id, model, text) = (answer_id(endpoint, plan), quoted(model), quoted(sent_text(plan)));
    let finish = finish_reason(plan).map_or_else(|| "null".to_owned(), quoted);
    let (usage, fingerprint) = (usage(plan), quoted(&plan.fingerprint));
    let (object, part) = match endpoint {
        Endpoint::Chat => {
            let said = match &plan.called {
                Some(name) => format!(r#"null,"tool_calls":[{}]"#, call(plan, name, sent_text(plan))),
                None => text,
            };
            ("chat.completion", format!(r#""message":{{"role":"assistant","content":{said}}}"#))
        }
        Endpoint::Completions | Endpoint::Responses => ("text_completion", format!(r#""text":{text}"#)),
    };
    format!(
        r#"{{"id":"{id}","object":"{object}","created":{CREATED},"model":{model},"choices":[{{"index":0,{part},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage},"system_fingerprint":{fingerprint}}}"#
    )
}

/// The word for an ending; `None` where the answer breaks before one.
const fn finish_reason(plan: &Plan) -> Option<&'static str> {
    match plan.ending {
        Ending::Stop | Ending::NoTerminator if plan.called.is_some() => Some("tool_calls"),
        Ending::Stop | Ending::NoTerminator => Some("stop"),
        Ending::Length => Some("length"),
        Ending::Abort => Some("abort"),
        Ending::ErrorObject | Ending::NoFinish | Ending::Silence | Ending::Reset => None,
    }
}

/// The call of a function, with as much of its arguments as is said at once.
fn call(plan: &Plan, name: &str, arguments: &str) -> String {
    let (name, arguments) = (quoted(name), quoted(arguments));
    format!(
        r#"{{"index":0,"id":"call_{:016x}","type":"function","function":{{"name":{name},"arguments":{arguments}}}}}"#,
        plan.id
    )
}

/// The text of the tokens that are sent.
pub(super) fn sent_text(plan: &Plan) -> &str {
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
    let kind = if endpoint == Endpoint::Chat { "chatcmpl" } else { "cmpl" };
    format!("{kind}-{:016x}", plan.id)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
