//! What an engine reads of a request.

use serde::Deserialize;
use serde_json::Value;

/// The routes that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completions,
}

#[derive(Debug, Deserialize)]
pub(super) struct EngineRequest {
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    messages: Option<Vec<Message>>,
    #[serde(default)]
    prompt: Option<Value>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    tools: Value,
    #[serde(default)]
    tool_choice: Value,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

impl EngineRequest {
    pub(super) fn include_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    pub(super) fn tokens_max(&self) -> usize {
        self.max_completion_tokens.or(self.max_tokens).unwrap_or(usize::MAX)
    }

    /// The prompt as the model sees it: messages through a plain chat template, or the text itself.
    /// `None`: nothing was asked.
    pub(super) fn rendered(&self) -> Option<String> {
        if let Some(messages) = &self.messages {
            let turn = |message: &Message| format!("<|{}|>\n{}\n", message.role, text(&message.content));
            return Some(messages.iter().map(turn).collect::<String>() + "<|assistant|>\n");
        }
        self.prompt.as_ref().map(text)
    }

    /// The function that must be called: the one that `tool_choice` names, or the first when it is `required`.
    /// A free choice is no call.
    pub(super) fn called(&self) -> Option<&str> {
        let chosen = if self.tool_choice == "required" { self.tools.get(0)? } else { &self.tool_choice };
        chosen["function"]["name"].as_str()
    }

    /// The last text a user said.
    pub(super) fn question(&self) -> String {
        let user = |messages: &Vec<Message>| {
            messages.iter().rev().find(|message| message.role == "user").map(|message| text(&message.content))
        };
        self.messages.as_ref().and_then(user).or(self.prompt.as_ref().map(text)).unwrap_or_default()
    }
}

/// A text, or the texts of a list of texts or parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.as_str().or(part["text"].as_str()));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
