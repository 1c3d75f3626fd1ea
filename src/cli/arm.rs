//! An arm as it is typed: a URL, or `file:ANSWERS`.

use std::path::Path;

use super::Failure;
use crate::evals::{ArmSource, Endpoint, EvalError, RecordedAnswers};

/// Names the key that is sent to engines as a bearer token; a key in an argument would stand in the process list.
const KEY_VARIABLE: &str = "GOLDGATE_ENGINE_KEY";

/// What `typed` means.
///
/// # Errors
/// A URL that is none, or a file of recorded answers with anything wrong in it: exit 2.
pub(super) fn source(typed: &str) -> Result<ArmSource, Failure> {
    if let Some(file) = typed.strip_prefix("file:") {
        let answers = RecordedAnswers::read(Path::new(file)).map_err(Failure::usage)?;
        return Ok(ArmSource::Recorded(answers));
    }
    let mut endpoint = Endpoint::new(typed).map_err(blame)?;
    endpoint.key = key();
    Ok(ArmSource::Engine(endpoint))
}

/// The key for engines, where there is one.
pub(super) fn key() -> Option<String> {
    std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty())
}

/// Whose fault an error of the harness is.
pub(super) fn blame(error: EvalError) -> Failure {
    if error.is_usage() { Failure::usage(error) } else { Failure::world(error) }
}
