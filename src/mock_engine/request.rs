//! What an engine reads of a request.

use serde::Deserialize;
use serde_json::Value;

/// The routes that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completions,
    Responses,
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
    /// Of the Responses route: a text, or messages.
    #[serde(default)]
    input: Option<Value>,
    #[serde(default)]
    instructions: Option<String>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    max_output_tokens: Option<usize>,
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
        self.max_completion_tokens.or(self.max_output_tokens).or(self.max_tokens).unwrap_or(usize::MAX)
    }

    /// The prompt as the model sees it: messages through a plain chat template, or the text itself.
    /// `None`: nothing was asked.
    pub(super) fn rendered(&self) -> Option<String> {
        if let Some(messages) = &self.messages {
            let turn = |message: &Message| format!("<|{}|>\n{}\n", message.role, text(&message.content));
            return Some(messages.iter().map(turn).collect::<String>() + "<|assistant|>\n");
        }
        self.prompt.as_ref().map(text).or_else(|| self.rendered_input())
    }

    fn rendered_input(&self) -> Option<String> {
        let turn = |role: &str, said: &str| format!("<|{role}|>\n{said}\n");
        let before = self.instructions.iter().map(|said| turn("system", said));
        let said = match self.input.as_ref()? {
            Value::Array(items) => items
                .iter()
                .map(|item| turn(item["role"].as_str().unwrap_or("tool"), &text(&item["content"])))
                .collect(),
            input => turn("user", &text(input)),
        };
        Some(before.collect::<String>() + &said + "<|assistant|>\n")
    }

    /// The function that must be called: the one that `tool_choice` names, or the first when it is `required`.
    /// A free choice is no call.
    pub(super) fn called(&self) -> Option<&str> {
        let chosen = if self.tool_choice == "required" { self.tools.get(0)? } else { &self.tool_choice };
        // The Responses route names it at the top.
        chosen["function"]["name"].as_str().or(chosen["name"].as_str())
    }

    /// The last text a user said.
    pub(super) fn question(&self) -> String {
        let user = |messages: &Vec<Message>| {
            messages.iter().rev().find(|message| message.role == "user").map(|message| text(&message.content))
        };
        let asked = self.messages.as_ref().and_then(user).or(self.prompt.as_ref().map(text));
        asked.or(self.input.as_ref().map(last_words)).unwrap_or_default()
    }
}

/// What the user said last in an input.
fn last_words(input: &Value) -> String {
    let items = input.as_array().into_iter().flatten();
    let last = items.rev().find(|item| item["role"] == "user").map(|item| text(&item["content"]));
    last.unwrap_or_else(|| text(input))
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
