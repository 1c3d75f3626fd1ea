//! What is wrong with a template, and where.

use std::error::Error;
use std::fmt;

use super::closure::PART_MARK;

/// A place in a template file and what the engine said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The template file.
    pub file: String,
    /// Line, from 1; `None` when the engine named none.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl At {
    /// The innermost cause of `error`, which arose in template `name`, a part that follows `lines_before`.
    pub(super) fn of(error: &minijinja::Error, name: &str, lines_before: usize) -> Self {
        let inner = innermost(error);
        let source = inner.name().unwrap_or(name);
        let offset = if source == name { lines_before } else { 0 };
        let file = source.split(PART_MARK).next().unwrap_or(source).to_owned();
        let what = match inner.detail() {
            Some(detail) => format!("{}: {detail}", inner.kind()),
            None => inner.kind().to_string(),
        };
        Self { file, line: inner.line().map(|line| line + offset), what }
    }
}

/// The error at the root of `error`.
pub(super) fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let mut inner = error;
    while let Some(cause) = inner.source().and_then(|source| source.downcast_ref()) {
        inner = cause;
    }
    inner
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// Why the templates of a release cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A prompt or an include names a file that is not there.
    #[error("{by} names the template file {file:?}, which is not part of the release")]
    NoFile {
        /// Who names it.
        by: String,
        /// The missing file.
        file: String,
    },
    /// Not a template.
    #[error("{at}")]
    Syntax {
        /// Where and what.
        at: At,
    },
    /// An include whose name is computed: it could not be hashed.
    #[error(
        "{file}:{line}: {tag:?} must name its file in quotes, so that the file becomes part of the release"
    )]
    ComputedName {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// `include`, `import`, `from` or `extends`.
        tag: String,
    },
    /// A role line that names no role.
    #[error("{file}:{line}: {role:?} is not a role; roles are system, developer, user and assistant")]
    Role {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What was written.
        role: String,
    },
    /// An included file lays out roles.
    #[error("{file}:{line}: an included file brings text and cannot begin a message")]
    RoleInInclude {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
    },
    /// A schema that is none.
    #[error("prompt {id:?}: {what}")]
    Schema {
        /// The prompt.
        id: String,
        /// What is wrong with its schema.
        what: String,
    },
    /// A variable that the template asks for and its schema does not list.
    #[error(
        "prompt {id:?}: the template asks for {variable:?}, which is not among the properties of its schema"
    )]
    Unlisted {
        /// The prompt.
        id: String,
        /// The variable.
        variable: String,
    },
    /// A file name that is reserved.
    #[error("the template file name {0:?} contains a control character")]
    Name(String),
}

impl PromptError {
    pub(super) fn no_file(id: &str, file: &str) -> Self {
        Self::NoFile { by: format!("prompt {id:?}"), file: file.to_owned() }
    }
}

/// Why a prompt cannot be rendered for a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The release has no such prompt.
    #[error("this release has no prompt {id:?}; it has {}", list(known))]
    Unknown {
        /// What was asked for.
        id: String,
        /// What there is.
        known: Vec<String>,
    },
    /// `variables` is not an object.
    #[error("the variables of prompt {id:?} must be a JSON object")]
    Variables {
        /// The prompt.
        id: String,
    },
    /// The schema of the prompt's variables refused them.
    #[error("prompt {id:?}: the variables are not what its schema asks for: {fault}")]
    Schema {
        /// The prompt.
        id: String,
        /// The first thing that is not allowed, with its place.
        fault: String,
    },
    /// The template refused: a missing variable, a wrong type, an endless loop.
    #[error("prompt {id:?}: {at}")]
    Template {
        /// The prompt.
        id: String,
        /// Where and what.
        at: At,
    },
    /// The rendered text is larger than any request may be.
    #[error("prompt {id:?} renders to more than {bytes_max} bytes")]
    TooLong {
        /// The prompt.
        id: String,
        /// The limit.
        bytes_max: usize,
    },
}

impl RenderError {
    pub(super) fn template(id: &str, at: At) -> Self {
        Self::Template { id: id.to_owned(), at }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}
