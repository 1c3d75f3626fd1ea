//! What changed between two releases, in words, and what that calls for.

use serde_json::json;

use crate::cli::{Context, Failure, Format};
use crate::release::Lock;

/// How much care a change asks for; ordered, so that the largest one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Care {
    /// Nothing that answers changed.
    None,
    /// Answers should stay the same.
    Same,
    /// Answers are worded otherwise; the engine is known.
    Fast,
    /// Everything may be different.
    Full,
}

impl Care {
    const fn of(section: &str) -> Self {
        match section.as_bytes() {
            b"ops" | b"eval" => Self::None,
            b"numerics" => Self::Same,
            b"prompts" | b"sampling" | b"interface" => Self::Fast,
            _ => Self::Full,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Same => "same_answers",
            Self::Fast => "fast",
            Self::Full => "full",
        }
    }

    /// What to do about it.
    const fn advice(self) -> &'static str {
        match self {
            Self::None => "no canary: nothing that can change an answer differs",
            Self::Same => {
                "the answers should be the same: require disagreement in [judge], smoke suite, then mirror and a short ramp"
            }
            Self::Fast => {
                "smoke and gate suites of the changed prompts; a short mirror and a fast ramp will do"
            }
            Self::Full => "every suite, the whole mirror window and the whole ramp",
        }
    }
}

/// A section in words.
fn words(section: &str) -> &'static str {
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

/// Shows the difference.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn show(baseline: &Lock, candidate: &Lock, context: &Context) -> Result<(), Failure> {
    let changed = baseline.changed(candidate);
    let care = changed.iter().map(|section| Care::of(section)).max().unwrap_or(Care::None);
    let cache = if baseline.sem() == candidate.sem() { "kept" } else { "another namespace" };
    if context.output.format() == Format::Json {
        return context.output.json(&json!({
            "baseline": baseline.rel().as_str(), "candidate": candidate.rel().as_str(), "changed": changed,
            "care": care.word(), "advice": care.advice(), "cache": cache,
        }));
    }
    let mut text = format!("{} → {}\n", baseline.name(), candidate.name());
    for section in &changed {
        text += &format!("  changed  {section:<14} {}\n", words(section));
    }
    if changed.is_empty() {
        text += "  nothing changed\n";
    }
    text += &format!("  cache    {cache}\n  calls for: {}\n", care.advice());
    context.output.text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_change_decides_and_an_unknown_one_is_large() {
        let care = |sections: &[&str]| sections.iter().map(|section| Care::of(section)).max();
        assert_eq!(care(&["ops"]), Some(Care::None));
        assert_eq!(care(&["ops", "numerics"]), Some(Care::Same));
        assert_eq!(care(&["prompts", "sampling"]), Some(Care::Fast));
        assert_eq!(care(&["prompts", "tokenizer"]), Some(Care::Full));
        assert_eq!(care(&["something_new"]), Some(Care::Full));
    }
}
