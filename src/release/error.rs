//! What is wrong with a release, by place and rule.

use std::path::{Path, PathBuf};

use super::prompts::PromptError;

/// Why a manifest or a lock cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// A file that cannot be read.
    #[error("{}: cannot be read: {source}\n  hint: paths are taken from the manifest's folder", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A manifest that is not one.
    #[error("{}:{line}:{column}: {rule}\n  hint: only name, model.id and engine.kind are required", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        rule: String,
    },
    /// A secret in clear, or a name that will mean something else.
    #[error("{}:{line}:{column}: {rule}\n  hint: {hint}", path.display())]
    Refused {
        /// The manifest.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        rule: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A reference that will point elsewhere.
    #[error("{}: model.source {reference:?} moves: what it names today is not what it names tomorrow\n  hint: name a commit of forty hex digits (hf:ORG/NAME@COMMIT) or a digest (oci:NAME@sha256:DIGEST)", file.display())]
    Moving {
        /// The manifest.
        file: PathBuf,
        /// The reference.
        reference: String,
    },
    /// A source of no kind that is known.
    #[error("{}: model.source {reference:?} is none of dir:FOLDER, gguf:FILE, hf:ORG/NAME@COMMIT and oci:NAME@sha256:DIGEST\n  hint: leave model.source out where the weights are somebody else's; `--engine URL` locks what the engine says of them", file.display())]
    Source {
        /// The manifest.
        file: PathBuf,
        /// The source.
        reference: String,
    },
    /// A folder without weights.
    #[error("{}: holds no file to take for the model's weights\n  hint: paths are taken from the manifest's folder", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A lock that cannot be deployed.
    #[error("{}: {rule}\n  hint: write it again with `goldgate release lock`", path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// What is wrong.
        rule: String,
    },
    /// A prompt template.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A lock without sampling parameters.
    #[error("the lock's section \"sampling\" is no object")]
    Sampling,
    /// A section of a lock that is not JSON.
    #[error("a section of the lock is not JSON: {0}")]
    Section(#[from] serde_json::Error),
}

impl ReleaseError {
    pub(super) fn located(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        Self::Manifest { path: file.to_owned(), line, column, rule: error.message().to_owned() }
    }
}

/// Line and column of byte `at` in `text`, from 1.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
