//! Rules on answers, which suites and the configuration write with the same ids and keys.

use std::fs;
use std::path::Path;

use super::reader::{Item, Reader, Section, json};
use crate::domain::{AnswerRule, LengthRange};

/// Ids of the rules and the keys that each takes.
const RULES: [(&str, &[&str]); 7] = [
    ("non_empty@1", &[]),
    ("regex@1", &["pattern"]),
    ("json_valid@1", &[]),
    ("json_schema@2020-12", &["schema"]),
    ("refusal@1", &[]),
    ("length@1", &["chars_min", "chars_max", "words_min", "words_max"]),
    ("language@whatlang-0.18", &["language"]),
];

/// An answer is kept up to a quarter of a million bytes; a longer bound would hold nothing.
const LENGTH_END: u64 = 1 << 18;

/// The ids of all rules.
pub(crate) fn answer_rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(id, _)| *id)
}

/// The keys that the rule called `id` takes; `None`: there is none.
pub(crate) fn answer_rule_keys(id: &str) -> Option<&'static [&'static str]> {
    RULES.iter().find(|(rule, _)| *rule == id).map(|(_, keys)| *keys)
}

impl Reader<'_> {
    /// The rule called `id`, with its keys from `section`; a file is taken from `folder`. Whether a pattern, a schema or a
    /// language can be used is known by those who use it.
    pub(crate) fn answer_rule(
        &mut self,
        section: &Section<'_, '_>,
        id: &str,
        folder: &Path,
    ) -> Option<AnswerRule> {
        match id {
            "non_empty@1" => Some(AnswerRule::Pattern(r"\S".to_owned())),
            "regex@1" => {
                let item = self.needed(section, "pattern", "pattern = '(?m)^A: -?[0-9]'")?;
                self.text(&item).map(AnswerRule::Pattern)
            }
            "json_valid@1" => Some(AnswerRule::JsonValid),
            "json_schema@2020-12" => {
                let item = self.needed(section, "schema", "schema = \"answer.schema.json\"")?;
                self.schema(&item, folder).map(AnswerRule::JsonSchema)
            }
            "refusal@1" => Some(AnswerRule::Refusal),
            "length@1" => self.length(section).map(AnswerRule::Length),
            "language@whatlang-0.18" => {
                let item = self.needed(section, "language", "language = \"eng\", an ISO 639-3 code")?;
                self.text(&item).map(AnswerRule::Language)
            }
            _ => None,
        }
    }

    /// The text of a schema: a table in place, or the path of a file.
    fn schema(&mut self, item: &Item<'_, '_>, folder: &Path) -> Option<String> {
        if item.clone().section().is_some() {
            return Some(json(item.value).to_string());
        }
        let path = folder.join(self.text(item)?);
        let read = fs::read_to_string(&path);
        let hint = "a path from the folder of this file, or a table";
        read.map_err(|error| self.wrong(item, format!("{} cannot be read: {error}", path.display()), hint))
            .ok()
    }

    fn length(&mut self, section: &Section<'_, '_>) -> Option<LengthRange> {
        let mut bound = |key| {
            let number = section.get(key).and_then(|item| self.whole(&item, 0..LENGTH_END));
            number.and_then(|number| usize::try_from(number).ok())
        };
        let range = LengthRange {
            chars_min: bound("chars_min"),
            chars_max: bound("chars_max"),
            words_min: bound("words_min"),
            words_max: bound("words_max"),
        };
        if range == LengthRange::default() {
            self.missing(section, "chars_max", "at least one of chars_min, chars_max, words_min, words_max");
            return None;
        }
        Some(range)
    }
}
