//! What changed between two releases, field by field, and what that calls for.

mod care;
mod words;

use serde_json::{Value, json};

use crate::cli::{Context, Failure, Format};
use crate::release::{Change, Lock};
use care::Care;

/// What is said of two locks.
struct Difference {
    sections: Vec<&'static str>,
    changes: Vec<Change>,
    prompts: Vec<String>,
    suites: Vec<String>,
    care: Care,
    cache: &'static str,
}

impl Difference {
    fn of(baseline: &Lock, candidate: &Lock) -> Self {
        let sections = baseline.changed(candidate);
        let care = sections.iter().map(|section| Care::of(section)).max().unwrap_or(Care::None);
        let asks = care > Care::None || sections.contains(&"eval");
        Self {
            changes: baseline.changes(candidate),
            prompts: baseline.changed_prompts(candidate),
            suites: if asks { candidate.suites() } else { Vec::new() },
            care,
            cache: if baseline.sem() == candidate.sem() { "kept" } else { "another namespace" },
            sections,
        }
    }

    fn of_section(&self, section: &str) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.section == section)
    }

    /// A section in words. What only an engine told is nothing that anybody wrote.
    fn words(&self, section: &str) -> &'static str {
        let is_told = |change: &Change| change.field == "told" || change.field.starts_with("told.");
        match section {
            "engine" if self.of_section(section).all(is_told) => {
                "what the engine told of itself when it was locked"
            }
            _ => words::section(section),
        }
    }

    fn json(&self) -> Value {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|Change { section, field, baseline, candidate }| {
                json!({"section": section, "field": field, "baseline": baseline, "candidate": candidate})
            })
            .collect();
        json!({
            "changed": self.sections, "changes": changes, "prompts": self.prompts, "suites": self.suites,
            "care": self.care.word(), "advice": self.care.advice(), "rollout": self.care.stages(), "cache": self.cache,
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            text += &format!("  changed  {section:<14} {}\n", self.words(section));
            for Change { field, baseline, candidate, .. } in self.of_section(section) {
                let (before, after) = words::values(baseline, candidate);
                text += &format!("           {field}: {before} → {after}\n");
            }
        }
        if self.sections.is_empty() {
            text += "  nothing changed\n";
        }
        if !self.prompts.is_empty() {
            text += &format!("  prompts  {}\n", self.prompts.join(", "));
        }
        text += &format!("  cache    {}\n  calls for: {}\n", self.cache, self.care.advice());
        if !self.suites.is_empty() {
            text += &format!("  suites   {}\n", self.suites.join(", "));
        }
        if let Some(stages) = self.care.stages() {
            text += "  for goldgate.toml:\n";
            stages.lines().for_each(|line| text += &format!("    {line}\n"));
        }
        text
    }
}

/// Shows the difference.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn show(baseline: &Lock, candidate: &Lock, context: &Context) -> Result<(), Failure> {
    let difference = Difference::of(baseline, candidate);
    if context.output.format() == Format::Json {
        let mut document = difference.json();
        document["baseline"] = baseline.rel().as_str().into();
        document["candidate"] = candidate.rel().as_str().into();
        return context.output.json(&document);
    }
    context.output.text(format!("{} → {}\n{}", baseline.name(), candidate.name(), difference.text()))
}

#[cfg(test)]
mod tests;
