//! The journal: one transaction a step, and the last state of every rollout.

use std::sync::Arc;

use sqlx::{Row, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::held::TimeHeld;
use super::record::{EffectRecord, RecordError, RolloutRecord, TableRecord, event_text};
use super::{Store, StoreError};
use crate::domain::{RolloutId, Timestamp};
use crate::rollout::{Effect, EffectKind, Event, Note, Rollout};

/// Rollouts listed at once, latest first. Older ones stay in the file.
const LISTED_MAX: i64 = 200;

/// What made a step happen.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// The rollout began.
    Started,
    /// The rollout heard an event.
    Heard(&'a Event),
}

/// What a rollout judges, by digest. When one of them changes, evidence starts anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// The baseline's release.
    pub baseline: String,
    /// The candidate's release.
    pub candidate: String,
    /// The policy.
    pub policy: String,
}

/// One step to be written: cause, the state it led to, what was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause<'a>,
    /// What is judged.
    pub digests: &'a Digests,
    /// The state after it.
    pub rollout: &'a Rollout,
    /// What it asked for.
    pub effects: &'a [Effect],
}

/// A rollout as it was last written.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The rollout.
    pub rollout: Rollout,
    /// What it judges.
    pub digests: Digests,
    /// When it was written.
    pub durable: Timestamp,
    /// Effects that were asked for and not finished, in order.
    pub pending: Vec<Effect>,
}

/// One line of the list of rollouts.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// When it began.
    pub started: Timestamp,
    /// Where it stands.
    pub rollout: Rollout,
}

impl Store {
    /// Writes one step; when this returns, it is on disk. Returns the notes it made, with their ids.
    ///
    /// # Errors
    /// When it cannot be written; then nothing of it was.
    pub async fn append(&self, step: &Step<'_>) -> Result<Vec<Note>, StoreError> {
        let _held = TimeHeld::now();
        let doing = "write the journal";
        let failed = |source| self.failed(doing, source);
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let notes = write(&mut transaction, step).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(notes)
    }

    /// Notes that an effect was finished, so that a restart does not start it again.
    ///
    /// # Errors
    /// When it cannot be written; the effect is repeated after a restart, which its id makes harmless.
    pub async fn effect_done(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let _held = TimeHeld::now();
        sqlx::query("UPDATE effects SET done_ms = ? WHERE id = ?")
            .bind(whole(at.as_millis()))
            .bind(id)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|source| self.failed("write the journal", source))
    }

    /// The rollout that was started last, as it was last written.
    ///
    /// # Errors
    /// When the store cannot be read, or the row is not what was written.
    pub async fn latest(&self) -> Result<Option<Stored>, StoreError> {
        let _held = TimeHeld::now();
        let row = sqlx::query("SELECT * FROM rollouts ORDER BY started_ms DESC, rowid DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(|source| self.failed("read the rollouts", source))?;
        let Some(row) = row else { return Ok(None) };
        let rollout = self.read_state(&row)?;
        let pending = self.pending(&rollout.parts().id).await?;
        let durable = self.time(&row, "written_ms")?;
        let text = |column| row.try_get(column).map_err(|source| self.failed("read the rollouts", source));
        let digests =
            Digests { baseline: text("baseline")?, candidate: text("candidate")?, policy: text("policy")? };
        Ok(Some(Stored { rollout, digests, durable, pending }))
    }

    /// How many rollouts there ever were.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let _held = TimeHeld::now();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM rollouts")
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.failed("read the rollouts", source))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// All rollouts, latest first, up to 200.
    ///
    /// # Errors
    /// When the store cannot be read, or a row is not what was written.
    pub async fn rollouts(&self) -> Result<Vec<Summary>, StoreError> {
        let _held = TimeHeld::now();
        let rows = sqlx::query("SELECT * FROM rollouts ORDER BY started_ms DESC, rowid DESC LIMIT ?")
            .bind(LISTED_MAX)
            .fetch_all(&self.pool)
            .await
            .map_err(|source| self.failed("read the rollouts", source))?;
        rows.iter()
            .map(|row| Ok(Summary { started: self.time(row, "started_ms")?, rollout: self.read_state(row)? }))
            .collect()
    }

    async fn pending(&self, id: &RolloutId) -> Result<Vec<Effect>, StoreError> {
        let sql = "SELECT id, detail FROM effects WHERE rollout = ? AND done_ms IS NULL ORDER BY seq, rowid";
        let rows: Vec<(String, String)> = sqlx::query_as(sql)
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(|source| self.failed("read the effects", source))?;
        let read = |(id, detail): (String, String)| match EffectRecord::read(&detail) {
            Ok(kind) => Ok(kind.map(|kind| Effect { id, kind })),
            Err(error) => Err(self.bad_row(format!("effect {id}"), &error)),
        };
        rows.into_iter().filter_map(|row| read(row).transpose()).collect()
    }

    fn read_state(&self, row: &SqliteRow) -> Result<Rollout, StoreError> {
        let failed = |source| self.failed("read the rollouts", source);
        let id: String = row.try_get("id").map_err(failed)?;
        let state: String = row.try_get("state").map_err(failed)?;
        let sum: String = row.try_get("sum").map_err(failed)?;
        let name = format!("rollout {id}");
        if sum != digest(&state) {
            let why = "its text is not the one that was written".to_owned();
            return Err(StoreError::Row { file: Arc::clone(&self.file), row: name, why });
        }
        RolloutRecord::read(&state).map_err(|error| self.bad_row(name, &error))
    }

    fn bad_row(&self, row: String, error: &RecordError) -> StoreError {
        StoreError::Row { file: Arc::clone(&self.file), row, why: error.to_string() }
    }

    pub(super) fn time(&self, row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
        let millis: i64 = row.try_get(column).map_err(|source| self.failed("read a time", source))?;
        Ok(moment(millis))
    }
}

/// A second start under the same id must fail, so a start inserts and every later step updates.
const INSERT: &str = "INSERT INTO rollouts (id, started_ms, written_ms, baseline, candidate, policy, state, sum) \
     VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7)";
const UPDATE: &str = "UPDATE rollouts SET written_ms = ?2, baseline = ?3, candidate = ?4, policy = ?5, \
     state = ?6, sum = ?7 WHERE id = ?1";

async fn write(connection: &mut SqliteConnection, step: &Step<'_>) -> Result<Vec<Note>, sqlx::Error> {
    let id = &step.rollout.parts().id;
    let at = whole(step.at.as_millis());
    let state = RolloutRecord::write(step.rollout);
    let event = match step.cause {
        Cause::Started => None,
        Cause::Heard(event) => Some(event),
    };
    let sql = match step.cause {
        Cause::Started => INSERT,
        Cause::Heard(_) => UPDATE,
    };
    let query = sqlx::query::<Sqlite>(sql)
        .bind(id.as_str())
        .bind(at)
        .bind(&step.digests.baseline)
        .bind(&step.digests.candidate)
        .bind(&step.digests.policy)
        .bind(&state)
        .bind(digest(&state));
    if query.execute(&mut *connection).await?.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound);
    }
    let seq = sqlx::query("INSERT INTO journal (rollout, at_ms, event, state) VALUES (?, ?, ?, ?)")
        .bind(id.as_str())
        .bind(at)
        .bind(event_text(event))
        .bind(&state)
        .execute(&mut *connection)
        .await?
        .last_insert_rowid();
    let mut notes = Vec::new();
    for effect in step.effects {
        write_effect(connection, step, seq, effect).await?;
        if let EffectKind::Notify { stage, text } = &effect.kind {
            let note = Note { id: 0, rollout: id.clone(), at: step.at, stage: *stage, text: text.clone() };
            notes.push(super::timeline::insert(connection, note).await?);
        }
    }
    Ok(notes)
}

async fn write_effect(
    connection: &mut SqliteConnection,
    step: &Step<'_>,
    seq: i64,
    effect: &Effect,
) -> Result<(), sqlx::Error> {
    let id = step.rollout.parts().id.as_str();
    let at = whole(step.at.as_millis());
    let done = (!EffectRecord::reports_back(&effect.kind)).then_some(at);
    sqlx::query("INSERT INTO effects (id, rollout, seq, kind, detail, done_ms) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&effect.id)
        .bind(id)
        .bind(seq)
        .bind(effect.kind.name())
        .bind(EffectRecord::write(&effect.kind))
        .bind(done)
        .execute(&mut *connection)
        .await?;
    if let EffectKind::Publish(table) = &effect.kind {
        sqlx::query("INSERT INTO route_tables (version, rollout, at_ms, detail) VALUES (?, ?, ?, ?)")
            .bind(whole(table.version))
            .bind(id)
            .bind(at)
            .bind(TableRecord::write(table))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// SQLite's integers are signed; times and versions never come near the difference.
pub(super) fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The moment of a stored number; a negative one was never written.
pub(super) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
