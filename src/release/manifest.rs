//! `release.toml`: what a person writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::ReleaseError;
use super::prompts::{PromptTexts, Prompts};
use super::refused::refuse;

/// The manifest as written. Only `name`, `model.id` and `engine.kind` are required; paths are taken from
/// the manifest's folder.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) model: Model,
    pub(super) tokenizer: Option<File>,
    pub(super) chat_template: Option<File>,
    #[serde(default)]
    pub(super) prompts: BTreeMap<String, Prompt>,
    #[serde(default)]
    pub(super) sampling: serde_json::Map<String, Value>,
    #[serde(default)]
    pub(super) interface: serde_json::Map<String, Value>,
    #[serde(default)]
    pub(super) context: serde_json::Map<String, Value>,
    pub(super) engine: Engine,
    #[serde(default)]
    pub(super) numerics: serde_json::Map<String, Value>,
    #[serde(default)]
    pub(super) eval: serde_json::Map<String, Value>,
    #[serde(default)]
    pub(super) ops: serde_json::Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// The name the engine serves it under.
    pub(super) id: String,
    /// Where its weights come from: never fetched, and digested where they are files.
    pub(super) source: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) file: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prompt {
    pub(super) template: String,
    pub(super) schema: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Engine {
    pub(super) kind: String,
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) flags: Vec<String>,
}

impl Manifest {
    /// Parses `text`, which came from `file`, and refuses what no lock may hold.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, ReleaseError> {
        let manifest = toml::from_str(text).map_err(|error| ReleaseError::located(file, text, &error))?;
        refuse(file, text)?;
        Ok(manifest)
    }

    /// Every template and schema that the prompts name, includes among them, read from `folder`. They must
    /// compile: a lock of a template that cannot be rendered would be a release that cannot answer.
    pub(super) fn prompt_texts(&self, folder: &Path) -> Result<PromptTexts, ReleaseError> {
        let mut texts = PromptTexts::default();
        let mut open: Vec<String> = Vec::new();
        for (id, prompt) in &self.prompts {
            let Prompt { template, schema } = prompt;
            texts.entries.insert(id.clone(), template.clone());
            open.push(template.clone());
            if let Some(schema) = schema {
                texts.schemas.insert(id.clone(), read_text(&folder.join(schema))?);
            }
        }
        let mut asked = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !asked.insert(name.clone()) {
                continue;
            }
            let text = read_text(&folder.join(&name))?;
            open.extend(super::prompts::includes(&name, &text)?.into_iter().map(str::to_owned));
            texts.files.insert(name, text);
        }
        Prompts::compile(&texts)?;
        Ok(texts)
    }
}

/// A text file, with its path in the error.
pub(super) fn read_text(path: &Path) -> Result<String, ReleaseError> {
    fs::read_to_string(path).map_err(|source| ReleaseError::Read { path: path.to_owned(), source })
}
