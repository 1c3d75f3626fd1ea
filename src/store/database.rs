//! Opening the database: one process, nothing lost, nothing damaged.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use super::StoreError;
use super::held::TimeHeld;
use super::schema::MIGRATIONS;

/// How long another process may hold the file before it counts as in use. A journal write waits this
/// long at most, and a rollback waits for the journal.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a query waits for the one connection. Reads for people share it with the journal; all of
/// them are bounded, so a longer wait means that the disk hangs.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The durable state of all rollouts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pool: SqlitePool,
    pub(super) file: Arc<str>,
}

impl Store {
    /// Opens, and where needed creates, the database of `url` (`sqlite:FILE`), for this process alone.
    ///
    /// # Errors
    /// When the URL names no SQLite file, the file cannot be opened, another process has it, it is
    /// damaged, or a newer goldgate wrote it.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let _held = TimeHeld::now();
        let unsupported = || StoreError::Unsupported { url: url.to_owned() };
        let name = url.strip_prefix("sqlite:").ok_or_else(unsupported)?;
        let file: Arc<str> = name.trim_start_matches("//").into();
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| unsupported())?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // One connection for good: it holds the lock on the file.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(|source| StoreError::from_sql(&file, "open the database", source))?;
        let store = Self { pool, file };
        store.check_whole().await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Closes the file; what was written stays.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn check_whole(&self) -> Result<(), StoreError> {
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.failed("check the database", source))?;
        if said == "ok" {
            return Ok(());
        }
        Err(StoreError::Damaged { file: Arc::clone(&self.file), what: said.replace('\n', " ") })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.failed("read the format", source))?;
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let done = usize::try_from(found).ok().filter(|done| *done <= MIGRATIONS.len());
        let Some(done) = done else {
            return Err(StoreError::Newer { file: Arc::clone(&self.file), found, known });
        };
        for migration in &MIGRATIONS[done..] {
            let doing = "create the tables";
            let mut transaction = self.pool.begin().await.map_err(|source| self.failed(doing, source))?;
            sqlx::raw_sql(*migration)
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.failed(doing, source))?;
            transaction.commit().await.map_err(|source| self.failed(doing, source))?;
        }
        Ok(())
    }

    pub(super) fn failed(&self, doing: &'static str, source: sqlx::Error) -> StoreError {
        StoreError::from_sql(&self.file, doing, source)
    }
}
