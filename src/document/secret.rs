//! Secrets by reference: `env:NAME` or `file:PATH`, read where they are used and never kept with what was read.

use std::fs;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::reader::{Item, Reader};

/// Where a secret is found, and where the configuration says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    source: Source,
    /// A fault without its rule: the place that a secret which cannot be read is told at.
    place: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Variable(String),
    File(PathBuf),
}

const HINT: &str = "write \"env:NAME\" or \"file:PATH\"; the secret itself does not belong into this file";

impl Secret {
    /// The reference at `item`; a relative path is taken from `folder`.
    pub(crate) fn reference(reader: &mut Reader<'_>, item: &Item<'_, '_>, folder: &Path) -> Option<Self> {
        let text = reader.text(item)?;
        let source = match text.split_once(':') {
            Some(("env", name)) if !name.trim().is_empty() => Source::Variable(name.trim().to_owned()),
            Some(("file", path)) if !path.trim().is_empty() => Source::File(folder.join(path.trim())),
            _ => {
                // What was written may be a secret: it is not repeated.
                reader.wrong(item, "no reference to a secret", HINT);
                return None;
            }
        };
        Some(Self { source, place: reader.located(item, "", "") })
    }

    /// The secret, without the white space around it; `variable` reads the environment.
    ///
    /// # Errors
    /// When the variable or the file is not there, empty, or holds what no header can carry.
    pub fn read(&self, variable: impl FnOnce(&str) -> Option<String>) -> Result<String, Fault> {
        let (name, found) = match &self.source {
            Source::Variable(name) => {
                (format!("the variable {name}"), variable(name).ok_or_else(|| "is not set".to_owned()))
            }
            Source::File(path) => {
                let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"));
                (path.display().to_string(), text)
            }
        };
        let secret = found.map_err(|rule| self.fault(format!("{name} {rule}")))?.trim().to_owned();
        match secret {
            secret if secret.is_empty() => Err(self.fault(format!("{name} is empty"))),
            // What was read stays out of the message.
            secret if !secret.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err(self.fault(format!("{name} holds more than letters, digits and signs on one line")))
            }
            secret => Ok(secret),
        }
    }

    /// A fault at the place of the reference.
    pub(crate) fn fault(&self, rule: String) -> Fault {
        let hint = Some("put the secret there before goldgate starts".to_owned());
        Fault { rule, hint, ..self.place.clone() }
    }
}
