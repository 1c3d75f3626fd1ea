//! What a good answer must satisfy by itself, whatever was asked.

/// A rule that needs no reference, so that live answers can be held to it as well as golden ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerRule {
    /// A regular expression is found in it.
    Pattern(String),
    /// It is one JSON value and nothing else.
    JsonValid,
    /// It is JSON that satisfies this JSON Schema, given as its text.
    JsonSchema(String),
    /// It declines to do what was asked.
    Refusal,
    /// It is written in this language, an ISO 639-3 code.
    Language(String),
    /// Its length is within these bounds.
    Length(LengthRange),
    /// It breaks the rule.
    Not(Box<AnswerRule>),
}

/// Bounds of a length, both included; `None`: not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LengthRange {
    /// Fewest characters.
    pub chars_min: Option<usize>,
    /// Most characters.
    pub chars_max: Option<usize>,
    /// Fewest words.
    pub words_min: Option<usize>,
    /// Most words.
    pub words_max: Option<usize>,
}

impl LengthRange {
    /// Whether a text keeps to the bounds. White space around it does not count; words are what white space separates.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        let within = |count: usize, min: Option<usize>, max: Option<usize>| {
            min.is_none_or(|min| count >= min) && max.is_none_or(|max| count <= max)
        };
        within(text.trim().chars().count(), self.chars_min, self.chars_max)
            && within(text.split_whitespace().count(), self.words_min, self.words_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_belong_to_the_range() {
        let range = LengthRange { chars_min: Some(2), words_max: Some(2), ..LengthRange::default() };
        for (text, expected) in [("é", false), ("éé", true), ("a b", true), (" a\n", false), ("a b c", false)]
        {
            assert_eq!(range.holds(text), expected, "{text:?}");
        }
        assert!(LengthRange::default().holds(""));
    }
}
