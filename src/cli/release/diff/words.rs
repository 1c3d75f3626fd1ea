//! Sections and values in words.

use serde_json::Value;

/// Characters of a value that are shown.
const SHOWN_MAX: usize = 56;

/// Characters that two long texts have in common and are shown before the first that differs.
const LEAD: usize = 16;

/// A section in words.
pub(super) fn section(section: &str) -> &'static str {
    match section {
        "chat_template" => "the chat template: how messages become a prompt",
        "context" => "context: length and truncation",
        "engine" => "the engine: its kind, version or flags",
        "eval" => "suites and policy it is gated by",
        "interface" => "interface: tools, schemas or parsers",
        "model" => "the model: its name or weights",
        "numerics" => "numerics: parallelism, attention backend",
        "ops" => "operations only",
        "prompts" => "prompt templates, their includes or schemas",
        "sampling" => "sampling defaults, or what clients may set",
        "tokenizer" => "the tokenizer",
        _ => "a section of its own",
    }
}

/// Two values that differ, short enough for a line, from where they begin to.
pub(super) fn values(before: &Value, after: &Value) -> (String, String) {
    let (before, after) = (written(before), written(after));
    let is_short = |text: &str| text.chars().count() <= SHOWN_MAX;
    if is_short(&before) && is_short(&after) {
        return (before, after);
    }
    let common = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let from = common.saturating_sub(LEAD);
    (piece(&before, from), piece(&after, from))
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if is_digest(text) => text[..12].to_owned(),
        other => other.to_string(),
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn piece(text: &str, from: usize) -> String {
    let shown: String = text.chars().skip(from).take(SHOWN_MAX).collect();
    let begin = if from > 0 { "…" } else { "" };
    let end = if text.chars().count() > from + SHOWN_MAX { "…" } else { "" };
    format!("{begin}{shown}{end}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_from_where_they_begin_to_differ() {
        let check = |before: Value, after: Value, expected: (&str, &str)| {
            let (before, after) = values(&before, &after);
            assert_eq!((before.as_str(), after.as_str()), expected);
        };
        check(json!(0.5), json!(0.7), ("0.5", "0.7"));
        check(json!(null), json!(["stop"]), ("none", "[\"stop\"]"));
        check(json!("a".repeat(64)), json!("b".repeat(64)), ("aaaaaaaaaaaa", "bbbbbbbbbbbb"));
        let long = |word: &str| json!(format!("{}\nThink {word} by step.{}", "x".repeat(80), "y".repeat(80)));
        let (before, after) = values(&long("step"), &long("twice"));
        assert!(
            before.starts_with("…") && before.contains("Think step by step.") && before.ends_with('…'),
            "{before}"
        );
        assert!(after.contains("Think twice by step.") && after.chars().count() == SHOWN_MAX + 2, "{after}");
    }
}
