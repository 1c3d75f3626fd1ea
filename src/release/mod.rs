//! A release: model, prompt templates, sampling and engine as one unit, named by the digest of its content.
//!
//! `release.toml` is what a person writes; the lock is what is deployed. A flip moves templates and model
//! together because there is nothing smaller that could move.
//!
//! ## Prompt templates
//!
//! Templates are minijinja text with strict undefined: a variable that a client forgot is an error and never an
//! empty string. Roles are laid out by lines of their own, `{# role: system #}`, which minijinja itself takes for
//! comments: each such line begins a message with that role (system, developer, user or assistant). Text before
//! the first role line is a user message; a template without any is one user message. The layout is read from the
//! template's own text and never from what variables contain, so no variable can open a message. Blocks such as
//! loops end within the message they begin in. Included files bring text and no roles.
//!
//! A prompt's JSON Schema says which variables a client must send; what it does not allow is refused with its place. It
//! must list every variable that the template asks for.
//!
//! ## What a lock keeps
//!
//! Every section as canonical JSON, in which floats are decimal texts. Where people write what they like, a text that would
//! read as a float begins with `@text:`, so that each comes back as what it was. A lock is refused that has other sections
//! than the known ones or another content than its ids; its name is a label and may change. A manifest is refused that
//! holds a secret in clear or names an engine that moves.
//!
//! Absent on purpose: templates that read a clock or randomness. The same variables give the same messages.

mod canonical;
mod client_may_set;
mod error;
mod file_hashes;
mod lints;
mod lock;
mod manifest;
mod prompts;
mod refused;
mod report;
mod source;

pub use client_may_set::{LENGTH_LIMITS, SAMPLING, may_set};
pub use error::ReleaseError;
pub use file_hashes::FileHashes;
pub use lints::{Lint, lints};
pub use lock::{Change, Lock};
pub use prompts::{PromptError, PromptTexts, Prompts, RenderError};
pub use report::{Difference, EngineReport, chat_template_digest};
