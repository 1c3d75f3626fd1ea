//! A stored answer in the shape that its next reader wants: as one body or as a stream of events.
//!
//! Fields that are known are told in the other shape's way. Fields that are not go along where they can stand in both; where
//! that is not certain (log-probabilities, calls of tools, several choices, parts of a message that nobody here knows) there is
//! no other shape, and the answer must be asked for anew.

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value, json};

use super::{Edit, EventParser, Fields, splice};
use crate::domain::Shape;

/// A text is told in no more pieces than this: each costs some 200 bytes.
const PIECES_MAX: usize = 2_048;
/// Characters of a piece, where that does not make too many.
const PIECE_CHARS: usize = 24;

/// Fields of an answer that stand in each of its chunks.
const ENVELOPE: [&str; 6] = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];
/// Where a choice can say something; an engine uses one of them.
const SAID: [&str; 3] = ["message", "delta", "text"];
/// Texts of a message, in the order in which they are told.
const TEXTS: [&str; 3] = ["reasoning_content", "reasoning", "content"];

/// The request without what only asks for a shape, so that both shapes are one question. Stream options that nobody here
/// knows stay, and so does whatever an engine might refuse.
#[must_use]
pub fn without_shape(body: &Bytes, fields: &Fields) -> Bytes {
    let given = |name| fields.value(body, name);
    let stream: Option<bool> = match given("stream").map(serde_json::from_slice) {
        None => None,
        Some(Ok(stream)) => stream,
        Some(Err(_)) => return body.clone(),
    };
    let is_known = match given("stream_options").map(serde_json::from_slice::<Option<Map<String, Value>>>) {
        None | Some(Ok(None)) => true,
        Some(Ok(Some(options))) => {
            let is_usage = |(name, value): (&String, &Value)| {
                name == "include_usage" && (value.is_boolean() || value.is_null())
            };
            stream == Some(true) && options.iter().all(is_usage)
        }
        Some(Err(_)) => false,
    };
    let shaping = ["stream", "stream_options"].into_iter().filter(|name| is_known && given(name).is_some());
    splice(body, fields, &shaping.map(Edit::remove).collect::<Vec<_>>())
}

/// Whether a stream tells its usage.
#[must_use]
pub fn tells_usage(stream: &[u8]) -> bool {
    let Some(place) = memmem::rfind(stream, b"\"usage\"") else { return false };
    let start = memmem::rfind(&stream[..place], b"data:").unwrap_or(0);
    let mut tells = false;
    let read = EventParser::new().push(&stream[start..], |event| {
        let chunk: Value = serde_json::from_slice(event.data).unwrap_or_default();
        tells |= chunk["usage"].is_object();
    });
    read.is_ok() && tells
}

/// An answer in one piece, told as a stream, with its usage where `shape` says so. `None`: it has no such shape.
#[must_use]
pub fn told_as_stream(body: &[u8], shape: Shape) -> Option<Bytes> {
    let mut answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut choice = only_choice(answer.shift_remove("choices")?)?;
    let usage = answer.shift_remove("usage").filter(Value::is_object);
    let is_chat = answer.get("object")? == "chat.completion";
    if is_chat {
        answer.insert("object".to_owned(), json!("chat.completion.chunk"));
    }
    let (envelope, last): (Map<_, _>, Map<_, _>) =
        answer.into_iter().partition(|(name, _)| ENVELOPE.contains(&&**name));
    let texts = if is_chat {
        texts_of(choice.shift_remove("message")?)?
    } else {
        vec![("text", text(choice.shift_remove("text")?)?)]
    };
    let finish = choice.shift_remove("finish_reason")?;
    if SAID.iter().any(|name| choice.contains_key(*name)) {
        return None;
    }
    let mut events = Events { envelope, is_chat, out: Vec::new() };
    if is_chat {
        events.say(json!({"role": "assistant", "content": ""}), Value::Null, Map::new());
    }
    for (name, text) in texts {
        pieces(&text).for_each(|piece| events.say(json!({name: piece}), Value::Null, Map::new()));
    }
    events.last(finish, choice, last);
    if shape == Shape::StreamWithUsage {
        events.event(json!({"choices": [], "usage": usage?}));
    }
    events.out.extend_from_slice(b"data: [DONE]\n\n");
    Some(events.out.into())
}

/// A stream, told in one piece. `None`: it has no such shape.
#[must_use]
pub fn told_as_body(stream: &[u8]) -> Option<Bytes> {
    let mut told = Some(Told::default());
    let mut has_ended = false;
    let read = EventParser::new().push(stream, |event| {
        // Nobody reads what comes after it.
        has_ended |= event.data == b"[DONE]";
        if !has_ended {
            told = told.take().and_then(|told| told.with(event.data));
        }
    });
    read.ok()?;
    told?.whole()
}

/// The only choice of an answer, if its meaning is known.
fn only_choice(choices: Value) -> Option<Map<String, Value>> {
    let Value::Array(mut choices) = choices else { return None };
    let Value::Object(mut choice) = choices.pop()? else { return None };
    let is_first = choice.shift_remove("index").is_none_or(|index| index == 0);
    let is_plain = choice.shift_remove("logprobs").is_none_or(|value| value.is_null());
    (choices.is_empty() && is_first && is_plain).then_some(choice)
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

/// The texts of a message that holds nothing else.
fn texts_of(message: Value) -> Option<Vec<(&'static str, String)>> {
    let Value::Object(mut message) = message else { return None };
    message.shift_remove("role");
    let texts: Option<Vec<_>> = TEXTS
        .iter()
        .filter_map(|name| Some((*name, text(message.shift_remove(*name)?))))
        .map(|(name, text)| Some((name, text?)))
        .collect();
    if message.values().all(is_nothing) { texts } else { None }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// A text in small pieces: a word each, or a part of a long one.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let length = PIECE_CHARS.max(text.len().div_ceil(PIECES_MAX));
    let by_words = text.len() <= PIECES_MAX;
    let mut rest = text;
    std::iter::from_fn(move || {
        let ends = rest
            .char_indices()
            .enumerate()
            .find(|(number, (_, char))| number + 1 == length || by_words && char.is_whitespace());
        let end = ends.map_or(rest.len(), |(_, (at, char))| at + char.len_utf8());
        let (piece, others) = rest.split_at(end);
        rest = others;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Writes a stream.
struct Events {
    envelope: Map<String, Value>,
    is_chat: bool,
    out: Vec<u8>,
}

impl Events {
    fn event(&mut self, fields: Value) {
        let mut chunk = self.envelope.clone();
        if let Value::Object(fields) = fields {
            chunk.extend(fields);
        }
        self.out.extend_from_slice(format!("data: {}\n\n", Value::Object(chunk)).as_bytes());
    }

    /// A chunk with a part of the answer: a message's part, or a text.
    fn say(&mut self, part: Value, finish: Value, others: Map<String, Value>) {
        let mut choice = json!({"index": 0, "logprobs": null, "finish_reason": finish});
        match part {
            Value::Object(part) if !self.is_chat => others_into(&mut choice, part),
            part => choice["delta"] = part,
        }
        others_into(&mut choice, others);
        self.event(json!({"choices": [choice]}));
    }

    /// The chunk with the finish, and with what is said once.
    fn last(&mut self, finish: Value, choice: Map<String, Value>, answer: Map<String, Value>) {
        let part = if self.is_chat { json!({}) } else { json!({"text": ""}) };
        let envelope = self.envelope.clone();
        self.envelope.extend(answer.into_iter().filter(|(_, value)| !value.is_null()));
        self.say(part, finish, choice);
        self.envelope = envelope;
    }
}

fn others_into(choice: &mut Value, others: Map<String, Value>) {
    for (name, value) in others {
        choice[name] = value;
    }
}

/// What a stream has told so far.
#[derive(Default)]
struct Told {
    answer: Map<String, Value>,
    texts: Map<String, Value>,
    choice: Map<String, Value>,
    usage: Option<Value>,
}

impl Told {
    fn with(mut self, chunk: &[u8]) -> Option<Self> {
        let mut chunk: Map<String, Value> = serde_json::from_slice(chunk).ok()?;
        let choices = chunk.shift_remove("choices").unwrap_or_default();
        self.usage = chunk.shift_remove("usage").filter(Value::is_object).or(self.usage);
        for (name, value) in chunk {
            if !value.is_null() || !self.answer.contains_key(&name) {
                self.answer.insert(name, value);
            }
        }
        if is_nothing(&choices) { Some(self) } else { self.with_choice(only_choice(choices)?) }
    }

    fn with_choice(mut self, mut choice: Map<String, Value>) -> Option<Self> {
        if let Some(text) = choice.shift_remove("text") {
            self.append("text", text)?;
        }
        if let Some(Value::Object(delta)) = choice.shift_remove("delta") {
            for (name, value) in delta {
                match name.as_str() {
                    "role" => {}
                    name if TEXTS.contains(&name) => self.append(name, value)?,
                    _ if is_nothing(&value) => {}
                    _ => return None,
                }
            }
        }
        if SAID.iter().any(|name| choice.contains_key(*name)) {
            return None;
        }
        self.choice.extend(choice.into_iter().filter(|(_, value)| !value.is_null() && value != ""));
        Some(self)
    }

    fn append(&mut self, name: &str, part: Value) -> Option<()> {
        let part = text(part)?;
        match self.texts.get_mut(name) {
            Some(Value::String(text)) => text.push_str(&part),
            _ => drop(self.texts.insert(name.to_owned(), Value::String(part))),
        }
        Some(())
    }

    fn whole(self) -> Option<Bytes> {
        let Self { mut answer, mut texts, choice, usage } = self;
        let mut told = json!({"index": 0});
        if answer.get("object")? == "chat.completion.chunk" {
            answer.insert("object".to_owned(), json!("chat.completion"));
            let mut message =
                json!({"role": "assistant", "content": texts.shift_remove("content").unwrap_or_default()});
            if texts.contains_key("text") {
                return None;
            }
            others_into(&mut message, texts);
            told["message"] = message;
        } else {
            told["text"] = texts.shift_remove("text")?;
            if !texts.is_empty() {
                return None;
            }
        }
        told["logprobs"] = Value::Null;
        choice.get("finish_reason")?;
        others_into(&mut told, choice);
        answer.insert("choices".to_owned(), json!([told]));
        answer.insert("usage".to_owned(), usage?);
        Some(Value::Object(answer).to_string().into())
    }
}

#[cfg(test)]
mod tests;
