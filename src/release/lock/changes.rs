//! What differs between two locks, field by field.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::canonical::unmarked;
use super::super::lints::number_of;
use super::super::refused::hides;
use super::{Lock, SECTIONS, is_free, texts};

/// Keys of `[eval]` that name suites.
const SUITE_KEYS: [&str; 3] = ["suite", "suites", "gate"];

/// One field that two releases have otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The section.
    pub section: &'static str,
    /// The path within it.
    pub field: String,
    /// As the baseline has it; null: it does not.
    pub baseline: Value,
    /// As the candidate has it; null: it does not.
    pub candidate: Value,
}

impl Lock {
    /// The fields in which `candidate` differs, in the order of sections and keys. What may be a secret is not shown.
    #[must_use]
    pub fn changes(&self, candidate: &Self) -> Vec<Change> {
        let mut found = Vec::new();
        for (section, _) in SECTIONS {
            compare(section, String::new(), &self.value(section), &candidate.value(section), &mut found);
        }
        found
    }

    /// The prompts whose template, an included file or the schema differs, or which only one of the two has.
    #[must_use]
    pub fn changed_prompts(&self, candidate: &Self) -> Vec<String> {
        let (ours, theirs) = (texts(&self.value("prompts")), texts(&candidate.value("prompts")));
        let ids: BTreeSet<_> = ours.entries.keys().chain(theirs.entries.keys()).collect();
        ids.into_iter().filter(|id| ours.parts_of(id) != theirs.parts_of(id)).cloned().collect()
    }

    /// The suites that `[eval]` names, under `suite`, `suites` or `gate`.
    #[must_use]
    pub fn suites(&self) -> Vec<String> {
        let eval = self.value("eval");
        let named = SUITE_KEYS.iter().flat_map(|key| match &eval[*key] {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        });
        named.filter_map(|name| Some(name.as_str()?.to_owned())).collect()
    }

    /// The whole number that its engine is given by one of the flags `names`.
    #[must_use]
    pub fn engine_flag(&self, names: &[&str]) -> Option<u64> {
        let engine = self.value("engine");
        let flags: Vec<_> = engine["flags"].as_array()?.iter().filter_map(Value::as_str).collect();
        number_of(&flags, names)
    }

    fn value(&self, section: &str) -> Value {
        let text = self.record.sections.get(section).map_or("null", String::as_str);
        // It was read when the lock was.
        let value = serde_json::from_str(text).unwrap_or_default();
        if is_free(section) { unmarked(value) } else { value }
    }
}

fn compare(section: &'static str, field: String, ours: &Value, theirs: &Value, found: &mut Vec<Change>) {
    if ours == theirs {
        return;
    }
    let empty = Map::new();
    let (ours_in, theirs_in) = match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => (ours, theirs),
        (Value::Object(ours), Value::Null) => (ours, &empty),
        (Value::Null, Value::Object(theirs)) => (&empty, theirs),
        _ => {
            let name = field.rsplit('.').next().unwrap_or_default().to_owned();
            let shown =
                |value: &Value| if hides(&name, value) { "(not shown)".into() } else { value.clone() };
            found.push(Change { section, baseline: shown(ours), candidate: shown(theirs), field });
            return;
        }
    };
    let keys: BTreeSet<_> = ours_in.keys().chain(theirs_in.keys()).collect();
    for key in keys {
        let path = if field.is_empty() { key.clone() } else { format!("{field}.{key}") };
        let of = |object: &Map<String, Value>| object.get(key).cloned().unwrap_or_default();
        compare(section, path, &of(ours_in), &of(theirs_in), found);
    }
}
