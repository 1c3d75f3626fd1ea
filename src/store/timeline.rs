//! What people are told, and what the judge said: kept so that a reader who comes back misses nothing.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::held::TimeHeld;
use super::journal::{moment, whole};
use super::{Store, StoreError};
use crate::domain::{RolloutId, Timestamp};
use crate::rollout::{Note, StageVerdict};

/// One verdict of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVerdict {
    /// Position in the history, from 1.
    pub seq: u64,
    /// When it was given.
    pub at: Timestamp,
    /// The stage, as its word.
    pub stage: String,
    /// The evidence epoch.
    pub epoch: u64,
    /// Records it was judged on.
    pub records: u64,
    /// The verdict, as its word.
    pub verdict: String,
    /// The whole verdict as `goldgate/verdict/1`.
    pub body: String,
}

/// Writes a note and gives it its id.
pub(super) async fn insert(connection: &mut SqliteConnection, note: Note) -> Result<Note, sqlx::Error> {
    let id = sqlx::query("INSERT INTO timeline (rollout, at_ms, stage, text) VALUES (?, ?, ?, ?)")
        .bind(note.rollout.as_str())
        .bind(whole(note.at.as_millis()))
        .bind(note.stage.to_string())
        .bind(&note.text)
        .execute(connection)
        .await?
        .last_insert_rowid();
    Ok(Note { id: u64::try_from(id).unwrap_or(0), ..note })
}

impl Store {
    /// Writes a note that no step of the machine made; its id is given.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn note(&self, note: Note) -> Result<Note, StoreError> {
        let _held = TimeHeld::now();
        let failed = |source| self.failed("write the timeline", source);
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        insert(&mut connection, note).await.map_err(failed)
    }

    /// The notes after `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn notes(&self, after: u64, limit: u32) -> Result<Vec<Note>, StoreError> {
        let _held = TimeHeld::now();
        let failed = |source| self.failed("read the timeline", source);
        let rows = sqlx::query("SELECT * FROM timeline WHERE id > ? ORDER BY id LIMIT ?")
            .bind(whole(after))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| read_note(row).map_err(failed)).collect()
    }

    /// The latest notes of one rollout, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(&self, rollout: &RolloutId, limit: u32) -> Result<Vec<Note>, StoreError> {
        let _held = TimeHeld::now();
        let failed = |source| self.failed("read the timeline", source);
        let rows = sqlx::query("SELECT * FROM timeline WHERE rollout = ? ORDER BY id DESC LIMIT ?")
            .bind(rollout.as_str())
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().rev().map(|row| read_note(row).map_err(failed)).collect()
    }

    /// Writes one verdict: `records` it was judged on, and its whole text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn verdict(
        &self,
        rollout: &RolloutId,
        at: Timestamp,
        said: &StageVerdict,
        records: u64,
        body: &str,
    ) -> Result<(), StoreError> {
        let _held = TimeHeld::now();
        let sql = "INSERT INTO verdicts (rollout, at_ms, stage, epoch, records, verdict, body) VALUES (?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(rollout.as_str())
            .bind(whole(at.as_millis()))
            .bind(said.stage.to_string())
            .bind(whole(said.epoch))
            .bind(whole(records))
            .bind(said.verdict.as_str())
            .bind(body)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|source| self.failed("write a verdict", source))
    }

    /// The latest verdicts of one rollout, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verdicts(&self, rollout: &RolloutId, limit: u32) -> Result<Vec<StoredVerdict>, StoreError> {
        let _held = TimeHeld::now();
        let failed = |source| self.failed("read the verdicts", source);
        let rows = sqlx::query("SELECT * FROM verdicts WHERE rollout = ? ORDER BY seq DESC LIMIT ?")
            .bind(rollout.as_str())
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().rev().map(|row| read_verdict(row).map_err(failed)).collect()
    }
}

fn count(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}

fn read_note(row: &SqliteRow) -> Result<Note, sqlx::Error> {
    let stage: String = row.try_get("stage")?;
    let rollout: String = row.try_get("rollout")?;
    Ok(Note {
        id: count(row, "id")?,
        rollout: RolloutId::new(rollout),
        at: moment(row.try_get("at_ms")?),
        stage: stage.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        text: row.try_get("text")?,
    })
}

fn read_verdict(row: &SqliteRow) -> Result<StoredVerdict, sqlx::Error> {
    Ok(StoredVerdict {
        seq: count(row, "seq")?,
        at: moment(row.try_get("at_ms")?),
        stage: row.try_get("stage")?,
        epoch: count(row, "epoch")?,
        records: count(row, "records")?,
        verdict: row.try_get("verdict")?,
        body: row.try_get("body")?,
    })
}
