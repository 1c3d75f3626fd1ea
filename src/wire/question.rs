//! The question of a request: its last user text, where it stands alone at the end.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Fields;
use super::request::span;

/// Fields with which an answer may act instead of speak.
const TOOLS: [&str; 4] = ["tools", "tool_choice", "functions", "function_call"];

/// What a user asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastQuestion {
    /// Where its JSON text stands in the body.
    pub range: Range<usize>,
    /// The text.
    pub text: String,
}

#[derive(Deserialize)]
struct Message<'a> {
    role: String,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    tool_calls: Option<IgnoredAny>,
    function_call: Option<IgnoredAny>,
}

impl LastQuestion {
    /// Finds it: the last message, when it is a user's and a text, or the prompt, when it is one text. `None` for everything
    /// else, for requests with tools and for conversations in which tools were called.
    #[must_use]
    pub fn find(body: &[u8]) -> Option<Self> {
        let fields = Fields::read(body).ok()?;
        let given = |name: &str| fields.value(body, name).filter(|value| *value != b"null");
        if TOOLS.iter().any(|name| given(name).is_some()) {
            return None;
        }
        let text = match (given("messages"), given("prompt")) {
            (Some(messages), None) => last_text(messages)?,
            (None, Some(prompt)) => std::str::from_utf8(prompt).ok()?,
            _ => return None,
        };
        Some(Self { range: span(body, text), text: serde_json::from_str(text).ok()? })
    }
}

fn last_text(messages: &[u8]) -> Option<&str> {
    let messages: Vec<Message<'_>> = serde_json::from_slice(messages).ok()?;
    let speaks = |message: &Message<'_>| {
        message.tool_calls.is_none()
            && message.function_call.is_none()
            && ["system", "developer", "user", "assistant"].contains(&&*message.role)
    };
    let last = messages.last().filter(|last| last.role == "user" && messages.iter().all(speaks))?;
    last.content.map(RawValue::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<&str>) {
        let found = LastQuestion::find(body.as_bytes());
        assert_eq!(found.as_ref().map(|found| &*found.text), expected, "{body}");
        if let Some(LastQuestion { range, text }) = found {
            assert_eq!(serde_json::from_str::<String>(&body[range]).unwrap(), text);
        }
    }

    #[test]
    fn the_last_user_text_or_the_prompt_is_the_question() {
        check(r#"{"messages": [{"role": "user", "content": "a \"b\""}]}"#, Some("a \"b\""));
        check(
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"1"},{"role":"assistant","content":"2"},{"role":"user","content":"3"}],"tools":null}"#,
            Some("3"),
        );
        check(r#"{"model": "m", "prompt": "once"}"#, Some("once"));
    }

    #[test]
    fn tools_pictures_and_open_ends_have_no_question() {
        check(r#"{"messages":[{"role":"user","content":"a"}],"tools":[]}"#, None);
        check(r#"{"messages":[{"role":"user","content":"a"}],"tool_choice":"auto"}"#, None);
        check(r#"{"messages":[{"role":"tool","content":"a"},{"role":"user","content":"a"}]}"#, None);
        check(r#"{"messages":[{"role":"assistant","tool_calls":[]},{"role":"user","content":"a"}]}"#, None);
        check(r#"{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#, None);
        check(r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#, None);
        check(r#"{"messages":[]}"#, None);
        check(r#"{"prompt":["a","b"]}"#, None);
        check(r#"{"prompt":"a","messages":[{"role":"user","content":"a"}]}"#, None);
        check("not JSON", None);
    }
}
