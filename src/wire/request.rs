//! What the proxy must know of a request: read beside the bytes, which go on as they came.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Fields;
use crate::domain::Shape;

/// The fields of a request that decide where it goes and how it is judged. Every other field is the
/// engine's business and is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The model name the client sent.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the stream's usage chunk is asked for (`stream_options.include_usage`).
    pub include_usage: bool,
    /// The client's own user id.
    pub user: Option<String>,
    /// What is asked, as it stands in the body.
    pub asked: Asked,
    /// All fields, as they stand in the body.
    pub fields: Fields,
}

/// Where in the body the question stands. Ranges are byte positions of a JSON value in the body that
/// was parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Neither messages, nor a prompt, nor an input: another route's body, or one that the engine will refuse.
    Nothing,
    /// `messages`, ready for the engine.
    Messages(Range<usize>),
    /// `prompt` of the completions route: a text, texts, or token ids.
    Text(Range<usize>),
    /// `input` of the Responses route, and what stands before it; the embeddings route has one, too.
    Input {
        /// A text, or items.
        input: Range<usize>,
        /// `instructions`.
        instructions: Option<Range<usize>>,
    },
    /// `"prompt": {"id", "variables"}`: to be rendered with the templates of whichever release answers.
    Template {
        /// The template's name in the release.
        id: String,
        /// The variables, a JSON object; `None` when the client sent none.
        variables: Option<Range<usize>>,
    },
}

/// Why a body is no request that can be served. Each is the client's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, a field of a wrong type, or a field given twice.
    #[error("the request body is not a valid request: {detail}")]
    Body {
        /// What the JSON reader says, with line and column.
        detail: String,
    },
    /// No model named.
    #[error("the request names no model: \"model\" must be a non-empty string")]
    ModelMissing,
    /// A prompt version was asked for.
    #[error("\"prompt.version\" is refused: the version of a prompt template is the release that answers")]
    PromptVersion,
    /// A prompt object without a name.
    #[error("\"prompt.id\" must name a prompt template of the release")]
    PromptId,
    /// A prompt object beside messages.
    #[error("\"prompt\" and \"messages\" are both given: a prompt template renders the messages")]
    PromptAndMessages,
    /// The client brought its own chat template.
    #[error(
        "\"chat_template\" is refused: the template is part of the release and is not the client's to set"
    )]
    ChatTemplate,
}

impl RequestError {
    /// The field at fault, for `error.param`.
    #[must_use]
    pub const fn param(&self) -> Option<&'static str> {
        match self {
            Self::Body { .. } => None,
            Self::ModelMissing => Some("model"),
            Self::PromptVersion => Some("prompt.version"),
            Self::PromptId => Some("prompt.id"),
            Self::PromptAndMessages => Some("prompt"),
            Self::ChatTemplate => Some("chat_template"),
        }
    }
}

impl From<serde_json::Error> for RequestError {
    fn from(error: serde_json::Error) -> Self {
        Self::Body { detail: error.to_string() }
    }
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct PromptFields<'a> {
    id: Option<String>,
    version: Option<IgnoredAny>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
}

impl RequestHead {
    /// Reads a request body.
    ///
    /// # Errors
    /// A [`RequestError`] names the rule that the body breaks.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let fields = Fields::read(body)?;
        if fields.find(body, "chat_template")?.is_some() {
            return Err(RequestError::ChatTemplate);
        }
        let model: Option<String> = fields.parse(body, "model")?;
        let options: Option<StreamOptions> = fields.parse(body, "stream_options")?;
        Ok(Self {
            asked: read_asked(body, &fields)?,
            model: model.filter(|model| !model.is_empty()).ok_or(RequestError::ModelMissing)?,
            stream: fields.parse(body, "stream")?.unwrap_or(false),
            include_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
            user: fields.parse(body, "user")?,
            fields,
        })
    }

    /// The shape that the answer is asked for in.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        match (self.stream, self.include_usage) {
            (false, _) => Shape::Body,
            (true, false) => Shape::Stream,
            (true, true) => Shape::StreamWithUsage,
        }
    }
}

fn read_asked(body: &[u8], fields: &Fields) -> Result<Asked, RequestError> {
    let (messages, prompt) = (fields.find(body, "messages")?, fields.find(body, "prompt")?);
    match (messages, prompt) {
        (messages, Some(prompt)) if body[prompt.start] == b'{' => {
            let prompt: PromptFields<'_> = serde_json::from_slice(&body[prompt])?;
            if messages.is_some() {
                return Err(RequestError::PromptAndMessages);
            }
            read_template(body, prompt)
        }
        (Some(messages), _) => Ok(Asked::Messages(messages)),
        (None, Some(prompt)) => Ok(Asked::Text(prompt)),
        (None, None) => {
            let instructions = fields.find(body, "instructions")?;
            let input = fields.find(body, "input")?;
            Ok(input.map_or(Asked::Nothing, |input| Asked::Input { input, instructions }))
        }
    }
}

fn read_template(body: &[u8], prompt: PromptFields<'_>) -> Result<Asked, RequestError> {
    if prompt.version.is_some() {
        return Err(RequestError::PromptVersion);
    }
    let id = prompt.id.filter(|id| !id.is_empty()).ok_or(RequestError::PromptId)?;
    let variables = match prompt.variables.map(RawValue::get) {
        Some(text) if !text.starts_with('{') => {
            return Err(RequestError::Body { detail: "\"prompt.variables\" must be an object".to_owned() });
        }
        text => text.map(|text| span(body, text)),
    };
    Ok(Asked::Template { id, variables })
}

/// Where a slice of the body stands in it.
pub(super) fn span(body: &[u8], part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - body.as_ptr().addr();
    start..start + part.len()
}

#[cfg(test)]
mod tests;
