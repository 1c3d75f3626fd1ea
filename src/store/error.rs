//! What can be wrong with the store: the file, the rule and the remedy.

use std::sync::Arc;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another kind of store than this build knows.
    #[error("state.url {url:?} is not supported: use sqlite:FILE, for example \"sqlite:goldgate.db\"")]
    Unsupported {
        /// The URL.
        url: String,
    },
    /// Another process has it.
    #[error(
        "{file} is in use by another process: one controller owns it at a time; stop the other goldgate, or name another file in state.url"
    )]
    InUse {
        /// The file.
        file: Arc<str>,
    },
    /// The file is not, or no longer, a whole database.
    #[error("{file} is damaged ({what}): restore it from a backup, or move it away to start without history")]
    Damaged {
        /// The file.
        file: Arc<str>,
        /// What was found.
        what: String,
    },
    /// Written by a later version.
    #[error(
        "{file} was written by a newer goldgate (format {found}, this one knows {known}): use that version, or another file"
    )]
    Newer {
        /// The file.
        file: Arc<str>,
        /// Its format.
        found: i64,
        /// The latest known.
        known: i64,
    },
    /// A row does not say what it said when it was written.
    #[error(
        "{file}: {row} cannot be read: {why}; restore it from a backup, or move the file away to start without history"
    )]
    Row {
        /// The file.
        file: Arc<str>,
        /// Which row.
        row: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file cannot be opened, read or written now.
    #[error("{file}: cannot {doing}: {source}; check that the directory exists, is writable and has space")]
    Io {
        /// The file.
        file: Arc<str>,
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
}

/// Result codes of SQLite: <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const BUSY: i64 = 5;
    pub(super) const LOCKED: i64 = 6;
    pub(super) const CORRUPT: i64 = 11;
    pub(super) const NOT_A_DATABASE: i64 = 26;
}

impl StoreError {
    /// Sorts what the database said into what people can do about it.
    pub(super) fn from_sql(file: &Arc<str>, doing: &'static str, source: sqlx::Error) -> Self {
        let file = Arc::clone(file);
        let database = source.as_database_error();
        // The low byte is the primary code, the rest refines it.
        let primary = database
            .and_then(|error| error.code())
            .and_then(|code| code.parse::<i64>().ok())
            .map(|code| code & 0xff);
        match primary {
            Some(code::BUSY | code::LOCKED) => Self::InUse { file },
            Some(code::CORRUPT | code::NOT_A_DATABASE) => {
                let what = database.map_or_else(String::new, |error| error.message().to_owned());
                Self::Damaged { file, what }
            }
            _ => Self::Io { file, doing, source },
        }
    }
}
