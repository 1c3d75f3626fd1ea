//! Chunks that differ from one before them in their text alone: most of a stream.

use super::chunk::Chunk;

/// What stands around the text of a chunk that was read as JSON, and brought a piece of text and nothing else that is
/// observed.
///
/// A chunk with the same bytes before and behind a text without quotes, escapes and control characters is the same JSON
/// with another text: it needs no reader (a fifth of what an event costs the proxy).
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// Empty until there is one: no chunk begins with its text.
    before: String,
    after: String,
}

impl Alike {
    /// The text of `data`, where it is the chunk that is remembered with another text.
    pub(super) fn text<'a>(&self, data: &'a str) -> Option<&'a str> {
        if self.before.is_empty() {
            return None;
        }
        let text = data.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        is_plain(text).then_some(text)
    }

    /// Remembers `chunk`, which was read from `data`, if it brought a text and nothing else.
    pub(super) fn remember(&mut self, data: &str, chunk: &Chunk<'_>) {
        let Some((before, after)) = chunk.only_text().and_then(|text| around(data, text)) else { return };
        before.clone_into(&mut self.before);
        after.clone_into(&mut self.after);
    }
}

/// What stands before and behind `text`, where it lies in `data`: a text with escapes was written anew and does not.
fn around<'a>(data: &'a str, text: &str) -> Option<(&'a str, &'a str)> {
    let start = text.as_ptr().addr().checked_sub(data.as_ptr().addr())?;
    let end = start.checked_add(text.len()).filter(|end| *end <= data.len())?;
    Some((data.get(..start)?, data.get(end..)?))
}

/// Whether it stands between quotes as it is (RFC 8259 §7), and is a token: an empty text is none.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = r#"{"id":"x","choices":[{"index":0,"delta":{"content":" one"},"logprobs":null,"finish_reason":null}]}"#;

    fn remembering(data: &str) -> Alike {
        let mut alike = Alike::default();
        alike.remember(data, &serde_json::from_str(data).unwrap());
        alike
    }

    #[test]
    fn the_same_chunk_with_another_text_is_known() {
        let check = |data: &str, expected: Option<&str>| {
            assert_eq!(remembering(TOKEN).text(data), expected, "{data}");
        };
        let with = |text: &str| TOKEN.replace(" one", text);
        check(TOKEN, Some(" one"));
        check(&with("é"), Some("é"));
        check(&with(""), None);
        check(&with(r"\n"), None);
        check(&with("\u{1}"), None);
        check(&with(r#"a","role":"b"#), None);
        check(&TOKEN.replace(r#""x""#, r#""y""#), None);
        check(&TOKEN.replace("null}]", r#""stop"}]"#), None);
        check(&TOKEN[..TOKEN.len() - 1], None);
        check("", None);
    }

    #[test]
    fn only_a_text_by_itself_is_remembered() {
        let completion = r#"{"choices":[{"text":"one"}]}"#;
        assert_eq!(remembering(completion).text(&completion.replace("one", "two")), Some("two"));
        for other in [
            r#"{"choices":[{"delta":{"content":"a\nb"}}]}"#,
            r#"{"choices":[{"delta":{"content":""}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"text":"a"}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","refusal":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","reasoning_content":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"text":"b"}]}"#,
            r#"{"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"completion_tokens":1}}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"error":"no"}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"object":"error"}"#,
        ] {
            assert_eq!(remembering(other).text(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_known_reads_as_the_reader_reads_it(text in r#"[a-c"\\é \n]{0,6}"#) {
            let data = TOKEN.replace(" one", &text);
            if let Some(known) = remembering(TOKEN).text(&data) {
                let chunk: Chunk<'_> = serde_json::from_str(&data).unwrap();
                prop_assert_eq!(chunk.only_text(), Some(known));
            }
        }
    }
}
