//! Logs: lines on stderr, filtered as the user says.

use tracing_subscriber::EnvFilter;

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log {filter:?} is no log filter: {text}\n  hint: write a level (error, warn, info, debug, trace) or target=level,…"
)]
pub struct LogFilterError {
    /// What was given.
    pub filter: String,
    /// What is wrong with it.
    pub text: String,
}

/// Sends the process's logs to stderr. Where they go somewhere already, they stay there.
///
/// # Errors
/// When `filter` is none.
pub fn start_logs(filter: &str, ansi: bool) -> Result<(), LogFilterError> {
    let parsed = EnvFilter::try_new(filter)
        .map_err(|error| LogFilterError { filter: filter.to_owned(), text: error.to_string() })?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr).with_ansi(ansi);
    // An error means that they go somewhere already.
    let _ = lines.try_init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_told_with_its_remedy() {
        let error = start_logs("goldgate=loud", false).unwrap_err();
        assert!(error.to_string().contains("write a level"), "{error}");
    }
}
